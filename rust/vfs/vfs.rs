// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions over the VFS for read-only file systems: on block devices, in files, or in
//! memory.
//!
//! A file system author
//!
//! 1. implements [`FileSystem`] for a type that is never constructed, and keeps a
//!    [`Registration`] of it in the module;
//! 2. reads the superblock in [`FileSystem::fill_super`] through the
//!    [`DeviceCache`] of the [`NewSuperBlock`], and returns its own data;
//! 3. turns an inode number into an inode with [`SuperBlock::iget`] and
//!    [`NewINode::init`], choosing a table of operations by the inode's [`Kind`];
//! 4. implements one trait for each operations table it needs:
//!    [`DirectoryOperations`], [`AddressSpaceOperations`] and [`ExtentMap`].
//!
//! Names are C's. Everything here runs in process context and may sleep, but for the
//! completion of a [`ReadBio`], which is this crate's own.
//!
//! # Life cycles
//!
//! * The superblock outlives everything: a `&SuperBlock`, a `&INode` and an
//!   [`INodeRef`] borrow from it, so none can be kept beyond an unmount.
//! * [`FileSystem::Data`] lives from `fill_super`'s return until `put_super`, which
//!   runs after the last inode has been evicted (`generic_shutdown_super`).
//! * An inode is `I_NEW` exactly as long as a [`NewINode`] exists: `init` consumes it
//!   and clears the flag, dropping it fails the inode. A `&INode` is never `I_NEW`.
//! * A folio is locked exactly as long as a [`LockedFolio`] or the [`ReadBio`] that
//!   took it exists.

mod address_space;
mod attributes;
mod backing;
mod bio;
mod crc32;
mod device_cache;
mod directory;
pub mod errno;
mod export;
mod file;
mod file_system;
mod folio;
mod inode;
mod iomap;
mod label;
mod mount;
mod ratelimit;
mod registration;
mod store;
mod super_block;
mod super_operations;
mod sysfs;
mod xattr;

pub use address_space::{AddressSpaceOperations, Readahead};
pub use bio::ReadBio;
pub use crc32::crc32;
pub use device_cache::{CachedPage, DeviceCache};
pub use directory::{DirEmitter, DirectoryOperations, DirectoryTables};
pub use file::FileTables;
pub use file_system::{FileSystem, StatFs};
pub use folio::LockedFolio;
pub use inode::{Attributes, INode, INodeRef, Iget, Kind, NewINode, Target, Time};
pub use iomap::{Extent, ExtentMap};
pub use mount::{Parameter, ParameterValue, ShownOptions};
pub use registration::Registration;
pub use store::{Devices, NoDevice, Store};
pub use super_block::{NewSuperBlock, SuperBlock};
pub use sysfs::Counter;
pub use xattr::{XattrNames, XattrNamespace, XattrValue};
