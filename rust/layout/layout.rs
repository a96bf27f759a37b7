// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The on-disk format of tarfs, version 1: `Documentation/format.rst` as types.
//!
//! The kernel file system and the userspace tools compile this one crate. Whatever comes from
//! a disk passes through a `decode` function, which checks it against every rule of the format
//! and returns a validated type or the [`Error`] that names the broken rule; `encode` stands
//! beside it. Nothing here reads a device or allocates: callers bring the 4096 bytes of the index
//! block that a [`Position`] names.
//!
//! How a reader goes from a device to a file:
//!
//! 1. [`Superblock::decode`] on the last block.
//! 2. [`Superblock::inode_position`], the block there, [`InodeRecord::decode`]; where that says
//!    [`Record::Wide`], [`Superblock::wide_position`] and [`InodeRecord::decode_wide`].
//! 3. For a directory: [`name_hash`] and [`leaf_of`] give the leaf, [`Superblock::leaf_position`]
//!    its place, [`Leaf::decode`] and [`Leaf::find`] the entry.
//! 4. For a symbolic link: [`Superblock::target_piece`] for each piece, then
//!    [`Symlink::check_target`].
//! 5. For a sparse file: [`Superblock::extent_position`] and [`SparseExtent::decode`].
//! 6. For extended attributes: [`Superblock::xattr_position`], [`XattrSet::decode`] and
//!    [`XattrSet::find`]; then [`Superblock::xattr_value`], block by block.
//!
//! Before the first use of a block, [`check_sum`] compares it with the CRC-32 that it ends in.

// Kbuild gives every crate this attribute on the command line, cargo does not.
#![allow(unused_attributes, clippy::duplicated_attributes)]
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod directory;
mod error;
mod extent;
mod hash;
mod inode;
mod layer;
mod message;
mod mode;
mod position;
mod raw;
mod region;
mod sums;
mod superblock;
mod symlink;
mod xattr;

pub use directory::{leaf_bytes, leaf_of, Directory, Entry, Leaf};
pub use error::Error;
pub use extent::{Extent, Sparse, SparseExtent};
pub use hash::name_hash;
pub use inode::{Inode, InodeRecord, Kind, Record};
pub use layer::{check_data_sum, Layer, LAYERS_MAX};
pub use mode::{d_type, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK};
pub use position::Position;
pub use region::{Region, RegionKind};
pub use sums::{check_sum, PAYLOAD_SIZE, SUM_SIZE};
pub use superblock::{Superblock, MAGIC, VERSION};
pub use symlink::Symlink;
pub use xattr::{
    xattr_set_bytes, Namespace, XattrEntry, XattrSet, Xattrs, XATTR_NAME_MAX, XATTR_SIZE_MAX,
};

/// Size of an index block, in bytes.
pub const BLOCK_SIZE: usize = 4096;

/// Size of a sector, the unit in which a tar places headers and data, in bytes.
pub const SECTOR_SIZE: usize = 512;

/// [`BLOCK_SIZE`] and [`SECTOR_SIZE`] as positions in files are counted.
const BLOCK: u64 = BLOCK_SIZE as u64;
const SECTOR: u64 = SECTOR_SIZE as u64;

/// [`PAYLOAD_SIZE`] as positions in regions are counted.
const PAYLOAD: u64 = PAYLOAD_SIZE as u64;

/// Inode number of the root directory.
pub const ROOT_INO: u32 = 1;

/// Longest name of a directory entry, in bytes.
pub const NAME_MAX: usize = 255;

/// Longest target of a symbolic link, in bytes.
pub const SYMLINK_MAX: usize = 4095;
