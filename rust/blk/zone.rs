// SPDX-License-Identifier: GPL-2.0

//! Zones: parts of a disk that are written from their beginning to their end.
//!
//! C headers: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h),
//! [`include/uapi/linux/blkzoned.h`](srctree/include/uapi/linux/blkzoned.h)

use crate::units::Sectors;
use core::ptr::NonNull;
use kernel::{bindings, error::to_result, prelude::*};

/// What a zone is and where it stands (`struct blk_zone`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Where it begins.
    pub start: Sectors,
    /// Its length; the next zone begins after it.
    pub length: Sectors,
    /// How much can be written from its start, at most its length.
    pub capacity: Sectors,
    /// Where the next write must be, if the zone has such a place.
    pub write_pointer: Option<Sectors>,
    /// Its condition.
    pub condition: Condition,
}

/// The condition of a zone (`enum blk_zone_cond`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    /// Conventional: it is written anywhere, and has no write pointer.
    NotWritePointer = 0,
    /// Nothing is written.
    Empty = 1,
    /// Open because it was written.
    ImplicitlyOpen = 2,
    /// Open because somebody asked for it.
    ExplicitlyOpen = 3,
    /// Written in part, and not open.
    Closed = 4,
    /// It can be read only.
    ReadOnly = 0xd,
    /// It cannot be written before it is reset.
    Full = 0xe,
    /// It can be neither read nor written.
    Offline = 0xf,
}

/// What a zoned disk can do ([`Limits::zoned`](crate::limits::Limits::zoned)).
#[derive(Clone, Copy, Debug)]
pub struct ZoneLimits {
    /// The length of the zones (but for the last one, which can be shorter): a power of two.
    pub zone_length: Sectors,
    /// The largest append in sectors; 0 lets the block layer make writes of appends.
    pub max_append: u32,
    /// How many zones can be open at a time; 0 for any number.
    pub max_open: u32,
    /// How many zones can be open or closed at a time; 0 for any number.
    pub max_active: u32,
}

/// Somebody who wants to know of a disk's zones, in their order.
pub struct ZoneReport<'call> {
    disk: NonNull<bindings::gendisk>,
    arguments: *mut bindings::blk_report_zones_args,
    most: u32,
    reported: u32,
    _call: core::marker::PhantomData<&'call mut ()>,
}

impl ZoneReport<'_> {
    /// A report of at most `most` zones.
    ///
    /// # Safety
    ///
    /// `disk` and `arguments` must be those of a call of `->report_zones` that lasts as long as
    /// the result.
    pub(crate) unsafe fn new(
        disk: NonNull<bindings::gendisk>,
        arguments: *mut bindings::blk_report_zones_args,
        most: u32,
    ) -> Self {
        Self {
            disk,
            arguments,
            most,
            reported: 0,
            _call: core::marker::PhantomData,
        }
    }

    /// How many more zones are wanted.
    pub fn wanted(&self) -> u32 {
        self.most - self.reported
    }

    /// How many zones were reported.
    pub(crate) fn reported(&self) -> u32 {
        self.reported
    }

    /// Reports the next zone. May sleep.
    ///
    /// # Errors
    ///
    /// Those of whoever gets the report, which ends then; `EINVAL` if no more zones are wanted.
    pub fn zone(&mut self, zone: &Zone) -> Result {
        if self.wanted() == 0 {
            return Err(EINVAL);
        }
        let mut raw = bindings::blk_zone {
            start: zone.start.get(),
            len: zone.length.get(),
            capacity: zone.capacity.get(),
            wp: zone.write_pointer.map_or(u64::MAX, Sectors::get),
            // CAST: The values are those of C.
            cond: zone.condition as u8,
            // CAST: There are three types.
            type_: match zone.condition {
                Condition::NotWritePointer => {
                    bindings::blk_zone_type_BLK_ZONE_TYPE_CONVENTIONAL as u8
                }
                _ => bindings::blk_zone_type_BLK_ZONE_TYPE_SEQWRITE_REQ as u8,
            },
            ..pin_init::zeroed()
        };
        // SAFETY: By the contract of `new` the call lasts.
        to_result(unsafe {
            bindings::disk_report_zone(self.disk.as_ptr(), &mut raw, self.reported, self.arguments)
        })?;
        self.reported += 1;
        Ok(())
    }
}
