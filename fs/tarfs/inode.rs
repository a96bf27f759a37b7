// SPDX-License-Identifier: GPL-2.0

//! From an inode number to an inode.

use crate::{
    checked::CheckedFile,
    directory::TarDirectory,
    file::TarFile,
    index,
    sparse::{stored_bytes, SparseFile},
    super_block::{damaged, Tarfs},
};
use kernel::prelude::*;
use layout::{Inode, InodeRecord, Kind, Record, Xattrs, BLOCK_SIZE, SECTOR_SIZE, S_IFMT};
use vfs::{Attributes, DirectoryTables, FileTables, INodeRef, Iget, SuperBlock, Target, Time};

/// What an inode keeps in memory.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// What it is, and where the rest of it is.
    pub(crate) kind: Kind,
    /// Its extended attributes.
    pub(crate) xattrs: Option<Xattrs>,
}

/// Returns inode number `ino`, reading it from the index where it is not cached.
///
/// # Errors
///
/// `EUCLEAN` where the image breaks a rule; `EIO`, `ENOMEM`.
pub(crate) fn iget(sb: &SuperBlock<Tarfs>, ino: u32) -> Result<INodeRef<'_, Tarfs>> {
    let new = match sb.iget(ino.into())? {
        Iget::Cached(inode) => return Ok(inode),
        Iget::New(new) => new,
    };
    let inode = read(sb, ino)?;
    let mut stored = None;
    let (kind, size) = match inode.kind {
        Kind::Regular(extent) => {
            let tables = if sb.data().layout.data_sums.records() == 0 {
                FileTables::new::<TarFile, TarFile>()
            } else {
                FileTables::new::<CheckedFile, CheckedFile>()
            };
            (vfs::Kind::Regular(tables), extent.size)
        }
        Kind::Sparse(sparse) => {
            stored = Some(stored_bytes(sb, ino, &sparse)?);
            (
                vfs::Kind::Regular(FileTables::new::<SparseFile, SparseFile>()),
                sparse.size,
            )
        }
        Kind::Directory(directory) => (
            vfs::Kind::Directory(DirectoryTables::new::<TarDirectory>()),
            u64::from(directory.leaves).wrapping_mul(BLOCK_SIZE as u64),
        ),
        Kind::Symlink(symlink) => (
            vfs::Kind::Symlink(read_target(sb, ino, &symlink)?),
            symlink.length.into(),
        ),
        Kind::CharDevice { major, minor } => (vfs::Kind::CharDevice(major, minor), 0),
        Kind::BlockDevice { major, minor } => (vfs::Kind::BlockDevice(major, minor), 0),
        Kind::Fifo => (vfs::Kind::Fifo, 0),
        Kind::Socket => (vfs::Kind::Socket, 0),
    };
    let attributes = Attributes {
        permissions: inode.mode & !S_IFMT,
        nlink: inode.nlink,
        uid: inode.uid,
        gid: inode.gid,
        size,
        blocks: stored.unwrap_or(size).div_ceil(SECTOR_SIZE as u64),
        mtime: Time {
            seconds: inode.mtime_sec,
            nanoseconds: inode.mtime_nsec,
        },
        may_have_acl: inode.xattrs.is_some(),
    };
    let node = Node {
        kind: inode.kind,
        xattrs: inode.xattrs,
    };
    new.init(kind, &attributes, node)
}

fn read(sb: &SuperBlock<Tarfs>, ino: u32) -> Result<Inode> {
    let layout = &sb.data().layout;
    let bad = |error| damaged(sb, error);
    let place = layout.inode_position(ino).map_err(bad)?;
    let block = index::read(sb, place.block)?;
    match InodeRecord::decode(ino, &block, place.offset, layout).map_err(bad)? {
        Record::Complete(inode) => Ok(inode),
        Record::Wide { mode, index } => {
            let place = layout.wide_position(index).map_err(bad)?;
            let block = index::read(sb, place.block)?;
            InodeRecord::decode_wide(ino, mode, &block, place.offset, layout).map_err(bad)
        }
    }
}

fn read_target(sb: &SuperBlock<Tarfs>, ino: u32, symlink: &layout::Symlink) -> Result<Target> {
    let bad = |error| damaged(sb, format_args!("inode {ino}: {error}"));
    let layout = &sb.data().layout;
    let mut target = KVec::with_capacity(usize::from(symlink.length) + 1, GFP_KERNEL)?;
    // CAST: A target has at most 4095 bytes.
    while let Some((at, length)) = layout
        .target_piece(symlink, target.len() as u16)
        .map_err(bad)?
    {
        let block = index::read(sb, at.block)?;
        let piece = block.get(at.offset..).and_then(|rest| rest.get(..length));
        target.extend_from_slice(piece.ok_or(EIO)?, GFP_KERNEL)?;
    }
    symlink.check_target(&target).map_err(bad)?;
    Target::from_vec(target)
}
