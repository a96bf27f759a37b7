// SPDX-License-Identifier: GPL-2.0

//! Reading blocks of the index, each checked against its sum when first used.

use crate::super_block::{damaged, Tarfs};
use core::ops::Deref;
use kernel::{page::PAGE_SIZE, prelude::*};
use layout::{check_sum, Superblock, BLOCK_SIZE, PAYLOAD_SIZE};
use vfs::{crc32, CachedPage, DeviceCache, SuperBlock};

/// Pages read together where one is missing: neighbours in the index are needed together.
const READ_AHEAD: usize = 8;

/// A block of the index, as the image has it.
pub(crate) struct Block<'a> {
    page: CachedPage<'a>,
    offset: usize,
}

/// Its payload: what its checksum is over.
impl Deref for Block<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // A block is aligned, and a page a multiple of it: this is never empty.
        self.page
            .get(self.offset..self.offset.wrapping_add(PAYLOAD_SIZE))
            .unwrap_or_default()
    }
}

/// Why a block cannot be used.
pub(crate) enum Bad {
    /// The device, or memory.
    Read(Error),
    /// Its contents.
    Sum(layout::Error),
}

impl From<Error> for Bad {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

impl From<layout::Error> for Bad {
    fn from(error: layout::Error) -> Self {
        Self::Sum(error)
    }
}

/// Reads index block number `block` of a mounted image.
///
/// # Errors
///
/// `EIO` where the device fails, `EUCLEAN` where the block is not what its sum says.
#[inline]
pub(crate) fn read(sb: &SuperBlock<Tarfs>, block: u32) -> Result<Block<'_>> {
    let mount = sb.data();
    read_from(sb.device(), &mount.layout, block, mount.verifies()).map_err(|error| match error {
        Bad::Sum(error) => damaged(sb, error),
        Bad::Read(error) => error,
    })
}

/// Reads index block number `block`, from a device that has the index that `layout` describes.
///
/// # Errors
///
/// The device's, and where `verify` is set that the block is not what its sum says.
#[inline]
pub(crate) fn read_from<'a>(
    device: &'a DeviceCache,
    layout: &Superblock,
    block: u32,
    verify: bool,
) -> Result<Block<'a>, Bad> {
    let found = fetch(device, layout, block)?;
    if verify && !found.page.is_checked() {
        check_page(layout, &found, block)?;
        found.page.set_checked();
    }
    Ok(found)
}

/// Reads a block without checking it.
fn fetch<'a>(device: &'a DeviceCache, layout: &Superblock, block: u32) -> Result<Block<'a>> {
    // The superblock's check bounded the index by the device's size: no overflow.
    let position = layout
        .index_offset
        .wrapping_add(u64::from(block).wrapping_mul(BLOCK_SIZE as u64));
    // CAST: usize has 64 bits.
    let position = position as usize;
    Ok(Block {
        page: device.page(position / PAGE_SIZE, READ_AHEAD)?,
        offset: position % PAGE_SIZE,
    })
}

/// Checks all blocks of the index that are in the page of `found`, which is number `block`.
#[cold]
fn check_page(layout: &Superblock, found: &Block<'_>, block: u32) -> Result<(), layout::Error> {
    // With pages larger than blocks the first may lie before the index.
    let before = (found.offset / BLOCK_SIZE) as u32;
    let skipped = before.saturating_sub(block);
    let first = block.saturating_sub(before);
    let start = skipped as usize * BLOCK_SIZE;
    let blocks = found.page.get(start..).unwrap_or_default();
    for (number, bytes) in (first..layout.data_sums.end()).zip(blocks.chunks_exact(BLOCK_SIZE)) {
        let payload = bytes.get(..PAYLOAD_SIZE).unwrap_or_default();
        check_sum(number, crc32(&[payload]), bytes)?;
    }
    Ok(())
}
