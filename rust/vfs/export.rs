// SPDX-License-Identifier: GPL-2.0

//! File handles, for NFS and `open_by_handle_at`: `struct export_operations`.
//!
//! A handle is the inode number; images do not change, so that there is one generation.

use crate::{
    errno,
    inode::{INode, INodeRef},
    super_block::SuperBlock,
    FileSystem,
};
use core::marker::PhantomData;
use kernel::{bindings, ffi};
use vfs_bindings as helpers;

pub(crate) struct Vtable<T>(PhantomData<T>);

impl<T: FileSystem> Vtable<T> {
    pub(crate) const TABLE: helpers::export_operations = helpers::export_operations {
        encode_fh: Some(helpers::generic_encode_ino32_fh),
        fh_to_dentry: Some(Self::fh_to_dentry),
        fh_to_parent: Some(Self::fh_to_parent),
        get_parent: Some(Self::get_parent),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// As `->fh_to_dentry`, for a superblock of `T`. The handle comes from anywhere.
    unsafe extern "C" fn fh_to_dentry(
        sb: *mut bindings::super_block,
        fid: *mut helpers::fid,
        length: ffi::c_int,
        kind: ffi::c_int,
    ) -> *mut bindings::dentry {
        // SAFETY: By this function's requirements.
        unsafe { helpers::generic_fh_to_dentry(sb, fid, length, kind, Some(Self::get_inode)) }
    }

    /// # Safety
    ///
    /// As `->fh_to_parent`, for a superblock of `T`. The handle comes from anywhere.
    unsafe extern "C" fn fh_to_parent(
        sb: *mut bindings::super_block,
        fid: *mut helpers::fid,
        length: ffi::c_int,
        kind: ffi::c_int,
    ) -> *mut bindings::dentry {
        // SAFETY: By this function's requirements.
        unsafe { helpers::generic_fh_to_parent(sb, fid, length, kind, Some(Self::get_inode)) }
    }

    /// # Safety
    ///
    /// `sb` is a mounted superblock of `T`.
    unsafe extern "C" fn get_inode(
        sb: *mut bindings::super_block,
        ino: u64,
        generation: u32,
    ) -> *mut bindings::inode {
        // SAFETY: By this function's requirements.
        let sb = unsafe { SuperBlock::<T>::from_raw(sb) };
        if generation != 0 {
            return errno::stale().to_ptr();
        }
        match T::inode(sb, ino) {
            Ok(inode) => inode.into_raw(),
            Err(error) => error.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// As `->get_parent`, of a directory of `T`.
    unsafe extern "C" fn get_parent(child: *mut bindings::dentry) -> *mut bindings::dentry {
        // SAFETY: By this function's requirements; the dentry keeps its inode.
        let child = unsafe { INode::<T>::from_raw((*child).d_inode) };
        match T::parent(child) {
            // SAFETY: The inode's count passes on.
            Ok(parent) => unsafe { bindings::d_obtain_alias(INodeRef::into_raw(parent)) },
            Err(error) => error.to_ptr(),
        }
    }
}
