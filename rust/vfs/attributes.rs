// SPDX-License-Identifier: GPL-2.0

//! What stat(2) and statx(2) show.

use crate::{xattr, FileSystem};
use core::marker::PhantomData;
use kernel::{bindings, ffi};

/// `->getattr` of all inodes: as by default, and `STATX_ATTR_IMMUTABLE`, for nothing on a read-only
/// file system ever changes.
///
/// # Safety
///
/// As `->getattr`, of an inode of ours.
pub(crate) unsafe extern "C" fn getattr(
    idmap: *mut bindings::mnt_idmap,
    path: *const bindings::path,
    stat: *mut bindings::kstat,
    request_mask: u32,
    _flags: ffi::c_uint,
) -> ffi::c_int {
    let immutable = u64::from(bindings::STATX_ATTR_IMMUTABLE);
    // SAFETY: By this function's requirements: the path's dentry is positive, and `stat` is
    // zeroed and ours to fill.
    unsafe {
        let inode = (*(*path).dentry).d_inode;
        bindings::generic_fillattr(idmap, request_mask, inode, stat);
        (*stat).attributes |= immutable;
        (*stat).attributes_mask |= immutable;
    }
    0
}

/// The operations of inodes of `T` that are no directory and no regular file.
pub(crate) struct Vtable<T>(PhantomData<T>);

impl<T: FileSystem> Vtable<T> {
    /// Of devices, pipes and sockets.
    pub(crate) const SPECIAL: bindings::inode_operations = bindings::inode_operations {
        getattr: Some(getattr),
        listxattr: Some(xattr::Vtable::<T>::listxattr),
        get_inode_acl: Some(xattr::Vtable::<T>::get_inode_acl),
        ..pin_init::zeroed()
    };

    /// Of symbolic links, whose target is in `->i_link`. They have no ACLs.
    pub(crate) const SYMLINK: bindings::inode_operations = bindings::inode_operations {
        get_link: Some(bindings::simple_get_link),
        getattr: Some(getattr),
        listxattr: Some(xattr::Vtable::<T>::listxattr),
        ..pin_init::zeroed()
    };
}
