// SPDX-License-Identifier: GPL-2.0

//! A disk, and turning it on and off.

use crate::{
    contents::Contents,
    crash::{Crash, Supply},
    fault::Faults,
    latency::Latencies,
    locks,
    options::Settings,
    registry::{Claim, Registry},
    rules::Rules,
    running::Running,
    settings::most_poll_queues,
    statistics::Statistics,
    zones::Zones,
};
use blk::{
    bad_blocks::BadBlocks,
    disk::Name,
    pages::Pages,
    status::Status,
    tag_set::HwQueues,
    units::{Bytes, Sectors},
    value::Late,
    zone::Condition,
};
use kernel::{cpu::nr_cpu_ids, prelude::*, sync::Arc};
use sync::{context::Process, held::Held, level::Before};

/// A disk, on or off.
pub(crate) struct Device {
    pub(crate) settings: Settings,
    /// Name of the disk; without one it is named after its number.
    name: Option<Name>,
    pub(crate) registry: Arc<Registry>,
    /// Its bad sectors, which users change while it is on or off.
    pub(crate) bad_blocks: Arc<BadBlocks>,
    /// The faults that are injected; those of requests only into a disk that was prepared for them.
    pub(crate) faults: Arc<Faults>,
    /// How long its requests take.
    pub(crate) latencies: KBox<Latencies>,
    /// What it has done, if it is to count that.
    pub(crate) statistics: Option<Arc<Statistics>>,
    /// What happens when it loses its power, and whether it has while it is on.
    pub(crate) crash: Crash,
    pub(crate) supply: Arc<Supply>,
    /// The rules by which requests fail; only on a disk that was prepared for them.
    pub(crate) rules: Arc<Rules>,
    /// Made when a memory-backed disk is turned on first.
    pages: Option<Arc<Pages>>,
    /// What it keeps while it is on, if it is memory-backed.
    pub(crate) contents: Option<Arc<Contents>>,
    /// Its zones while it is on, if it is zoned.
    pub(crate) zones: Option<Arc<Zones>>,
    /// Its zones when it was turned off, if that was after a crash.
    zones_left: Option<Arc<Zones>>,
    on: Option<On>,
}

/// What there is while a disk is on.
struct On {
    disk: KBox<dyn Running>,
    /// Whether faults can be injected into its requests.
    can_inject: bool,
    /// Whether requests look at the rules.
    takes_rules: bool,
    claim: Claim,
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
            latencies: KBox::new(Latencies::new(), GFP_KERNEL)?,
            statistics: None,
            crash: Crash::new(),
            supply: Arc::new(Supply::new(), GFP_KERNEL)?,
            rules: Arc::pin_init(Rules::new(), GFP_KERNEL)?,
            pages: None,
            contents: None,
            zones: None,
            zones_left: None,
            on: None,
        })
    }

    /// Whether a change of the faults of requests has effect.
    pub(crate) fn can_inject(&self) -> bool {
        self.on.as_ref().is_none_or(|on| on.can_inject)
    }

    /// Whether a new rule has effect.
    pub(crate) fn takes_rules(&self) -> bool {
        self.on.as_ref().is_none_or(|on| on.takes_rules)
    }

    /// Whether the disk is on, and lost its power.
    pub(crate) fn has_crashed(&self) -> bool {
        self.is_on() && self.supply.has_failed()
    }

    /// Takes the power from the disk: it dies, then loses what its cache held. It is there, of no
    /// use to anybody, until it is turned off.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the disk is off, or has crashed already.
    pub(crate) fn crash(&mut self, held: &mut Held<'_, locks::Device>) -> Result {
        let Some(On { disk, .. }) = self.on.as_ref().filter(|_| !self.supply.has_failed()) else {
            pr_err!("crash/now: the disk is off, or has crashed already\n");
            return Err(EINVAL);
        };
        self.supply.set_failed(true);
        disk.mark_dead(held);
        let block = Bytes::new(self.settings.blocksize.into());
        let (contents, zones) = (self.contents.as_deref(), self.zones.as_deref());
        self.crash.happen(contents, zones, block, held);
        Ok(())
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
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process> + Before<locks::Zone>>,
    ) -> Result {
        if on == self.is_on() {
            return Ok(());
        }
        match self.on.take() {
            Some(On { disk, claim, .. }) => {
                drop(disk);
                let has_crashed = self.supply.has_failed();
                self.zones_left = self.zones.take().filter(|_| has_crashed);
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
        held: &mut Held<'_, impl Before<locks::Registry, Context = Process> + Before<locks::Zone>>,
    ) -> Result<On> {
        self.settings.adjust()?;
        if self.latencies.are_set() {
            self.settings.irqmode = 2;
        }
        self.supply.set_failed(false);
        self.contents = self.make_contents()?;
        self.zones = self.make_zones(held)?;
        let takes_rules = self.rules.are_wanted();
        let claim = self.registry.claim(self.name, held)?;
        match self.make_disk(&claim, held) {
            Ok(disk) => {
                self.settings.index = claim.minor();
                pr_info!("disk {} created\n", claim.name());
                Ok(On {
                    disk,
                    can_inject: self.faults.are_armed(),
                    takes_rules,
                    claim,
                })
            }
            Err(error) => {
                self.registry.release(claim, held);
                Err(error)
            }
        }
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

    /// The zones of the disk, if it is to have some.
    ///
    /// # Errors
    ///
    /// Those of [`Zones::new`].
    fn make_zones(
        &mut self,
        held: &mut Held<'_, impl Before<locks::Zone>>,
    ) -> Result<Option<Arc<Zones>>> {
        if !self.settings.zoned {
            return Ok(None);
        }
        let zones = Zones::new(&mut self.settings)?;
        if let Some(before) = &self.zones_left {
            zones.resume(before, held);
        }
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
}
