// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checksums of index blocks: the last bytes of each.

use crate::{raw, Error};

/// Size of a checksum, in bytes. It is little-endian.
pub const SUM_SIZE: usize = 4;

/// Bytes of an index block that hold records. The CRC-32 over them is the rest of the block.
pub const PAYLOAD_SIZE: usize = crate::BLOCK_SIZE - SUM_SIZE;

/// Compares the CRC-32 computed over the first [`PAYLOAD_SIZE`] bytes of index block number `block`
/// with the one that it ends in. `bytes` is all of the block, which is not the superblock.
///
/// # Errors
///
/// [`Error::BlockSum`] where they differ; [`Error::OutOfBlock`] where `bytes` are no block.
pub fn check_sum(block: u32, computed: u32, bytes: &[u8]) -> Result<(), Error> {
    let stored = raw::read::<zerocopy::little_endian::U32>(bytes, PAYLOAD_SIZE)?.get();
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
