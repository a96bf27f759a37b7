// SPDX-License-Identifier: GPL-2.0

//! What a disk can do in one request.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::bindings;

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

    /// Says whether the disk is to be treated as rotating.
    pub fn rotational(mut self, rotational: bool) -> Self {
        if rotational {
            self.0.features |= bindings::BLK_FEAT_ROTATIONAL;
        } else {
            self.0.features &= !bindings::BLK_FEAT_ROTATIONAL;
        }
        self
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
