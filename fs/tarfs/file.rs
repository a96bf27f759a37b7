// SPDX-License-Identifier: GPL-2.0

//! Regular files: from the tar's sectors straight into the page cache.
//!
//! A file's data starts at any sector. Where the device cannot read single sectors its data is
//! copied out of the cache of the device instead: slower, but never refused.

use crate::{archive, super_block::Tarfs};
use kernel::prelude::*;
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
        let file = data(inode)?;
        let whole_sectors = file.size.next_multiple_of(SECTOR_SIZE as u64);
        Ok(match whole_sectors.checked_sub(position) {
            None | Some(0) => Extent::Hole { length: u64::MAX },
            Some(length) => {
                let (device, sector) = place(inode, &file)?;
                Extent::Data {
                    device,
                    position: sector * SECTOR_SIZE as u64 + position,
                    length,
                }
            }
        })
    }
}

/// How many folios smaller than the first a readahead may end in, mostly: each half of the one
/// before.
const SMALLER_FOLIOS: usize = 3;

/// Reads `folios`, `bytes` in all, with as few bios as hold them.
///
/// A file's data is in one piece, so consecutive folios are consecutive on the device.
fn read(
    inode: &INode<Tarfs>,
    folios: impl Iterator<Item = LockedFolio>,
    bytes: usize,
    readahead: bool,
) {
    // Folios that are dropped without having been filled end with an error, and so does their read.
    let Ok(file) = data(inode) else { return };
    let Ok((device, first_sector)) = place(inode, &file) else {
        return;
    };
    if device.logical_block_size() > SECTOR_SIZE as u32 {
        copy_all(inode, folios);
        return;
    }
    let mut wanted = bytes;
    let mut current: Option<ReadBio<'_>> = None;
    for folio in folios {
        // Towards the end of a file folios get smaller.
        let count = (wanted / folio.size()).saturating_add(SMALLER_FOLIOS);
        wanted = wanted.saturating_sub(folio.size());
        let position = folio.position();
        let left = file.size.saturating_sub(position);
        if left == 0 {
            folio.fill_with_zeros();
            continue;
        }
        let sector = first_sector + position / SECTOR_SIZE as u64;
        // The tar has whole sectors; what a sector has past the end of the file is zeroed
        // when the bio completes. CAST: no more than a folio's size.
        let length = left
            .min(folio.size() as u64)
            .next_multiple_of(SECTOR_SIZE as u64) as usize;
        let bio = current.get_or_insert_with(|| ReadBio::new(device, sector, count, readahead));
        if let Err(folio) = bio.add(folio, length) {
            let mut next = ReadBio::new(device, sector, count, readahead);
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

/// Fills folios from the cache of the device.
pub(crate) fn copy_all(inode: &INode<Tarfs>, folios: impl Iterator<Item = LockedFolio>) {
    for folio in folios {
        // A folio that cannot be filled is not up to date, which is how its reader knows.
        let _ = copy(inode, folio);
    }
}

/// Fills a folio from the cache of the device.
pub(crate) fn copy(inode: &INode<Tarfs>, folio: LockedFolio) -> Result {
    let file = data(inode)?;
    let position = folio.position();
    folio.fill(|bytes| {
        let left = file.size.saturating_sub(position);
        // CAST: No more than the folio's size.
        let stored = left.min(bytes.len() as u64) as usize;
        let (data, past_the_end) = bytes.split_at_mut_checked(stored).ok_or(EIO)?;
        let start = file.sector * SECTOR_SIZE as u64 + position;
        if !data.is_empty() {
            archive::read(inode, start, data)?;
        }
        past_the_end.fill(0);
        Ok(())
    })
}

/// Where the file's data is, in the space of all archives.
fn data(inode: &INode<Tarfs>) -> Result<layout::Extent> {
    match inode.data().kind {
        Kind::Regular(extent) => Ok(extent),
        _ => Err(EINVAL),
    }
}

/// The device with a file's data, and its first sector there.
fn place<'a>(inode: &'a INode<Tarfs>, file: &layout::Extent) -> Result<(&'a DeviceCache, u64)> {
    let start = file.sector * SECTOR_SIZE as u64;
    let place = archive::find(inode.super_block(), start, file.size)?;
    Ok((place.device, place.position / SECTOR_SIZE as u64))
}
