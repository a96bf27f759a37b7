// SPDX-License-Identifier: GPL-2.0

//! Open regular files: `struct file_operations` and what else a file's inode has.

use crate::{
    address_space::{self, AddressSpaceOperations},
    attributes,
    inode::INode,
    iomap::{self, ExtentMap},
    label,
    store::{DirectIo, StoreOperations},
    xattr, FileSystem,
};
use core::marker::PhantomData;
use kernel::{bindings, ffi};
use vfs_bindings as helpers;

/// The operations of a regular file of `T`: `->a_ops`, `->i_fop` and `->i_op`.
pub struct FileTables<T: FileSystem> {
    pub(crate) address_space: &'static bindings::address_space_operations,
    pub(crate) file: &'static bindings::file_operations,
    pub(crate) inode: &'static bindings::inode_operations,
    _file_system: PhantomData<fn(T)>,
}

impl<T: FileSystem> FileTables<T> {
    /// The tables that read through the page cache with `A`, and find data on the device for
    /// everything else with `M`.
    pub const fn new<A: AddressSpaceOperations<FileSystem = T>, M: ExtentMap<FileSystem = T>>(
    ) -> Self {
        Self {
            address_space: &address_space::Vtable::<A>::TABLE,
            file: &Vtable::<M>::FILE,
            inode: &Vtable::<M>::INODE,
            _file_system: PhantomData,
        }
    }
}

impl<T: FileSystem> FileTables<T> {
    /// The tables of files that are on no device: read through the page cache alone, which `A`
    /// fills.
    pub const fn page_cache_only<A: AddressSpaceOperations<FileSystem = T>>() -> Self {
        Self {
            address_space: &address_space::Vtable::<A>::TABLE,
            file: &PageCacheOnly::<T>::FILE,
            inode: &PageCacheOnly::<T>::INODE,
            _file_system: PhantomData,
        }
    }
}

struct PageCacheOnly<T>(PhantomData<T>);

impl<T: FileSystem> PageCacheOnly<T> {
    /// As C's `generic_ro_fops`, and the label.
    const FILE: bindings::file_operations = bindings::file_operations {
        llseek: Some(bindings::generic_file_llseek),
        read_iter: Some(bindings::generic_file_read_iter),
        mmap_prepare: Some(bindings::generic_file_readonly_mmap_prepare),
        splice_read: Some(bindings::filemap_splice_read),
        unlocked_ioctl: Some(label::ioctl::<T>),
        compat_ioctl: bindings::compat_ptr_ioctl,
        ..pin_init::zeroed()
    };

    const INODE: bindings::inode_operations = bindings::inode_operations {
        getattr: Some(attributes::getattr),
        listxattr: Some(xattr::Vtable::<T>::listxattr),
        get_inode_acl: Some(xattr::Vtable::<T>::get_inode_acl),
        ..pin_init::zeroed()
    };
}

struct Vtable<M>(PhantomData<M>);

impl<M: ExtentMap> Vtable<M> {
    /// As C's `generic_ro_fops`, and direct I/O, `SEEK_HOLE` and the label.
    const FILE: bindings::file_operations = bindings::file_operations {
        open: Some(Self::open),
        llseek: Some(Self::llseek),
        read_iter: Some(Self::read_iter),
        mmap_prepare: Some(bindings::generic_file_readonly_mmap_prepare),
        splice_read: Some(bindings::filemap_splice_read),
        unlocked_ioctl: Some(label::ioctl::<M::FileSystem>),
        compat_ioctl: bindings::compat_ptr_ioctl,
        ..pin_init::zeroed()
    };

    const INODE: bindings::inode_operations = bindings::inode_operations {
        getattr: Some(Self::getattr),
        listxattr: Some(xattr::Vtable::<M::FileSystem>::listxattr),
        get_inode_acl: Some(xattr::Vtable::<M::FileSystem>::get_inode_acl),
        fiemap: Some(Self::fiemap),
        ..pin_init::zeroed()
    };

    /// What direct I/O has to be aligned to, if it can be had.
    ///
    /// # Safety
    ///
    /// `inode` has this table.
    unsafe fn direct_io(inode: *mut bindings::inode) -> Option<DirectIo> {
        // SAFETY: By this function's requirements the inode is one of this file system's.
        let inode = unsafe { INode::<M::FileSystem>::from_raw(inode) };
        inode.super_block().store().direct_io()
    }

    /// # Safety
    ///
    /// As `->open`, of an inode that has this table.
    unsafe extern "C" fn open(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> ffi::c_int {
        // SAFETY: By this function's requirements; a file that is being opened is its opener's.
        unsafe {
            if Self::direct_io(inode).is_some() {
                (*file).f_mode |= helpers::BLOCKYARD_FMODE_CAN_ODIRECT;
            }
            bindings::generic_file_open(inode, file)
        }
    }

    /// # Safety
    ///
    /// As `->read_iter`, of a file whose inode has this table.
    unsafe extern "C" fn read_iter(
        iocb: *mut bindings::kiocb,
        to: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: By this function's requirements; the table's callbacks are for this inode.
        unsafe {
            let direct = (*iocb).ki_flags & helpers::BLOCKYARD_IOCB_DIRECT != 0;
            if !(M::DIRECT_IO && direct) {
                return bindings::filemap_read(iocb, to, 0);
            }
            helpers::iomap_dio_rw(
                iocb,
                to,
                &iomap::Vtable::<M>::TABLE,
                core::ptr::null(),
                0,
                core::ptr::null_mut(),
                0,
            )
        }
    }

    /// # Safety
    ///
    /// As `->llseek`, of a file whose inode has this table.
    unsafe extern "C" fn llseek(
        file: *mut bindings::file,
        offset: bindings::loff_t,
        whence: ffi::c_int,
    ) -> bindings::loff_t {
        let ops = &iomap::Vtable::<M>::TABLE;
        // CAST: SEEK_HOLE and SEEK_DATA are small.
        const HOLE: ffi::c_int = bindings::SEEK_HOLE as ffi::c_int;
        const DATA: ffi::c_int = bindings::SEEK_DATA as ffi::c_int;
        // SAFETY: By this function's requirements. The size of the file, which other file
        // systems hold a lock for, never changes.
        unsafe {
            let inode = (*file).f_inode;
            let found = match whence {
                HOLE => helpers::iomap_seek_hole(inode, offset, ops),
                DATA => helpers::iomap_seek_data(inode, offset, ops),
                _ => return bindings::generic_file_llseek(file, offset, whence),
            };
            if found < 0 {
                return found;
            }
            bindings::vfs_setpos(file, found, (*(*inode).i_sb).s_maxbytes)
        }
    }

    /// # Safety
    ///
    /// As `->getattr`, of an inode that has this table.
    unsafe extern "C" fn getattr(
        idmap: *mut bindings::mnt_idmap,
        path: *const bindings::path,
        stat: *mut bindings::kstat,
        request_mask: u32,
        flags: ffi::c_uint,
    ) -> ffi::c_int {
        // SAFETY: By this function's requirements: the path's dentry is positive, and `stat` is
        // ours to fill.
        unsafe {
            attributes::getattr(idmap, path, stat, request_mask, flags);
            let wanted = request_mask & bindings::STATX_DIOALIGN != 0;
            let inode = (*(*path).dentry).d_inode;
            if let (true, true, Some(align)) = (wanted, M::DIRECT_IO, Self::direct_io(inode)) {
                (*stat).result_mask |= bindings::STATX_DIOALIGN;
                (*stat).dio_mem_align = align.memory;
                (*stat).dio_offset_align = align.offset;
            }
        }
        0
    }

    /// # Safety
    ///
    /// As `->fiemap`, of an inode that has this table.
    unsafe extern "C" fn fiemap(
        inode: *mut bindings::inode,
        info: *mut bindings::fiemap_extent_info,
        start: u64,
        length: u64,
    ) -> ffi::c_int {
        // SAFETY: By this function's requirements.
        unsafe { helpers::iomap_fiemap(inode, info, start, length, &iomap::Vtable::<M>::TABLE) }
    }
}
