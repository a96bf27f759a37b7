// SPDX-License-Identifier: GPL-2.0

//! The page cache's way to read a file: `struct address_space_operations`.

use crate::{folio::LockedFolio, inode::INode, FileSystem};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{bindings, error::from_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// How the contents of a regular file get into the page cache.
pub trait AddressSpaceOperations {
    /// The file system whose inodes these are.
    type FileSystem: FileSystem;

    /// Starts reading one folio that somebody waits for (`->read_folio`).
    ///
    /// Whatever becomes of `folio` ends its read: a [`crate::ReadBio`] on completion, or
    /// its being dropped, which the reader sees as `EIO`.
    fn read_folio(inode: &INode<Self::FileSystem>, folio: LockedFolio) -> Result;

    /// Starts reading folios ahead (`->readahead`). Errors show when a folio that is not
    /// up to date is read for real.
    fn readahead(inode: &INode<Self::FileSystem>, folios: &mut Readahead<'_>);
}

/// The folios of one readahead request, in ascending and consecutive positions.
pub struct Readahead<'a> {
    control: NonNull<bindings::readahead_control>,
    _request: PhantomData<&'a mut bindings::readahead_control>,
}

impl Readahead<'_> {
    /// Bytes of the request that are still to come, the next folio's included.
    pub fn remaining(&self) -> usize {
        // SAFETY: The control structure is valid for as long as this value is.
        unsafe { helpers::blockyard_readahead_length(self.control.as_ptr()) }
    }
}

impl Iterator for Readahead<'_> {
    type Item = LockedFolio;

    fn next(&mut self) -> Option<LockedFolio> {
        // SAFETY: The control structure is valid for as long as this value is, and only
        // used through it.
        let folio = unsafe { helpers::blockyard_readahead_folio(self.control.as_ptr()) };
        // SAFETY: The caller of `->readahead` locked the folio, put it in the page cache and
        // leaves the end of its read to us; each is returned once.
        NonNull::new(folio).map(|folio| unsafe { LockedFolio::from_raw(folio) })
    }
}

/// The operations table that calls `O`.
pub(crate) struct Vtable<O>(PhantomData<O>);

impl<O: AddressSpaceOperations> Vtable<O> {
    pub(crate) const TABLE: bindings::address_space_operations =
        bindings::address_space_operations {
            read_folio: Some(Self::read_folio),
            readahead: Some(Self::readahead),
            migrate_folio: Some(bindings::filemap_migrate_folio),
            ..pin_init::zeroed()
        };

    /// # Safety
    ///
    /// Called by the VFS for an inode that [`crate::NewINode::init`] gave this table, with
    /// a folio that is locked, not up to date and in that inode's mapping.
    unsafe extern "C" fn read_folio(
        _file: *mut bindings::file,
        folio: *mut bindings::folio,
    ) -> ffi::c_int {
        from_result(|| {
            // SAFETY: By this function's requirements; a locked folio keeps its mapping, and
            // the caller the inode, for the time of the call.
            let (inode, folio) = unsafe {
                (
                    INode::<O::FileSystem>::from_raw(helpers::blockyard_folio_inode(folio)),
                    LockedFolio::from_raw(NonNull::new_unchecked(folio)),
                )
            };
            O::read_folio(inode, folio)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Called by the VFS with a valid request on a mapping of an inode that
    /// [`crate::NewINode::init`] gave this table.
    unsafe extern "C" fn readahead(control: *mut bindings::readahead_control) {
        // SAFETY: By this function's requirements; the inode outlives its mapping's request.
        let (inode, mut folios) = unsafe {
            (
                INode::<O::FileSystem>::from_raw((*(*control).mapping).host),
                Readahead {
                    control: NonNull::new_unchecked(control),
                    _request: PhantomData,
                },
            )
        };
        O::readahead(inode, &mut folios);
    }
}
