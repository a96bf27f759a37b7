// SPDX-License-Identifier: GPL-2.0

//! Sparse files: data in extents that start at any byte of the tar, and holes between them.
//!
//! A tar packs the extents of a file, so that few of them start at a sector: their data is copied
//! out of the cache of the device.

use crate::{
    archive, index,
    super_block::{damaged, Tarfs},
};
use kernel::prelude::*;
use layout::{Kind, Sparse, SparseExtent};
use vfs::{AddressSpaceOperations, Extent, ExtentMap, INode, LockedFolio, Readahead, SuperBlock};

/// What a sparse file does.
pub(crate) struct SparseFile;

impl AddressSpaceOperations for SparseFile {
    type FileSystem = Tarfs;

    fn read_folio(inode: &INode<Tarfs>, folio: LockedFolio) -> Result {
        fill(inode, folio)
    }

    fn readahead(inode: &INode<Tarfs>, folios: &mut Readahead<'_>) {
        for folio in folios {
            // A folio that cannot be filled is not up to date, which is how its reader knows.
            let _ = fill(inode, folio);
        }
    }
}

impl ExtentMap for SparseFile {
    type FileSystem = Tarfs;
    const DIRECT_IO: bool = false;

    fn extent(inode: &INode<Tarfs>, position: u64) -> Result<Extent<'_>> {
        let sparse = sparse(inode)?;
        let sb = inode.super_block();
        // CAST: The format has inode numbers of 32 bits.
        let found = first_ending_after(sb, inode.ino() as u32, sparse, position)?;
        Ok(match found {
            None => Extent::Hole { length: u64::MAX },
            Some((_, extent)) => match extent.logical.checked_sub(position) {
                Some(length @ 1..) => Extent::Hole { length },
                _ => {
                    // The search has found an extent that begins at or before the position, and
                    // ends after it.
                    let skipped = position.saturating_sub(extent.logical);
                    let place = archive::find(sb, extent.position, extent.length)?;
                    Extent::Data {
                        device: place.device,
                        position: place.position.saturating_add(skipped),
                        length: extent.length.saturating_sub(skipped),
                    }
                }
            },
        })
    }
}

/// How many bytes of the tar the file takes.
///
/// Writers of tars put the extents of a file behind each other, so that the first and the last tell.
///
/// # Errors
///
/// `EUCLEAN` where one of them breaks a rule; `EIO`, `ENOMEM`.
pub(crate) fn stored_bytes(sb: &SuperBlock<Tarfs>, ino: u32, sparse: &Sparse) -> Result<u64> {
    let Some(last) = sparse.extents.checked_sub(1) else {
        return Ok(0);
    };
    let (first, last) = (extent(sb, ino, sparse, 0)?, extent(sb, ino, sparse, last)?);
    let end = last.position.saturating_add(last.length);
    Ok(end.saturating_sub(first.position).min(sparse.size))
}

/// Fills a folio with the data of the extents in it, and zeros.
fn fill(inode: &INode<Tarfs>, folio: LockedFolio) -> Result {
    let sparse = sparse(inode)?;
    let sb = inode.super_block();
    // CAST: The format has inode numbers of 32 bits.
    let ino = inode.ino() as u32;
    let start = folio.position();
    let end = start.saturating_add(folio.size() as u64);
    let first = first_ending_after(sb, ino, sparse, start)?;
    folio.fill(|bytes| {
        bytes.fill(0);
        let Some((mut number, mut now)) = first else {
            return Ok(());
        };
        while now.logical < end {
            let from = now.logical.max(start);
            let to = now.end().min(end);
            // CAST: Both are within the folio.
            let piece = from.wrapping_sub(start) as usize..to.wrapping_sub(start) as usize;
            let position = now.position.saturating_add(from.wrapping_sub(now.logical));
            archive::read(inode, position, bytes.get_mut(piece).ok_or(EIO)?)?;
            number = number.wrapping_add(1);
            if number >= sparse.extents {
                break;
            }
            let next = extent(sb, ino, sparse, number)?;
            if !next.follows(&now) {
                return Err(damaged(
                    sb,
                    layout::Error::ExtentOrder {
                        ino,
                        logical: next.logical,
                    },
                ));
            }
            now = next;
        }
        Ok(())
    })
}

/// The first extent that ends after `position`, with its number: it is the one at `position`, or
/// else the one after the hole there.
fn first_ending_after(
    sb: &SuperBlock<Tarfs>,
    ino: u32,
    sparse: &Sparse,
    position: u64,
) -> Result<Option<(u32, SparseExtent)>> {
    let (mut low, mut high) = (0, sparse.extents);
    let mut found = None;
    while low < high {
        let middle = low.midpoint(high);
        let extent = extent(sb, ino, sparse, middle)?;
        if extent.end() > position {
            found = Some((middle, extent));
            high = middle;
        } else {
            low = middle.wrapping_add(1);
        }
    }
    Ok(found)
}

/// Reads extent `number` of an inode.
fn extent(sb: &SuperBlock<Tarfs>, ino: u32, sparse: &Sparse, number: u32) -> Result<SparseExtent> {
    let bad = |error| damaged(sb, format_args!("inode {ino}: {error}"));
    let layout = &sb.data().layout;
    let at = layout.extent_position(sparse, number).map_err(bad)?;
    let block = index::read(sb, at.block)?;
    SparseExtent::decode(ino, sparse, &block, at.offset, layout).map_err(|error| damaged(sb, error))
}

/// Where the file's extents are.
fn sparse(inode: &INode<Tarfs>) -> Result<&Sparse> {
    match &inode.data().kind {
        Kind::Sparse(sparse) => Ok(sparse),
        _ => Err(EINVAL),
    }
}
