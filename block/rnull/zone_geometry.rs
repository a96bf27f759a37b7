// SPDX-License-Identifier: GPL-2.0

//! How a disk is divided into zones.

use crate::options::Settings;
use blk::{
    units::{Mebibytes, Sectors},
    zone::ZoneLimits,
};
use kernel::prelude::*;

/// Where the zones of a disk are, and what they can hold.
#[derive(PartialEq, Eq)]
pub(crate) struct Geometry {
    /// log2 of the sectors in a zone.
    shift: u32,
    /// Number of zones, the last of which can be shorter than the others.
    pub(crate) count: u32,
    /// Number of conventional zones, which come first.
    pub(crate) conventional: u32,
    /// What can be written to a sequential zone.
    capacity: Sectors,
    /// Size of the disk.
    disk: Sectors,
}

impl Geometry {
    /// The zones of a disk with these settings, whose `zone_size` is a power of two. Other settings that no disk can have are replaced by
    /// the nearest ones it can.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there are none, `ENOMEM` for 2^32 zones or more.
    pub(crate) fn new(settings: &mut Settings) -> Result<Self> {
        let refuse = |reason: &str| {
            pr_err!("zoned: {reason}\n");
            EINVAL
        };
        if settings.zone_size > settings.size {
            return Err(refuse("zone_size must be at most size"));
        }
        if settings.zone_capacity.get() == 0 {
            settings.zone_capacity = settings.zone_size;
        }
        if settings.zone_capacity > settings.zone_size {
            return Err(refuse("zone_capacity must be at most zone_size"));
        }
        let partial = settings.size.get() & (settings.zone_size.get() - 1) != 0;
        if partial && settings.zone_capacity != settings.zone_size {
            // There is no such device.
            return Err(refuse(
                "size must be whole zones if zone_capacity is below zone_size",
            ));
        }

        let sectors = |length: Mebibytes| length.bytes().map(|bytes| bytes.sectors());
        let zone = sectors(settings.zone_size).ok_or(EINVAL)?;
        let disk = sectors(settings.size).ok_or(EINVAL)?;
        let shift = zone.get().trailing_zeros();
        let count = disk.get().div_ceil(zone.get());
        let mut geometry = Self {
            shift,
            count: u32::try_from(count).map_err(|_| ENOMEM)?,
            conventional: 0,
            capacity: sectors(settings.zone_capacity).ok_or(EINVAL)?,
            disk,
        };
        geometry.adjust(settings);
        geometry.conventional = settings.zone_nr_conv;
        Ok(geometry)
    }

    /// Replaces settings that no disk with these zones can have.
    fn adjust(&self, settings: &mut Settings) {
        if settings.zone_nr_conv >= self.count {
            settings.zone_nr_conv = self.count - 1;
            pr_info!("zone_nr_conv is set to {}\n", settings.zone_nr_conv);
        }

        // As C aligns down, which is something else for a block size that is refused later.
        let block = settings.blocksize >> blk::units::SECTOR_SHIFT;
        let append = settings.zone_append_max_sectors & !block.wrapping_sub(1);
        let capacity = u32::try_from(self.capacity.get()).unwrap_or(u32::MAX);
        settings.zone_append_max_sectors = append.min(capacity);

        // A limit has to be below the number of zones that it is about.
        let sequential = self.count - settings.zone_nr_conv;
        if settings.zone_max_active >= sequential {
            settings.zone_max_active = 0;
            pr_info!("zone_max_active is set to 0 (no limit): there are no more zones\n");
        }
        let active = settings.zone_max_active;
        if active != 0 && settings.zone_max_open > active {
            settings.zone_max_open = active;
            pr_info!("zone_max_open is set to {active}, which is zone_max_active\n");
        } else if settings.zone_max_open >= sequential {
            settings.zone_max_open = 0;
            pr_info!("zone_max_open is set to 0 (no limit): there are no more zones\n");
        }
    }

    /// What the block layer has to know of it.
    pub(crate) fn limits(&self, settings: &Settings) -> ZoneLimits {
        ZoneLimits {
            zone_length: Sectors::new(1 << self.shift),
            max_append: settings.zone_append_max_sectors,
            max_open: settings.zone_max_open,
            max_active: settings.zone_max_active,
        }
    }

    /// The number of the zone that a sector is in; it may be beyond the last one.
    #[inline]
    pub(crate) fn zone_of(&self, sector: Sectors) -> u64 {
        sector.get() >> self.shift
    }

    /// Where zone `number` begins.
    #[inline]
    pub(crate) fn start(&self, number: u32) -> Sectors {
        Sectors::new(u64::from(number) << self.shift)
    }

    /// The length of zone `number`.
    #[inline]
    pub(crate) fn length(&self, number: u32) -> Sectors {
        let rest = self.disk.saturating_sub(self.start(number));
        rest.min(Sectors::new(1 << self.shift))
    }

    /// How much of zone `number` can be written.
    #[inline]
    pub(crate) fn capacity(&self, number: u32) -> Sectors {
        let length = self.length(number);
        if self.is_conventional(number) {
            length
        } else {
            length.min(self.capacity)
        }
    }

    /// Whether zone `number` is conventional.
    #[inline]
    pub(crate) fn is_conventional(&self, number: u32) -> bool {
        number < self.conventional
    }
}
