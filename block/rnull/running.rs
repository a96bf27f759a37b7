// SPDX-License-Identifier: GPL-2.0

//! A disk that is on, with the operations that its settings want.

use crate::{
    bad_sectors::BadSectors,
    completion::{Inline, Softirq},
    contents::Contents,
    device::Device,
    general::{self, General, Irqmode},
    locks,
    memory::{self, Memory},
    plain::{Plain, Polled, Watch},
    registry::Claim,
};
use blk::{
    disk::{Disk, DiskOptions},
    operations::Operations,
    tag_set::{HwQueues, TagSet},
    throttle::Throttle,
    units::Mebibytes,
};
use kernel::{prelude::*, sync::Arc};
use sync::{
    context::Process,
    held::Held,
    level::{Before, Level},
};

/// A disk that is on, whatever its operations.
pub(crate) trait Running: Send + Sync {
    /// [`TagSet::update_nr_hw_queues`].
    fn update_nr_hw_queues(&self, queues: HwQueues, held: &mut Held<'_, locks::Device>) -> Result;

    /// [`Disk::mark_dead`].
    fn mark_dead(&self, held: &mut Held<'_, locks::Device>);
}

impl<T: Operations> Running for Disk<T> {
    fn update_nr_hw_queues(&self, queues: HwQueues, held: &mut Held<'_, locks::Device>) -> Result {
        self.tag_set().update_nr_hw_queues(queues, held)
    }

    fn mark_dead(&self, held: &mut Held<'_, locks::Device>) {
        self.mark_dead(held);
    }
}

impl Device {
    /// Makes the disk with the operations that its settings want.
    pub(crate) fn make_disk(
        &self,
        claim: &Claim,
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process>>,
    ) -> Result<KBox<dyn Running>> {
        let settings = &self.settings;
        if settings.shared_tags {
            let tag_set = self.registry.shared_tags(held)?;
            return self.add_disk(claim, tag_set, self.general()?, held);
        }
        if self.zones.is_some()
            || settings.mbps > 0
            || settings.cache_size.get() > 0
            || self.faults.are_armed()
            || self.rules.are_wanted()
            || self.statistics.is_some()
        {
            return self.add_own::<General>(claim, self.general()?, held);
        }
        let polls = settings.poll_queues > 0;
        match (&self.contents, settings.irqmode(), polls) {
            (_, Irqmode::Timer, _) | (Some(_), _, true) => {
                self.add_own::<General>(claim, self.general()?, held)
            }
            (Some(contents), Irqmode::Inline, false) => {
                self.add_own::<Memory<Inline>>(claim, self.memory(contents)?, held)
            }
            (Some(contents), Irqmode::Softirq, false) => {
                self.add_own::<Memory<Softirq>>(claim, self.memory(contents)?, held)
            }
            (None, Irqmode::Inline, false) => {
                self.add_own::<Plain<Inline>>(claim, self.watch()?, held)
            }
            (None, Irqmode::Inline, true) => {
                self.add_own::<Polled<Inline>>(claim, self.watch()?, held)
            }
            (None, Irqmode::Softirq, false) => {
                self.add_own::<Plain<Softirq>>(claim, self.watch()?, held)
            }
            (None, Irqmode::Softirq, true) => {
                self.add_own::<Polled<Softirq>>(claim, self.watch()?, held)
            }
        }
    }

    /// What requests need to know of the settings.
    fn general(&self) -> Result<Arc<general::Disk>> {
        let latencies = match self.latencies.are_set() {
            true => Some(Arc::new((*self.latencies).clone(), GFP_KERNEL)?),
            false => None,
        };
        let disk = general::Disk {
            zones: self.zones.clone(),
            irqmode: self.settings.irqmode(),
            completion_nsec: self.settings.completion_nsec,
            throttle: self.throttle()?,
            contents: self.contents.clone(),
            bad_sectors: self.bad_sectors(),
            faults: self.faults.clone(),
            latencies,
            statistics: self.statistics.clone(),
            supply: self.supply.clone(),
            rules: self.rules.are_wanted().then(|| self.rules.clone()),
        };
        Ok(Arc::new(disk, GFP_KERNEL)?)
    }

    /// What requests need to know of a disk with nothing but `contents`.
    fn memory(&self, contents: &Arc<Contents>) -> Result<Arc<memory::Disk>> {
        let disk = memory::Disk {
            contents: contents.clone(),
            bad_sectors: self.bad_sectors(),
            faults: self.faults.clone(),
        };
        Ok(Arc::new(disk, GFP_KERNEL)?)
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

    /// Shows the disk to users, with a tag set of its own.
    fn add_own<T: Operations>(
        &self,
        claim: &Claim,
        queue_data: T::QueueData,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<KBox<dyn Running>> {
        let options = self.settings.tag_set_options();
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
                capacity: self.settings.capacity()?,
                limits: self
                    .settings
                    .limits(self.zones.as_ref().map(|zones| zones.limits())),
            },
            held,
        )?;
        Ok(KBox::new(disk, GFP_KERNEL)?)
    }
}
