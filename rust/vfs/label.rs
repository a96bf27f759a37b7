// SPDX-License-Identifier: GPL-2.0

//! The label of a file system, for `FS_IOC_GETFSLABEL`.

use crate::{super_block::SuperBlock, FileSystem};
use kernel::{
    bindings,
    error::from_result,
    ffi,
    prelude::*,
    uaccess::{UserPtr, UserSlice},
};
use vfs_bindings as helpers;

/// What `FS_IOC_GETFSLABEL` writes, in bytes.
const LENGTH: usize = bindings::FSLABEL_MAX as usize;

/// `->unlocked_ioctl` of files and directories. The VFS itself answers `FS_IOC_GETFSUUID`.
///
/// # Safety
///
/// As `->unlocked_ioctl`, of a file on a superblock of `T`.
pub(crate) unsafe extern "C" fn ioctl<T: FileSystem>(
    file: *mut bindings::file,
    command: ffi::c_uint,
    argument: ffi::c_ulong,
) -> ffi::c_long {
    from_result(|| {
        if command != helpers::BLOCKYARD_FS_IOC_GETFSLABEL {
            return Err(ENOTTY);
        }
        // SAFETY: By this function's requirements; an open file keeps its mount.
        let sb = unsafe { SuperBlock::<T>::from_raw((*(*file).f_inode).i_sb) };
        let mut buffer = [0; LENGTH];
        // The last byte stays NUL.
        for (to, from) in buffer.iter_mut().zip(T::label(sb)).take(LENGTH - 1) {
            *to = *from;
        }
        UserSlice::new(UserPtr::from_addr(argument), LENGTH)
            .writer()
            .write_slice(&buffer)?;
        Ok(0)
    })
}
