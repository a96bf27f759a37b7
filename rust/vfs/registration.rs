// SPDX-License-Identifier: GPL-2.0

//! Registering a file system type.

use crate::{
    inode::{self, WithData},
    mount,
    store::StoreOperations,
    super_operations, sysfs, FileSystem,
};
use core::{marker::PhantomData, mem::align_of, mem::size_of, ptr::NonNull};
use kernel::{bindings, error::to_result, ffi, prelude::*, types::Opaque};
use vfs_bindings as helpers;

/// A registered file system type. Dropping it unregisters the type.
///
/// # Invariants
///
/// `file_system` is registered, and `inode_cache` holds objects of
/// [`WithData<T::INodeData>`], for as long as this value lives. Superblocks keep the module,
/// and so this value, which lives as long as the module: see [`Registration::new`].
#[pin_data(PinnedDrop)]
pub struct Registration<T: FileSystem> {
    #[pin]
    file_system: Opaque<bindings::file_system_type>,
    pub(crate) inode_cache: InodeCache<T>,
    pub(crate) sysfs: sysfs::Root,
}

// SAFETY: Registering and unregistering may happen in any task.
unsafe impl<T: FileSystem> Send for Registration<T> {}
// SAFETY: A shared registration gives access to nothing.
unsafe impl<T: FileSystem> Sync for Registration<T> {}

impl<T: FileSystem> Registration<T> {
    /// Registers `T` for `module`.
    ///
    /// Mounts count as users of `module`, so that it cannot be unloaded, and a registration
    /// kept in it not be dropped, while one exists.
    ///
    /// # Errors
    ///
    /// `EBUSY` where a file system of that name is registered; `ENOMEM`.
    pub fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inode_cache: InodeCache::new()?,
            sysfs: sysfs::Root::new(T::NAME)?,
            file_system <- Opaque::try_ffi_init(|slot: *mut bindings::file_system_type| {
                // SAFETY: `slot` is valid for writes and stays at its address, being pinned.
                to_result(unsafe {
                    slot.write(bindings::file_system_type {
                        name: T::NAME.as_char_ptr(),
                        // Owners are compared and shown by the VFS alone, so that any mapping
                        // of them is fine. CAST: Flag bits.
                        fs_flags: (<T::Store as StoreOperations>::FLAGS | bindings::FS_ALLOW_IDMAP)
                            as ffi::c_int,
                        init_fs_context: Some(mount::init_fs_context::<T>),
                        kill_sb: Some(super_operations::kill_sb::<T>),
                        owner: module.as_ptr(),
                        ..pin_init::zeroed()
                    });
                    bindings::register_filesystem(slot)
                })
            }),
        })
    }
}

#[pinned_drop]
impl<T: FileSystem> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariants the type is registered; no superblock exists, as
        // each keeps the module. Inodes are freed by RCU callbacks: `rcu_barrier` waits for
        // them before their cache goes. An interrupt that has just ended the last folio of a
        // bio may still be in this module's code: `synchronize_rcu` waits for it.
        unsafe {
            bindings::unregister_filesystem(self.file_system.get());
            bindings::synchronize_rcu();
            bindings::rcu_barrier();
        }
    }
}

/// The slab cache of a file system's inodes.
///
/// # Invariants
///
/// It holds objects of [`WithData<T::INodeData>`], and is ours to destroy when it is empty.
pub(crate) struct InodeCache<T: FileSystem>(NonNull<bindings::kmem_cache>, PhantomData<fn(T)>);

impl<T: FileSystem> InodeCache<T> {
    fn new() -> Result<Self> {
        // CAST: No inode is near 4 GiB.
        let (size, align) = (
            size_of::<WithData<T::INodeData>>() as u32,
            align_of::<WithData<T::INodeData>>() as u32,
        );
        // SAFETY: The name is a C string; `construct` fits objects of this size and alignment.
        let cache = unsafe {
            helpers::blockyard_inode_cache_create(
                T::NAME.as_char_ptr(),
                size,
                align,
                Some(inode::construct::<T::INodeData>),
            )
        };
        // INVARIANT: Made just now.
        NonNull::new(cache)
            .map(|cache| Self(cache, PhantomData))
            .ok_or(ENOMEM)
    }
}

impl<T: FileSystem> InodeCache<T> {
    pub(crate) fn as_ptr(&self) -> *mut bindings::kmem_cache {
        self.0.as_ptr()
    }
}

impl<T: FileSystem> Drop for InodeCache<T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants. It is empty: a [`Registration`] waits for the last
        // inode before it drops its fields, and one that never was registered had none.
        unsafe { bindings::kmem_cache_destroy(self.0.as_ptr()) };
    }
}

/// The registration of the type that `sb` is of.
///
/// # Safety
///
/// `sb` is a valid superblock of a registered `T`, for `'a`.
pub(crate) unsafe fn registration<'a, T: FileSystem>(
    sb: *mut bindings::super_block,
) -> &'a Registration<T> {
    // SAFETY: `s_type` points into the `Registration` that the superblock's module keeps.
    unsafe {
        let file_system = (*sb).s_type.cast::<Opaque<bindings::file_system_type>>();
        &*kernel::container_of!(file_system, Registration<T>, file_system)
    }
}
