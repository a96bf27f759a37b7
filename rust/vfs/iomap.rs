// SPDX-License-Identifier: GPL-2.0

//! Where the data of a file is on the device: `struct iomap_ops`.
//!
//! iomap does direct I/O, `SEEK_HOLE` and `SEEK_DATA`, and FIEMAP from it. Buffered reads do not
//! go this way: see [`crate::ReadBio`].

use crate::{device_cache::DeviceCache, inode::INode, FileSystem};
use core::marker::PhantomData;
use kernel::{bindings, error::from_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// A piece of a file, from some position on.
#[derive(Clone, Copy)]
pub enum Extent<'a> {
    /// `length` bytes that are on the device from byte `position` on.
    Data {
        /// The device.
        device: &'a DeviceCache,
        /// The byte: a multiple of 512 where direct I/O reads it.
        position: u64,
        /// In bytes, more than 0.
        length: u64,
    },
    /// `length` bytes that are not stored and read as zeros.
    Hole {
        /// In bytes, more than 0.
        length: u64,
    },
}

/// Says where the data of a regular file is.
pub trait ExtentMap {
    /// The file system whose inodes these are.
    type FileSystem: FileSystem;

    /// Whether the data of these files can be read by direct I/O, that is, starts at sectors.
    /// Where it cannot, `O_DIRECT` is let pass, and reads through the page cache.
    const DIRECT_IO: bool;

    /// The piece that begins at `position`, which may lie past the end of the file: there is a
    /// hole. `position` is a multiple of 512 where data is to be read.
    fn extent(inode: &INode<Self::FileSystem>, position: u64) -> Result<Extent<'_>>;
}

/// The operations table that calls `M`.
pub(crate) struct Vtable<M>(PhantomData<M>);

impl<M: ExtentMap> Vtable<M> {
    pub(crate) const TABLE: helpers::iomap_ops = helpers::iomap_ops {
        iomap_begin: Some(Self::begin),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Called by iomap for an inode that [`crate::NewINode::init`] gave the tables of `M`, with
    /// an `iomap` that is zeroed and ours to fill.
    unsafe extern "C" fn begin(
        inode: *mut bindings::inode,
        position: bindings::loff_t,
        _length: bindings::loff_t,
        _flags: ffi::c_uint,
        iomap: *mut helpers::iomap,
        _source: *mut helpers::iomap,
    ) -> ffi::c_int {
        from_result(|| {
            let start = u64::try_from(position).map_err(|_| EINVAL)?;
            // SAFETY: By this function's requirements.
            let extent = M::extent(unsafe { INode::from_raw(inode) }, start)?;
            // CAST: IOMAP_HOLE and IOMAP_MAPPED are small; -1 is all ones.
            let (kind, bdev, address, length) = match extent {
                Extent::Data {
                    device,
                    position,
                    length,
                } => (
                    helpers::IOMAP_MAPPED as u16,
                    device.backing().bdev(),
                    position,
                    length,
                ),
                Extent::Hole { length } => (
                    helpers::IOMAP_HOLE as u16,
                    core::ptr::null_mut(),
                    i64::from(helpers::IOMAP_NULL_ADDR) as u64,
                    length,
                ),
            };
            // `iomap_iter_done` warns of mappings without bytes.
            if length == 0 {
                return Err(EIO);
            }
            // SAFETY: By this function's requirements; a device that is lent is open, and stays so as
            // long as the inode. Nobody does I/O on a file by this, or on a hole.
            unsafe {
                (*iomap).offset = position;
                (*iomap).length = length.min((i64::MAX as u64).wrapping_sub(start).max(1));
                (*iomap).type_ = kind;
                (*iomap).addr = address;
                (*iomap).bdev = bdev;
            }
            Ok(0)
        })
    }
}
