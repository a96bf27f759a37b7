// SPDX-License-Identifier: GPL-2.0

//! A disk's settings, and turning it on and off.

use crate::{
    locks,
    options::Settings,
    queue::{Inline, Softirq},
    registry::{Claim, Registry},
    OPERATIONS,
};
use blk::{
    disk::{Disk, DiskOptions, Name},
    limits::Limits,
    operations::Operations,
    tag_set::{TagSet, TagSetOptions},
    units::Bytes,
};
use kernel::{cpu::nr_cpu_ids, prelude::*, sync::Arc, time::Msecs};
use sync::{
    context::Process,
    held::Held,
    level::{Before, Level},
};

/// Time after which the block layer asks after a request.
const TIMEOUT: Msecs = 5_000;

/// A disk, on or off.
pub(crate) struct Device {
    pub(crate) settings: Settings,
    /// Name of the disk; without one it is named after its number.
    name: Option<Name>,
    registry: Arc<Registry>,
    on: Option<On>,
}

/// What there is while a disk is on.
struct On {
    disk: AnyDisk,
    claim: Claim,
}

/// A disk, by the operations chosen for its settings.
enum AnyDisk {
    Inline(Disk<Inline>),
    Softirq(Disk<Softirq>),
}

impl Device {
    /// A disk with the settings of the module parameters, off.
    pub(crate) fn new(name: Option<Name>, registry: Arc<Registry>) -> Self {
        Self {
            settings: Settings::new(),
            name,
            registry,
            on: None,
        }
    }

    /// Whether the disk is on.
    pub(crate) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Turns the disk on or off; does nothing if it is so already. Turning it off waits for the
    /// requests in flight.
    ///
    /// # Errors
    ///
    /// `EINVAL` for settings that no disk can have, `EEXIST` if another disk has the name,
    /// `ENOMEM`. The disk is then off; settings that had to be adjusted stay so.
    pub(crate) fn switch(
        &mut self,
        on: bool,
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process>>,
    ) -> Result {
        if on == self.is_on() {
            return Ok(());
        }
        match self.on.take() {
            Some(On { disk, claim }) => {
                drop(disk);
                self.registry.release(claim, held);
            }
            None => self.on = Some(self.make(held)?),
        }
        Ok(())
    }

    /// Prepares the change to `queues` submission queues; changes a disk that is on.
    ///
    /// # Errors
    ///
    /// If the disk is on, `EINVAL` for no queues or more than there can be CPUs, and `ENOMEM`. A
    /// disk that is off takes any number, and adjusts it when it is turned on.
    pub(crate) fn set_submit_queues(
        &mut self,
        queues: u32,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        let Some(On { disk, .. }) = &self.on else {
            return Ok(());
        };
        if !(1..=nr_cpu_ids()).contains(&queues) {
            return Err(EINVAL);
        }
        match disk {
            AnyDisk::Inline(disk) => disk.tag_set().update_nr_hw_queues(queues, held),
            AnyDisk::Softirq(disk) => disk.tag_set().update_nr_hw_queues(queues, held),
        }
    }

    /// Makes the disk.
    fn make(
        &mut self,
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process>>,
    ) -> Result<On> {
        self.adjust();
        let claim = self.registry.claim(self.name, held)?;
        match self.make_any_disk(&claim, held) {
            Ok(disk) => {
                self.settings.index = claim.minor();
                pr_info!("disk {} created\n", claim.name());
                Ok(On { disk, claim })
            }
            Err(error) => {
                self.registry.release(claim, held);
                Err(error)
            }
        }
    }

    /// Makes the disk with the operations for its settings.
    fn make_any_disk(
        &self,
        claim: &Claim,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<AnyDisk> {
        match self.settings.irqmode {
            0 => Ok(AnyDisk::Inline(self.make_disk(claim, held)?)),
            1 => Ok(AnyDisk::Softirq(self.make_disk(claim, held)?)),
            irqmode => {
                pr_err!("irqmode {irqmode} (timer) is not there yet: use 0 or 1\n");
                Err(EINVAL)
            }
        }
    }

    /// Replaces settings that no disk can have by the nearest ones it can.
    fn adjust(&mut self) {
        let settings = &mut self.settings;
        settings.submit_queues = settings.submit_queues.clamp(1, nr_cpu_ids());
        settings.irqmode = settings.irqmode.min(2);
    }

    /// Makes the disk with operations `T`.
    fn make_disk<T: Operations<QueueData = ()>>(
        &self,
        claim: &Claim,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<Disk<T>> {
        let settings = &self.settings;
        let capacity = settings.size.bytes().map(Bytes::sectors).ok_or_else(|| {
            pr_err!("size {} MiB is 2^64 bytes or more\n", settings.size.get());
            EINVAL
        })?;
        let tag_set = TagSet::new(TagSetOptions {
            hw_queues: settings.submit_queues,
            queue_depth: settings.hw_queue_depth,
            timeout: TIMEOUT,
        });
        let limits = Limits::new()
            .logical_block_size(settings.blocksize)
            .physical_block_size(settings.blocksize)
            .dma_alignment(1)
            .rotational(settings.rotational);

        Disk::new(
            Arc::pin_init(tag_set, GFP_KERNEL)?,
            (),
            DiskOptions {
                name: claim.name(),
                major: self.registry.major(),
                minor: claim.minor(),
                capacity,
                limits,
                operations: &OPERATIONS,
            },
            held,
        )
    }
}
