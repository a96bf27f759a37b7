// SPDX-License-Identifier: GPL-2.0

//! Regular files: from the tar's sectors straight into the page cache.

use crate::super_block::Tarfs;
use kernel::{page::PAGE_SIZE, prelude::*};
use layout::{Kind, SECTOR_SIZE};
use vfs::{AddressSpaceOperations, Extent, ExtentMap, INode, LockedFolio, ReadBio, Readahead};

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

    fn extent(inode: &INode<Tarfs>, position: u64) -> Result<Extent> {
        let Kind::Regular(file) = *inode.data() else {
            return Err(EINVAL);
        };
        let whole_sectors = file.size.next_multiple_of(SECTOR_SIZE as u64);
        Ok(match whole_sectors.checked_sub(position) {
            None | Some(0) => Extent::Hole { length: u64::MAX },
            Some(length) => Extent::Data {
                sector: file.sector + position / SECTOR_SIZE as u64,
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
    let Kind::Regular(extent) = *inode.data() else {
        return;
    };
    let sb = inode.super_block();
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
        let bio = current.get_or_insert_with(|| ReadBio::new(sb, sector, pages, readahead));
        if let Err(folio) = bio.add(folio, length) {
            let mut next = ReadBio::new(sb, sector, pages, readahead);
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
