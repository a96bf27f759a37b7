// SPDX-License-Identifier: GPL-2.0

//! The life of a superblock: `struct super_operations`, and what the mount API calls.

use crate::{
    export, inode,
    mount::{self, request},
    ratelimit::RateLimit,
    registration::registration,
    store::StoreOperations,
    super_block::{Info, NewSuperBlock, SuperBlock},
    sysfs::Directory,
    xattr, FileSystem,
};
use core::marker::PhantomData;
use kernel::{bindings, error::from_result, ffi, prelude::*, types::ForeignOwnable};
use vfs_bindings as helpers;

struct Tables<T>(PhantomData<T>);

impl<T: FileSystem> Tables<T> {
    const SUPER: bindings::super_operations = bindings::super_operations {
        alloc_inode: Some(alloc_inode::<T>),
        free_inode: Some(free_inode::<T>),
        put_super: Some(put_super::<T>),
        statfs: Some(statfs::<T>),
        show_options: Some(mount::show_options::<T>),
        ..pin_init::zeroed()
    };
}

/// # Safety
///
/// Called through `get_tree` of [`mount`] with a superblock that is ours to fill.
pub(crate) unsafe extern "C" fn fill_super<T: FileSystem>(
    sb: *mut bindings::super_block,
    context: *mut helpers::fs_context,
) -> ffi::c_int {
    from_result(|| {
        // SAFETY: By this function's requirements; nobody else uses the superblock yet.
        unsafe {
            (*sb).s_op = &Tables::<T>::SUPER;
            (*sb).s_xattr = xattr::Vtable::<T>::HANDLERS.as_ptr();
            (*sb).s_export_op = core::ptr::from_ref(&export::Vtable::<T>::TABLE).cast();
            // CAST: unsigned long has 64 bits.
            (*sb).s_magic = T::MAGIC as usize;
            (*sb).s_maxbytes = i64::MAX;
            (*sb).s_time_gran = 1;
            (*sb).s_time_min = i64::MIN;
            (*sb).s_time_max = i64::MAX;
            (*sb).s_flags |=
                (helpers::BLOCKYARD_SB_NOATIME | helpers::BLOCKYARD_SB_POSIXACL) as usize;
            // Blocks as seen by stat(2); nothing is read through the block device's own cache.
            (*sb).s_blocksize = kernel::page::PAGE_SIZE;
            (*sb).s_blocksize_bits = bindings::PAGE_SHIFT as u8;
        }
        // SAFETY: By this function's requirements; the context is this call's.
        let request = unsafe { request::<T>(context) };
        // SAFETY: The operations are set. `Info` keeps the store until `put_super`, or until
        // this function fails; the superblock outlives both.
        let store = unsafe { T::Store::new::<T>(sb, request)? };
        let data = T::fill_super(&NewSuperBlock {
            sb,
            context,
            store: &store,
            options: &request.options,
        })?;
        let info = KBox::pin_init(
            pin_init!(Info::<T> {
                sysfs <- Directory::new(sb),
                messages <- RateLimit::new(),
                data,
                store,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The superblock is still ours; with `s_fs_info` set it is a `SuperBlock<T>`.
        unsafe { (*sb).s_fs_info = info.into_foreign() };
        // SAFETY: As just said. The directory is dropped with `Info`, before anything that a
        // superblock has; its parent is dropped after the last superblock.
        let root = unsafe {
            let sb = SuperBlock::from_raw(sb);
            sb.sysfs().add(&registration::<T>(sb.as_ptr()).sysfs)?;
            T::inode(sb, T::ROOT_INO)?
        };
        // SAFETY: The root's count passes on, also where this fails.
        unsafe { (*sb).s_root = bindings::d_make_root(root.into_raw()) };
        // SAFETY: The superblock is still ours.
        if unsafe { (*sb).s_root }.is_null() {
            return Err(ENOMEM);
        }
        Ok(0)
    })
}

/// Drops what `fill_super` made, if it is there.
///
/// # Safety
///
/// `sb` is a valid superblock of `T` all of whose inodes, but the `DeviceCache`'s, are gone.
unsafe fn drop_info<T: FileSystem>(sb: *mut bindings::super_block) {
    // SAFETY: By this function's requirements; where set, `s_fs_info` came from `into_foreign`, and
    // without inodes nobody can reach it any more.
    unsafe {
        let info = core::mem::replace(&mut (*sb).s_fs_info, core::ptr::null_mut());
        if !info.is_null() {
            drop(Pin::<KBox<Info<T>>>::from_foreign(info));
        }
    }
}

/// # Safety
///
/// As `->put_super`: called by `generic_shutdown_super` after it evicted all unused inodes,
/// and no inode of ours can be in use, as each open file and directory keeps the mount.
unsafe extern "C" fn put_super<T: FileSystem>(sb: *mut bindings::super_block) {
    // SAFETY: By this function's requirements.
    unsafe { drop_info::<T>(sb) };
}

/// # Safety
///
/// As `->kill_sb`, for a superblock of `T`, whether or not `fill_super` succeeded.
pub(crate) unsafe extern "C" fn kill_sb<T: FileSystem>(sb: *mut bindings::super_block) {
    // SAFETY: By this function's requirements. Without a root `generic_shutdown_super` calls
    // no `put_super`, and `fill_super` left no inode but the device cache's: outside
    // SB_ACTIVE the last `iput` evicts at once.
    unsafe {
        if (*sb).s_root.is_null() {
            drop_info::<T>(sb);
        }
        // Major number 0 is `get_tree_nodev`'s. A device that could not be opened leaves `s_bdev`
        // null, so that it does not tell.
        if (*sb).s_dev >> bindings::MINORBITS == 0 {
            bindings::kill_anon_super(sb);
        } else {
            bindings::kill_block_super(sb);
        }
    }
}

/// # Safety
///
/// As `->alloc_inode`, for a superblock of `T`.
unsafe extern "C" fn alloc_inode<T: FileSystem>(
    sb: *mut bindings::super_block,
) -> *mut bindings::inode {
    // SAFETY: By this function's requirements; the cache is for `T`'s inodes.
    unsafe {
        let cache = &registration::<T>(sb).inode_cache;
        inode::allocate::<T::INodeData>(sb, cache.as_ptr())
    }
}

/// # Safety
///
/// As `->free_inode`, for an inode from [`alloc_inode`], after a grace period.
unsafe extern "C" fn free_inode<T: FileSystem>(inode: *mut bindings::inode) {
    // SAFETY: By this function's requirements.
    unsafe { inode::free::<T::INodeData>(inode) };
}

/// # Safety
///
/// As `->statfs`, for a superblock of `T` that is mounted.
unsafe extern "C" fn statfs<T: FileSystem>(
    dentry: *mut bindings::dentry,
    buffer: *mut bindings::kstatfs,
) -> ffi::c_int {
    // SAFETY: By this function's requirements; `buffer` is ours to fill and was zeroed.
    unsafe {
        let stat = T::statfs(SuperBlock::from_raw((*dentry).d_sb));
        let buffer = buffer.cast::<helpers::kstatfs>();
        // CAST: long has 64 bits.
        (*buffer).f_type = T::MAGIC as isize;
        (*buffer).f_bsize = stat.block_size as isize;
        (*buffer).f_blocks = stat.blocks;
        (*buffer).f_files = stat.files;
        (*buffer).f_namelen = stat.name_max as isize;
        // CAST: The two halves, as `u64_to_fsid` splits them.
        (*buffer).f_fsid.val = [stat.fsid as i32, (stat.fsid >> 32) as i32];
    }
    0
}
