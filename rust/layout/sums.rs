// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checksums of index blocks.

use crate::{Error, Position, RegionKind, Superblock, BLOCK_SIZE};

/// Size of a checksum, in bytes. It is little-endian.
pub const SUM_SIZE: usize = 4;

/// Number of checksums of other blocks in a block of the sums region.
pub const SUMS_PER_BLOCK: usize = 1023;

/// Bytes of a sums block that its own checksum, in the rest of the block, covers.
pub const SUM_COVERED: usize = SUMS_PER_BLOCK * SUM_SIZE;

impl Superblock {
    /// Where the CRC-32 of an index block is. `block` is below the superblock's number.
    ///
    /// A block of the sums region holds its own, after the [`SUM_COVERED`] bytes that it is
    /// computed over; the sum of any other block is over the whole block.
    #[inline]
    pub fn sum_position(&self, block: u32) -> Position {
        match self.sums.position(RegionKind::Sums, u64::from(block)) {
            Some(position) => position,
            None => Position {
                block,
                offset: SUM_COVERED,
            },
        }
    }

    /// Number of bytes of an index block that its CRC-32 is computed over.
    #[inline]
    pub fn sum_length(&self, block: u32) -> usize {
        if block < self.sums.first_block() {
            BLOCK_SIZE
        } else {
            SUM_COVERED
        }
    }
}

/// Compares the CRC-32 computed over index block `block` with the one stored at `offset` of
/// `sums`, the bytes of the block that [`Superblock::sum_position`] names.
///
/// # Errors
///
/// [`Error::BlockSum`] where they differ; [`Error::OutOfBlock`] where `offset` is not in `sums`.
pub fn check_sum(block: u32, computed: u32, sums: &[u8], offset: usize) -> Result<(), Error> {
    let stored = sums
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or(Error::OutOfBlock { offset })?;
    if stored == computed {
        Ok(())
    } else {
        Err(Error::BlockSum {
            block,
            stored,
            computed,
        })
    }
}
