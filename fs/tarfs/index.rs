// SPDX-License-Identifier: GPL-2.0

//! Reading blocks of the index, each checked against its sum when first used.

use crate::super_block::{damaged, Tarfs};
use core::ops::Deref;
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};
use layout::{check_sum, Superblock, BLOCK_SIZE, PAYLOAD_SIZE};
use vfs::{crc32, CachedPage, DeviceCache, SuperBlock};

/// Blocks read together by who goes through the index in its order.
const WINDOW: u32 = 8;

/// An index of so many blocks is read in windows whatever the order: soon all of it is needed.
const SMALL_INDEX: u64 = 128;

/// How an index is read ahead: where the last windows ended, for inodes, leaves and the rest, each
/// of which a walk through the tree reads in its order.
///
/// A lookup that comes alone, as in a large directory or at mount, reads the blocks that it needs.
pub(crate) struct Windows([Atomic<u32>; 3]);

/// The end of a window before the first.
const NONE_YET: u32 = u32::MAX;

impl Windows {
    pub(crate) fn new() -> Self {
        Self([const { Atomic::new(NONE_YET) }; 3])
    }

    /// How many blocks to read together from `block` on, which is missing.
    fn next(&self, layout: &Superblock, block: u32) -> usize {
        let [inodes, leaves, rest] = &self.0;
        let end = if block < layout.inodes.end() {
            inodes
        } else if (layout.leaves.first_block()..layout.leaves.end()).contains(&block) {
            leaves
        } else {
            rest
        };
        // Others who read at the same time can take the window away, which costs a read.
        let expected = end.load(Relaxed);
        let is_next = block.wrapping_sub(expected) < WINDOW;
        let is_small = layout.index_blocks <= SMALL_INDEX;
        let is_first = expected == NONE_YET;
        let count = if (is_next || is_small) && !is_first {
            WINDOW
        } else {
            1
        };
        end.store(block.wrapping_add(count), Relaxed);
        count as usize
    }
}

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
    let ahead = || mount.windows.next(&mount.layout, block);
    read_from(sb.device(), &mount.layout, block, mount.verifies(), ahead).map_err(|error| {
        match error {
            Bad::Sum(error) => damaged(sb, error),
            Bad::Read(error) => error,
        }
    })
}

/// Reads index block number `block`, from a device that has the index that `layout` describes;
/// where it is missing, with what `ahead` says.
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
    ahead: impl FnOnce() -> usize,
) -> Result<Block<'a>, Bad> {
    let found = fetch(device, layout, block, ahead)?;
    if verify && !found.page.is_checked() {
        check_page(layout, &found, block)?;
        found.page.set_checked();
    }
    Ok(found)
}

/// Reads a block without checking it.
fn fetch<'a>(
    device: &'a DeviceCache,
    layout: &Superblock,
    block: u32,
    ahead: impl FnOnce() -> usize,
) -> Result<Block<'a>> {
    // The superblock's check bounded the index by the device's size: no overflow.
    let position = layout
        .index_offset
        .wrapping_add(u64::from(block).wrapping_mul(BLOCK_SIZE as u64));
    // CAST: usize has 64 bits.
    let position = position as usize;
    Ok(Block {
        page: device.page(position / PAGE_SIZE, ahead)?,
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
