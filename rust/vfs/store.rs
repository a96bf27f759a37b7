// SPDX-License-Identifier: GPL-2.0

//! What a file system is on: devices and files, or nothing but memory.

use crate::{
    backing::{Backing, OpenFile},
    bio::SECTOR_SIZE,
    device_cache::DeviceCache,
    mount::{complain, request, FillSuper, Request},
    FileSystem,
};
use core::ptr::NonNull;
use kernel::{bindings, error::to_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// What a superblock of a file system is on: [`Devices`] or [`NoDevice`].
pub trait Store: Sized + Send + Sync + 'static + private::Store {}

impl Store for Devices {}
impl Store for NoDevice {}

pub(crate) mod private {
    use super::*;

    /// What reads past the page cache have to be aligned to, in bytes.
    #[derive(Clone, Copy)]
    pub struct DirectIo {
        /// Addresses in memory.
        pub memory: u32,
        /// Positions in files, and lengths.
        pub offset: u32,
    }

    /// The part of [`super::Store`] that is this crate's own.
    pub trait Store: Sized {
        /// Flags of the file system type (`FS_REQUIRES_DEV`).
        const FLAGS: u32;

        /// Finds or makes the superblock (`->get_tree`).
        ///
        /// # Safety
        ///
        /// The context is complete, and `T`'s.
        unsafe fn get_tree<T: FileSystem<Store = Self>>(
            context: *mut helpers::fs_context,
            fill_super: FillSuper,
        ) -> Result<ffi::c_int>;

        /// Takes what [`Store::get_tree`] opened.
        ///
        /// # Safety
        ///
        /// `sb` is a superblock of `T` in `fill_super`, with its operations set, and outlives the
        /// new value.
        unsafe fn new<T: FileSystem<Store = Self>>(
            sb: *mut bindings::super_block,
            request: &mut Request<T>,
        ) -> Result<Self>;

        /// What direct I/O wants; `None`: there is none.
        fn direct_io(&self) -> Option<DirectIo>;
    }
}

pub(crate) use private::{DirectIo, Store as StoreOperations};

/// No device: the contents are in memory.
pub struct NoDevice(());

impl private::Store for NoDevice {
    const FLAGS: u32 = 0;

    unsafe fn get_tree<T: FileSystem<Store = Self>>(
        context: *mut helpers::fs_context,
        fill_super: FillSuper,
    ) -> Result<ffi::c_int> {
        // SAFETY: By this function's requirements.
        Ok(unsafe { helpers::get_tree_nodev(context, fill_super) })
    }

    unsafe fn new<T: FileSystem<Store = Self>>(
        _sb: *mut bindings::super_block,
        _request: &mut Request<T>,
    ) -> Result<Self> {
        Ok(Self(()))
    }

    fn direct_io(&self) -> Option<DirectIo> {
        None
    }
}

/// The device of the mount's source, or a regular file in its place; and those that options name.
pub struct Devices {
    main: DeviceCache,
    extra: KVec<DeviceCache>,
    direct_io: Option<DirectIo>,
}

impl Devices {
    pub(crate) fn main(&self) -> &DeviceCache {
        &self.main
    }

    pub(crate) fn extra(&self) -> &[DeviceCache] {
        &self.extra
    }
}

impl private::Store for Devices {
    const FLAGS: u32 = bindings::FS_REQUIRES_DEV;

    unsafe fn get_tree<T: FileSystem<Store = Self>>(
        context: *mut helpers::fs_context,
        fill_super: FillSuper,
    ) -> Result<ffi::c_int> {
        // CAST: Error numbers are below 4096.
        const NOT_A_DEVICE: ffi::c_int = -(bindings::ENOTBLK as ffi::c_int);
        // SAFETY: By this function's requirements; what is opened goes on in the request, to `new`
        // or, if there is a superblock already, away with the context.
        unsafe {
            let holder = (*context).fs_type.cast::<ffi::c_void>();
            let Request { options, extra, .. } = request::<T>(context);
            for path in T::extra_devices(options) {
                let backing = Backing::open(path, holder)
                    .inspect_err(|_| complain(context, path, c"cannot be opened"))?;
                extra.push(backing, GFP_KERNEL)?;
            }
            // `fill_super` takes the request in between: it is not kept here.
            let quiet = helpers::GET_TREE_BDEV_QUIET_LOOKUP;
            let result = helpers::get_tree_bdev_flags(context, fill_super, quiet);
            if result != NOT_A_DEVICE || (*context).source.is_null() {
                return Ok(result);
            }
            let file = OpenFile::open(CStr::from_char_ptr((*context).source))?;
            request::<T>(context).source = Some(file);
            Ok(helpers::get_tree_nodev(context, fill_super))
        }
    }

    unsafe fn new<T: FileSystem<Store = Self>>(
        sb: *mut bindings::super_block,
        request: &mut Request<T>,
    ) -> Result<Self> {
        // SAFETY: By this function's requirements.
        let main = match NonNull::new(unsafe { (*sb).s_bdev }) {
            Some(bdev) => Backing::of_superblock(bdev),
            None => {
                // SAFETY: As above; `setup_bdev_super` does this for devices.
                to_result(unsafe { bindings::super_setup_bdi(sb) })?;
                Backing::File(request.source.take().ok_or(EINVAL)?)
            }
        };
        let mut direct_io = main.direct_io();
        let mut is_on_file = matches!(main, Backing::File(_));
        let extra_backings = core::mem::take(&mut request.extra);
        let mut extra = KVec::with_capacity(extra_backings.len(), GFP_KERNEL)?;
        for backing in extra_backings {
            is_on_file |= matches!(backing, Backing::File(_));
            direct_io = direct_io.zip(backing.direct_io()).map(|(a, b)| DirectIo {
                memory: a.memory.max(b.memory),
                offset: a.offset.max(b.offset),
            });
            // SAFETY: By this function's requirements.
            let cache = unsafe { DeviceCache::new(sb, backing)? };
            extra.push(cache, GFP_KERNEL)?;
        }
        if is_on_file {
            // Reading it takes the stack of a file system below.
            // SAFETY: By this function's requirements.
            unsafe { (*sb).s_stack_depth = 1 };
        }
        Ok(Self {
            // SAFETY: By this function's requirements.
            main: unsafe { DeviceCache::new(sb, main)? },
            extra,
            direct_io,
        })
    }

    /// iomap does direct I/O on devices only, and an `ExtentMap` counts in sectors, which the
    /// devices have to be able to read.
    fn direct_io(&self) -> Option<DirectIo> {
        self.direct_io
            .filter(|direct_io| direct_io.offset <= SECTOR_SIZE as u32)
    }
}
