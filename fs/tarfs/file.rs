// SPDX-License-Identifier: GPL-2.0

//! Regular files: from the tar's sectors straight into the page cache.
//!
//! A file's data starts at any sector. Where the device cannot read single sectors its data is
//! copied out of the cache of the device instead: slower, but never refused.

use crate::super_block::Tarfs;
use kernel::{page::PAGE_SIZE, prelude::*};
use layout::{Kind, SECTOR_SIZE};
use vfs::{
    AddressSpaceOperations, DeviceCache, Extent, ExtentMap, INode, LockedFolio, ReadBio, Readahead,
};

/// What a regular file does.
pub(crate) struct TarFile;

impl AddressSpaceOperations for TarFile {
    type FileSystem = Tarfs;

    fn read_folio(inode: &INode<Tarfs>, folio: LockedFolio) -> Result {
        let bytes = folio.size();
        read(inode, core::iter::once(folio), bytes, false);
        Ok(())
    }

    fn readahead(inode: &INode<Tarfs>, folios: &mut Readahead<'_>) {
        let bytes = folios.remaining();
        read(inode, folios, bytes, true);
    }
}

impl ExtentMap for TarFile {
    type FileSystem = Tarfs;
    const DIRECT_IO: bool = true;

    fn extent(inode: &INode<Tarfs>, position: u64) -> Result<Extent<'_>> {
        let Kind::Regular(file) = inode.data().kind else {
            return Err(EINVAL);
        };
        let whole_sectors = file.size.next_multiple_of(SECTOR_SIZE as u64);
        Ok(match whole_sectors.checked_sub(position) {
            None | Some(0) => Extent::Hole { length: u64::MAX },
            Some(length) => Extent::Data {
                device: inode.super_block().device(),
                position: file.sector * SECTOR_SIZE as u64 + position,
                length,
            },
        })
    }
}

/// Reads `folios`, `bytes` in all, with as few bios as hold them.
///
/// A file's data is in one piece, so consecutive folios are consecutive on the device.
fn read(
    inode: &INode<Tarfs>,
    folios: impl Iterator<Item = LockedFolio>,
    bytes: usize,
    readahead: bool,
) {
    let Kind::Regular(extent) = inode.data().kind else {
        return;
    };
    let device = inode.super_block().device();
    if device.logical_block_size() > SECTOR_SIZE as u32 {
        for folio in folios {
            // A folio that cannot be filled is not up to date, which is how its reader knows.
            let _ = copy(device, extent, folio);
        }
        return;
    }
    let pages = bytes / PAGE_SIZE;
    let mut current: Option<ReadBio<'_>> = None;
    for folio in folios {
        let position = folio.position();
        let left = extent.size.saturating_sub(position);
        if left == 0 {
            folio.fill_with_zeros();
            continue;
        }
        let sector = extent.sector + position / SECTOR_SIZE as u64;
        // The tar has whole sectors; what a sector has past the end of the file is zeroed
        // when the bio completes. CAST: no more than a folio's size.
        let length = left
            .min(folio.size() as u64)
            .next_multiple_of(SECTOR_SIZE as u64) as usize;
        let bio = current.get_or_insert_with(|| ReadBio::new(device, sector, pages, readahead));
        if let Err(folio) = bio.add(folio, length) {
            let mut next = ReadBio::new(device, sector, pages, readahead);
            // A folio that an empty bio does not take is dropped, which fails its read.
            let _ = next.add(folio, length);
            if let Some(full) = current.replace(next) {
                full.submit();
            }
        }
    }
    if let Some(last) = current {
        last.submit();
    }
}

/// Fills a folio from the cache of the device.
fn copy(device: &DeviceCache, extent: layout::Extent, folio: LockedFolio) -> Result {
    let position = folio.position();
    folio.fill(|bytes| {
        let left = extent.size.saturating_sub(position);
        // CAST: No more than the folio's size.
        let stored = left.min(bytes.len() as u64) as usize;
        let (data, past_the_end) = bytes.split_at_mut_checked(stored).ok_or(EIO)?;
        let start = extent.sector * SECTOR_SIZE as u64 + position;
        device.read(start, data)?;
        past_the_end.fill(0);
        Ok(())
    })
}
