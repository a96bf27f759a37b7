// SPDX-License-Identifier: GPL-2.0

//! Superblocks: one for each mounted device, file, or mount of what is in memory.

use crate::{device_cache::DeviceCache, ratelimit::RateLimit, store::Devices, sysfs, FileSystem};
use core::marker::PhantomData;
use kernel::{bindings, fmt, prelude::*, str::CString, types::Opaque};

/// What `s_fs_info` points to once `fill_super` has succeeded.
///
/// Dropped in this order: nothing can read a counter once its data is gone.
#[pin_data]
pub(crate) struct Info<T: FileSystem> {
    #[pin]
    pub(crate) sysfs: sysfs::Directory<T>,
    #[pin]
    pub(crate) messages: RateLimit,
    pub(crate) data: T::Data,
    pub(crate) store: T::Store,
}

/// A superblock of `T` that is filled in.
///
/// # Invariants
///
/// It is valid and its `s_fs_info` is a valid [`Info<T>`].
#[repr(transparent)]
pub struct SuperBlock<T: FileSystem>(Opaque<bindings::super_block>, PhantomData<fn(T)>);

// SAFETY: Shared access reads what never changes while the superblock lives, and `T::Data`,
// which is Sync.
unsafe impl<T: FileSystem> Sync for SuperBlock<T> {}

impl<T: FileSystem> SuperBlock<T> {
    /// # Safety
    ///
    /// `sb` is as the type's invariants say for `'a`.
    pub(crate) unsafe fn from_raw<'a>(sb: *mut bindings::super_block) -> &'a Self {
        // SAFETY: By this function's requirements; the type is transparent over C's.
        unsafe { &*sb.cast() }
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::super_block {
        self.0.get()
    }

    fn info(&self) -> &Info<T> {
        // SAFETY: By the type's invariants.
        unsafe { &*(*self.0.get()).s_fs_info.cast() }
    }

    /// What [`FileSystem::fill_super`] returned.
    #[inline]
    pub fn data(&self) -> &T::Data {
        &self.info().data
    }

    pub(crate) fn store(&self) -> &T::Store {
        &self.info().store
    }

    pub(crate) fn sysfs(&self) -> &sysfs::Directory<T> {
        &self.info().sysfs
    }

    /// Whether one more message about this superblock may be written to the log now.
    ///
    /// What a damaged image makes a file system say is thus bounded: at most ten messages in five
    /// seconds, the kernel's default for `printk_ratelimited`. Those that are suppressed are counted
    /// and reported by the kernel under the name `rust/vfs`.
    pub fn permits_message(&self) -> bool {
        self.info().messages.permits()
    }

    /// The device's name, as in kernel messages.
    pub fn id(&self) -> &CStr {
        // SAFETY: By the type's invariants the superblock is valid.
        unsafe { id(self.0.get()) }
    }
}

impl<T: FileSystem<Store = Devices>> SuperBlock<T> {
    /// The device that is mounted.
    #[inline]
    pub fn device(&self) -> &DeviceCache {
        self.store().main()
    }

    /// The devices that [`FileSystem::extra_devices`] named, in that order.
    #[inline]
    pub fn extra_devices(&self) -> &[DeviceCache] {
        self.store().extra()
    }
}

/// A superblock that [`FileSystem::fill_super`] is to check and read.
pub struct NewSuperBlock<'a, T: FileSystem> {
    pub(crate) sb: *mut bindings::super_block,
    pub(crate) context: *mut vfs_bindings::fs_context,
    pub(crate) store: &'a T::Store,
    pub(crate) options: &'a T::Options,
}

impl<T: FileSystem> NewSuperBlock<'_, T> {
    /// What the mount's options say.
    pub fn options(&self) -> &T::Options {
        self.options
    }

    /// Sets the UUID that `FS_IOC_GETFSUUID` tells.
    pub fn set_uuid(&self, uuid: &[u8; 16]) {
        // SAFETY: The superblock is ours to fill, and its UUID has room for 16 bytes.
        unsafe {
            vfs_bindings::blockyard_super_set_uuid(self.sb, uuid.as_ptr(), 16);
        }
    }

    /// The device's name, as in kernel messages.
    pub fn id(&self) -> &CStr {
        // SAFETY: The superblock is valid for this value's life.
        unsafe { id(self.sb) }
    }

    /// Tells whoever called `fsconfig(2)` why the mount fails (C: `errorfc`).
    ///
    /// With mount(2), which has no way to take a message, this does nothing: write to the
    /// kernel's log as well.
    pub fn explain(&self, message: fmt::Arguments<'_>) {
        // SAFETY: The context is valid for this value's life.
        let log = unsafe { (*self.context).log };
        if log.log.is_null() {
            return;
        }
        if let Ok(message) = CString::try_from_fmt(message) {
            // SAFETY: The log, its prefix, the format and the message are valid, and "%s" takes
            // exactly one C string.
            unsafe {
                vfs_bindings::logfc(
                    log.log,
                    log.prefix,
                    b'e',
                    c"%s".as_char_ptr(),
                    message.as_char_ptr(),
                )
            };
        }
    }
}

impl<T: FileSystem<Store = Devices>> NewSuperBlock<'_, T> {
    /// As [`SuperBlock::device`].
    pub fn device(&self) -> &DeviceCache {
        self.store.main()
    }

    /// As [`SuperBlock::extra_devices`].
    pub fn extra_devices(&self) -> &[DeviceCache] {
        self.store.extra()
    }
}

/// # Safety
///
/// `sb` is valid, and named, for `'a`.
unsafe fn id<'a>(sb: *mut bindings::super_block) -> &'a CStr {
    // SAFETY: `s_id` is an array that always ends in NUL and does not change after
    // `setup_bdev_super` wrote it.
    unsafe { CStr::from_char_ptr((&raw const (*sb).s_id).cast()) }
}
