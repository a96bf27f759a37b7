// SPDX-License-Identifier: GPL-2.0

//! A disk's settings, and turning it on and off.

use crate::{
    bad_sectors::BadSectors,
    completion::{Inline, Softirq},
    contents::Contents,
    fault::Faults,
    general::{self, General, Irqmode},
    locks,
    options::{parameters, Settings},
    plain::{Plain, Polled, Watch},
    registry::{Claim, Registry},
    zones::Zones,
    TIMEOUT,
};
use blk::{
    bad_blocks::BadBlocks,
    disk::{Disk, DiskOptions, Name},
    limits::Limits,
    node::{online_nodes, Node},
    operations::Operations,
    pages::Pages,
    status::Status,
    tag_set::{Flags, HwQueues, TagSet, TagSetOptions},
    throttle::Throttle,
    units::{Bytes, Mebibytes, Sectors, SECTOR_SHIFT},
    value::Late,
    zone::Condition,
};
use kernel::{cpu::nr_cpu_ids, page::PAGE_SIZE, prelude::*, sync::Arc};
use sync::{
    context::Process,
    held::Held,
    level::{Before, Level},
};

/// The largest part of a disk that one request can discard: what fits into 32 bits as bytes.
const MOST_DISCARD_SECTORS: u32 = u32::MAX >> SECTOR_SHIFT;

/// The largest limit to a disk's bandwidth, in MiB/s.
const MOST_MBPS: u32 = 40 * 1024;

/// A disk, on or off.
pub(crate) struct Device {
    pub(crate) settings: Settings,
    /// Name of the disk; without one it is named after its number.
    name: Option<Name>,
    registry: Arc<Registry>,
    /// Its bad sectors, which users change while it is on or off.
    pub(crate) bad_blocks: Arc<BadBlocks>,
    /// The faults that are injected; those of requests only into a disk that was prepared for them.
    pub(crate) faults: Arc<Faults>,
    /// Made when a memory-backed disk is turned on first.
    pages: Option<Arc<Pages>>,
    /// What it keeps while it is on, if it is memory-backed.
    contents: Option<Arc<Contents>>,
    /// Its zones while it is on, if it is zoned.
    zones: Option<Arc<Zones>>,
    on: Option<On>,
}

/// What there is while a disk is on.
struct On {
    disk: KBox<dyn Running>,
    /// Whether faults can be injected into its requests.
    can_inject: bool,
    claim: Claim,
}

/// A disk that is on, whatever its operations.
trait Running: Send + Sync {
    /// [`TagSet::update_nr_hw_queues`].
    fn update_nr_hw_queues(&self, queues: HwQueues, held: &mut Held<'_, locks::Device>) -> Result;
}

impl<T: Operations> Running for Disk<T> {
    fn update_nr_hw_queues(&self, queues: HwQueues, held: &mut Held<'_, locks::Device>) -> Result {
        self.tag_set().update_nr_hw_queues(queues, held)
    }
}

impl Device {
    /// A disk with the settings of the module parameters, off.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(name: Option<Name>, registry: Arc<Registry>) -> Result<Self> {
        Ok(Self {
            settings: Settings::new(),
            name,
            registry,
            bad_blocks: Arc::pin_init(BadBlocks::new(), GFP_KERNEL)?,
            faults: Arc::new(Faults::new()?, GFP_KERNEL)?,
            pages: None,
            contents: None,
            zones: None,
            on: None,
        })
    }

    /// Whether a change of the faults of requests has effect.
    pub(crate) fn can_inject(&self) -> bool {
        self.on.as_ref().is_none_or(|on| on.can_inject)
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
            Some(On { disk, claim, .. }) => {
                drop(disk);
                self.zones = None;
                self.contents = None;
                self.registry.release(claim, held);
            }
            None => {
                let made = self.make(held);
                if made.is_err() {
                    self.zones = None;
                    self.contents = None;
                }
                self.on = Some(made?);
            }
        }
        Ok(())
    }

    /// Prepares the change to `submit` submission queues; changes a disk that is on.
    ///
    /// # Errors
    ///
    /// Those of [`Device::set_queues`].
    pub(crate) fn set_submit_queues(
        &mut self,
        submit: u32,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        let queues = HwQueues {
            submit,
            poll: self.settings.poll_queues,
        };
        self.set_queues(queues, held)
    }

    /// Prepares the change to `poll` queues for polling; changes a disk that is on.
    ///
    /// # Errors
    ///
    /// Those of [`Device::set_queues`].
    pub(crate) fn set_poll_queues(
        &mut self,
        poll: u32,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        let queues = HwQueues {
            submit: self.settings.submit_queues,
            poll,
        };
        self.set_queues(queues, held)
    }

    /// Changes the queues of a disk that is on.
    ///
    /// # Errors
    ///
    /// If the disk is on, `EINVAL` if it shares tags, and for no submission queues, more than
    /// there can be CPUs, or more queues for polling than the parameter says; `ENOMEM`. A disk
    /// that is off takes any numbers, and adjusts them when it is turned on.
    fn set_queues(&self, queues: HwQueues, held: &mut Held<'_, locks::Device>) -> Result {
        let Some(On { disk, .. }) = &self.on else {
            return Ok(());
        };
        if self.settings.shared_tags
            || !(1..=nr_cpu_ids()).contains(&queues.submit)
            || queues.poll > most_poll_queues()
        {
            return Err(EINVAL);
        }
        disk.update_nr_hw_queues(queues, held)
    }

    /// Makes the disk.
    fn make(
        &mut self,
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process>>,
    ) -> Result<On> {
        self.adjust()?;
        self.contents = self.make_contents()?;
        self.zones = self.make_zones()?;
        let claim = self.registry.claim(self.name, held)?;
        match self.make_disk(&claim, held) {
            Ok(disk) => {
                self.settings.index = claim.minor();
                pr_info!("disk {} created\n", claim.name());
                Ok(On {
                    disk,
                    can_inject: self.faults.are_armed(),
                    claim,
                })
            }
            Err(error) => {
                self.registry.release(claim, held);
                Err(error)
            }
        }
    }

    /// Replaces settings that no disk can have by the nearest ones it can.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there are none.
    fn adjust(&mut self) -> Result {
        let settings = &mut self.settings;
        match settings.queue_mode {
            0 => {
                pr_warn!("queue_mode 0 (bio) is no more: it is set to 2 (blk-mq)\n");
                settings.queue_mode = 2;
            }
            1 => {
                pr_err!("queue_mode 1 (the legacy request interface) is no more: use 2\n");
                return Err(EINVAL);
            }
            _ => (),
        }
        settings.submit_queues = if settings.use_per_node_hctx {
            online_nodes()
        } else {
            settings.submit_queues.clamp(1, nr_cpu_ids())
        };
        settings.poll_queues = settings.poll_queues.min(most_poll_queues());
        settings.irqmode = settings.irqmode.min(2);
        if settings.memory_backed {
            settings.blocking = true;
        } else {
            settings.cache_size = Mebibytes::new(0);
        }
        settings.mbps = settings.mbps.min(MOST_MBPS);
        settings.cache_size = settings.cache_size.min(Mebibytes::new(u64::MAX >> 20));
        if settings.zoned && !settings.zone_size.get().is_power_of_two() {
            pr_err!("zone_size must be a power of two\n");
            return Err(EINVAL);
        }
        if settings.discard && (settings.zoned || !settings.memory_backed) {
            pr_info!("discard is turned off: the disk is zoned, or not memory-backed\n");
            settings.discard = false;
        }
        Ok(())
    }

    /// The zones of the disk, if it is to have some.
    ///
    /// # Errors
    ///
    /// Those of [`Zones::new`].
    fn make_zones(&mut self) -> Result<Option<Arc<Zones>>> {
        if !self.settings.zoned {
            return Ok(None);
        }
        let zones = Zones::new(&mut self.settings)?;
        Ok(Some(Arc::new(zones, GFP_KERNEL)?))
    }

    /// Makes a zone read-only, or empties it if it is so.
    ///
    /// # Errors
    ///
    /// Those of [`Device::fail_zone`].
    pub(crate) fn set_zone_readonly(
        &mut self,
        sector: Late<u64>,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        self.fail_zone(sector, Condition::ReadOnly, held)
    }

    /// Takes a zone offline, or empties it if it is so.
    ///
    /// # Errors
    ///
    /// Those of [`Device::fail_zone`].
    pub(crate) fn set_zone_offline(
        &mut self,
        sector: Late<u64>,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        self.fail_zone(sector, Condition::Offline, held)
    }

    /// Changes the condition of the zone of a sector.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the disk is off, is not zoned, or has no such zone that is not conventional,
    /// and those of the sector's text.
    fn fail_zone(
        &self,
        sector: Late<u64>,
        condition: Condition,
        held: &mut Held<'_, locks::Device>,
    ) -> Result {
        if !self.settings.zoned {
            pr_err!("the disk is not zoned\n");
            return Err(EINVAL);
        }
        let Some(zones) = &self.zones else {
            pr_err!("the disk is off\n");
            return Err(EINVAL);
        };
        let sector = Sectors::new(sector.get()?);
        zones.fail(sector, condition, held, |start, length, held| {
            if let Some(contents) = &self.contents {
                contents.forget(start, length, held);
            }
            Status::OK
        })
    }

    /// Makes the disk with the operations that its settings want.
    fn make_disk(
        &self,
        claim: &Claim,
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process>>,
    ) -> Result<KBox<dyn Running>> {
        let settings = &self.settings;
        if settings.shared_tags {
            let tag_set = self.registry.shared_tags(held)?;
            return self.add_disk(claim, tag_set, self.general()?, held);
        }
        if self.zones.is_some() {
            return self.add_own::<General>(claim, self.general()?, held);
        }
        let polls = settings.poll_queues > 0;
        if settings.memory_backed || settings.mbps > 0 || self.faults.are_armed() {
            return self.add_own::<General>(claim, self.general()?, held);
        }
        match (self.irqmode(), polls) {
            (Irqmode::Inline, false) => self.add_own::<Plain<Inline>>(claim, self.watch()?, held),
            (Irqmode::Inline, true) => self.add_own::<Polled<Inline>>(claim, self.watch()?, held),
            (Irqmode::Softirq, false) => self.add_own::<Plain<Softirq>>(claim, self.watch()?, held),
            (Irqmode::Softirq, true) => self.add_own::<Polled<Softirq>>(claim, self.watch()?, held),
            (Irqmode::Timer, _) => self.add_own::<General>(claim, self.general()?, held),
        }
    }

    /// What requests need to know of the settings.
    fn general(&self) -> Result<Arc<general::Disk>> {
        let disk = general::Disk {
            zones: self.zones.clone(),
            irqmode: self.irqmode(),
            completion_nsec: self.settings.completion_nsec,
            throttle: self.throttle()?,
            contents: self.contents.clone(),
            bad_sectors: self.bad_sectors(),
            faults: self.faults.clone(),
        };
        Ok(Arc::new(disk, GFP_KERNEL)?)
    }

    /// The contents of the disk, if it is to be memory-backed.
    fn make_contents(&mut self) -> Result<Option<Arc<Contents>>> {
        if !self.settings.memory_backed {
            return Ok(None);
        }
        let pages = match &self.pages {
            Some(pages) => pages.clone(),
            None => Arc::pin_init(Pages::new(), GFP_KERNEL)?,
        };
        self.pages = Some(pages.clone());
        let contents = Contents::new(pages, self.settings.cache_size)?;
        Ok(Some(Arc::new(contents, GFP_KERNEL)?))
    }

    /// The limit to the disk's bandwidth, if there is one.
    fn throttle(&self) -> Result<Option<Pin<KBox<Throttle>>>> {
        let mbps = Mebibytes::new(self.settings.mbps.into());
        let Some(per_second) = mbps.bytes().filter(|bytes| bytes.get() > 0) else {
            return Ok(None);
        };
        KBox::pin_init(Throttle::new(per_second), GFP_KERNEL).map(Some)
    }

    /// What users can change on a plain disk.
    fn watch(&self) -> Result<Arc<Watch>> {
        let watch = Watch {
            bad_sectors: self.bad_sectors(),
            faults: self.faults.clone(),
        };
        Ok(Arc::new(watch, GFP_KERNEL)?)
    }

    /// The disk's bad sectors.
    fn bad_sectors(&self) -> BadSectors {
        BadSectors::new(self.bad_blocks.clone(), &self.settings)
    }

    /// Where requests complete.
    fn irqmode(&self) -> Irqmode {
        match self.settings.irqmode {
            0 => Irqmode::Inline,
            1 => Irqmode::Softirq,
            _ => Irqmode::Timer,
        }
    }

    /// Shows the disk to users, with a tag set of its own.
    fn add_own<T: Operations>(
        &self,
        claim: &Claim,
        queue_data: T::QueueData,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<KBox<dyn Running>> {
        let settings = &self.settings;
        let options = TagSetOptions {
            hw_queues: HwQueues {
                submit: settings.submit_queues,
                poll: settings.poll_queues,
            },
            queue_depth: settings.hw_queue_depth,
            timeout: TIMEOUT,
            node: Node::new(settings.home_node),
            flags: Flags {
                blocking: settings.blocking,
                no_scheduler: settings.no_sched,
                queues_share_tags: settings.shared_tag_bitmap,
            },
        };
        let tag_set = Arc::pin_init(TagSet::<T>::new(options), GFP_KERNEL)?;
        self.add_disk(claim, tag_set, queue_data, held)
    }

    /// Shows the disk to users.
    fn add_disk<T: Operations>(
        &self,
        claim: &Claim,
        tag_set: Arc<TagSet<T>>,
        queue_data: T::QueueData,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<KBox<dyn Running>> {
        let disk = Disk::new(
            tag_set,
            queue_data,
            DiskOptions {
                name: claim.name(),
                major: self.registry.major(),
                minor: claim.minor(),
                capacity: self.capacity()?,
                limits: self.limits(),
            },
            held,
        )?;
        Ok(KBox::new(disk, GFP_KERNEL)?)
    }

    /// The size of the disk.
    fn capacity(&self) -> Result<Sectors> {
        let size = self.settings.size;
        size.bytes().map(Bytes::sectors).ok_or_else(|| {
            pr_err!("size {} MiB is 2^64 bytes or more\n", size.get());
            EINVAL
        })
    }

    /// What the disk can do in one request.
    fn limits(&self) -> Limits {
        let settings = &self.settings;
        let if_so = |so, sectors| if so { sectors } else { 0 };
        let limits = Limits::new()
            .logical_block_size(settings.blocksize)
            .physical_block_size(settings.blocksize)
            .max_hw_sectors(settings.max_sectors)
            .max_hw_discard_sectors(if_so(settings.discard, MOST_DISCARD_SECTORS))
            // Zeroes would have to be written at a zone's write pointer.
            .max_write_zeroes_sectors(if_so(
                settings.memory_backed && !settings.zoned,
                MOST_DISCARD_SECTORS,
            ))
            .dma_alignment(1)
            .virt_boundary_mask(if settings.virt_boundary {
                PAGE_SIZE - 1
            } else {
                0
            })
            .write_cache(settings.cache_size.get() > 0, settings.fua)
            .rotational(settings.rotational);
        match &self.zones {
            Some(zones) => limits.zoned(zones.limits()),
            None => limits,
        }
    }
}

/// The most queues for polling that a disk can have.
fn most_poll_queues() -> u32 {
    // CAST: C compares the int parameter with unsigned numbers.
    parameters::poll_queues.get() as u32
}
