// SPDX-License-Identifier: GPL-2.0

//! Directories: lookup by hash and listing in the order of the hashes.

use crate::{
    index,
    inode::iget,
    super_block::{damaged, Tarfs},
};
use kernel::prelude::*;
use layout::{leaf_of, name_hash, Directory, Kind, Leaf, S_IFDIR};
use vfs::{DirEmitter, DirectoryOperations, INode, INodeRef};

/// What a directory does.
pub(crate) struct TarDirectory;

/// Positions 0 and 1 are `.` and `..`; entry `i` of leaf `l` is at
/// `FIRST + l * STRIDE + i`. They depend on the image alone, and so stay good for ever.
const FIRST: u64 = 2;

/// More than a leaf has entries (a block has room for 315 of 13 bytes).
const STRIDE: u64 = 512;

impl DirectoryOperations for TarDirectory {
    type FileSystem = Tarfs;

    fn lookup<'a>(directory: &'a INode<Tarfs>, name: &[u8]) -> Result<Option<INodeRef<'a, Tarfs>>> {
        let sb = directory.super_block();
        let layout = &sb.data().layout;
        let bad = |error| damaged_directory(directory, error);
        let place = place(directory)?;
        if place.leaves == 0 {
            return Ok(None);
        }
        let hash = name_hash(layout.hash_seed, name);
        let found = {
            let position = layout
                .leaf_position(place, leaf_of(hash, place.leaves))
                .map_err(bad)?;
            let block = index::read(sb, position.block)?;
            let leaf = Leaf::decode(&block, position.offset, place, layout).map_err(bad)?;
            match leaf.find(hash, name).map_err(bad)? {
                Some(entry) => entry.ino,
                None => return Ok(None),
            }
        };
        let inode = iget(sb, found)?;
        if let Kind::Directory(child) = inode.data().kind {
            // A second way to a directory would make the tree a graph.
            // CAST: The format has inode numbers of 32 bits.
            let directory = directory.ino() as u32;
            if child.parent != directory {
                return Err(damaged(
                    sb,
                    layout::Error::OtherParent {
                        ino: found,
                        parent: child.parent,
                        directory,
                    },
                ));
            }
        }
        Ok(Some(inode))
    }

    fn iterate(directory: &INode<Tarfs>, emitter: &mut DirEmitter<'_>) -> Result {
        let sb = directory.super_block();
        let layout = &sb.data().layout;
        let bad = |error| damaged_directory(directory, error);
        let place = place(directory)?;
        let d_type = layout::d_type(S_IFDIR);
        if emitter.position() == 0 && !emitter.emit(b".", directory.ino(), d_type, 1) {
            return Ok(());
        }
        if emitter.position() == 1 && !emitter.emit(b"..", place.parent.into(), d_type, FIRST) {
            return Ok(());
        }
        let position = emitter.position().saturating_sub(FIRST);
        let first_leaf = u32::try_from(position / STRIDE).unwrap_or(u32::MAX);
        // CAST: The remainder is below STRIDE.
        let mut first_entry = (position % STRIDE) as usize;
        for number in first_leaf..place.leaves {
            let at = layout.leaf_position(place, number).map_err(bad)?;
            let block = index::read(sb, at.block)?;
            let leaf = Leaf::decode(&block, at.offset, place, layout).map_err(bad)?;
            let start = FIRST.wrapping_add(u64::from(number).wrapping_mul(STRIDE));
            for index in first_entry..leaf.len() {
                let entry = leaf.entry(index).map_err(bad)?;
                // CAST: An index is below STRIDE.
                let next = start.wrapping_add(index as u64).wrapping_add(1);
                if !emitter.emit(entry.name, entry.ino.into(), entry.file_type, next) {
                    return Ok(());
                }
            }
            first_entry = 0;
        }
        Ok(())
    }
}

/// Reports damage in a directory's leaves.
fn damaged_directory(directory: &INode<Tarfs>, error: layout::Error) -> Error {
    damaged(
        directory.super_block(),
        format_args!("directory {}: {error}", directory.ino()),
    )
}

/// Where the directory's entries are.
fn place(directory: &INode<Tarfs>) -> Result<&Directory> {
    match &directory.data().kind {
        Kind::Directory(place) => Ok(place),
        _ => Err(ENOTDIR),
    }
}
