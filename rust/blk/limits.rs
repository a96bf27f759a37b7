// SPDX-License-Identifier: GPL-2.0

//! What a disk can do in one request.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::zone::ZoneLimits;
use kernel::{bindings, prelude::*};

/// The disk has a write cache; it can write around it. (Their `__force` casts are some that bindgen
/// cannot read.)
const BLK_FEAT_WRITE_CACHE: bindings::blk_features_t = 1 << 0;
const BLK_FEAT_FUA: bindings::blk_features_t = 1 << 1;

/// The disk is zoned, and host-managed. (Its `__force` cast is one that bindgen cannot read.)
const BLK_FEAT_ZONED: bindings::blk_features_t = 1 << 10;

/// Queue limits (`struct queue_limits`), built up by name; what is not named stays at the block
/// layer's default.
///
/// Nothing is checked here: `blk_validate_limits()` checks the whole when the disk is made, and
/// its error is the one users know from other drivers.
pub struct Limits(bindings::queue_limits);

impl Limits {
    /// Limits with every field at the block layer's default.
    pub fn new() -> Self {
        Self(pin_init::zeroed())
    }

    /// Sets the smallest unit the disk addresses, in bytes: a power of two from 512 to 65,536.
    /// Zero stands for 512.
    pub fn logical_block_size(mut self, bytes: u32) -> Self {
        self.0.logical_block_size = bytes;
        self
    }

    /// Sets the smallest unit the disk writes atomically, in bytes. Below the logical block size
    /// it is raised to it.
    pub fn physical_block_size(mut self, bytes: u32) -> Self {
        self.0.physical_block_size = bytes;
        self
    }

    /// Sets the mask that the address of each buffer must be clear in: 1 asks for even addresses.
    pub fn dma_alignment(mut self, mask: u32) -> Self {
        self.0.dma_alignment = mask;
        self
    }

    /// Sets the largest request in sectors; 0 stands for the block layer's default of 255.
    pub fn max_hw_sectors(mut self, sectors: u32) -> Self {
        self.0.max_hw_sectors = sectors;
        self
    }

    /// Sets the largest discard in sectors; 0 for a disk that cannot discard.
    pub fn max_hw_discard_sectors(mut self, sectors: u32) -> Self {
        self.0.max_hw_discard_sectors = sectors;
        self
    }

    /// Sets the largest part of the disk in sectors that one request without buffers can make
    /// zero; 0 for a disk that cannot.
    pub fn max_write_zeroes_sectors(mut self, sectors: u32) -> Self {
        self.0.max_write_zeroes_sectors = sectors;
        self
    }

    /// Sets the mask of the boundaries that only the first buffer may start off, and only the last
    /// end off: one less than a power of two of at least the page size. Zero asks for nothing.
    pub fn virt_boundary_mask(mut self, mask: usize) -> Self {
        // CAST: The two types have the same size in the kernel.
        self.0.virt_boundary_mask = mask as c_ulong;
        self
    }

    /// Says whether the disk has a write cache, and whether it can write around that.
    pub fn write_cache(mut self, cache: bool, fua: bool) -> Self {
        let flag = |set, flag| if set { flag } else { 0 };
        self.0.features &= !(BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA);
        self.0.features |= flag(cache, BLK_FEAT_WRITE_CACHE) | flag(cache && fua, BLK_FEAT_FUA);
        self
    }

    /// Says whether the disk is to be treated as rotating.
    pub fn rotational(mut self, rotational: bool) -> Self {
        if rotational {
            self.0.features |= bindings::BLK_FEAT_ROTATIONAL;
        } else {
            self.0.features &= !bindings::BLK_FEAT_ROTATIONAL;
        }
        self
    }

    /// Makes the disk a host-managed zoned one.
    pub fn zoned(mut self, zones: ZoneLimits) -> Self {
        self.0.features |= BLK_FEAT_ZONED;
        // A length that does not fit is refused as one that is no power of two.
        self.0.chunk_sectors = u32::try_from(zones.zone_length.get()).unwrap_or(u32::MAX);
        self.0.max_hw_zone_append_sectors = zones.max_append;
        self.0.max_open_zones = zones.max_open;
        self.0.max_active_zones = zones.max_active;
        self
    }

    /// Whether the disk is a zoned one.
    pub(crate) fn is_zoned(&self) -> bool {
        self.0.features & BLK_FEAT_ZONED != 0
    }

    /// The C structure, for the call that makes a disk with it.
    pub(crate) fn raw(&mut self) -> *mut bindings::queue_limits {
        &mut self.0
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
