// SPDX-License-Identifier: GPL-2.0

//! A directory in sysfs for each superblock, with its counters: `/sys/fs/TYPE/NAME/COUNTER`.

use crate::{super_block::SuperBlock, FileSystem};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings, error::to_result, ffi, prelude::*, str::CString, sync::Completion, types::Opaque,
};
use vfs_bindings as helpers;

/// The directory of a file system type.
///
/// # Invariants
///
/// One count of the kobject is ours.
pub(crate) struct Root(NonNull<bindings::kobject>);

impl Root {
    /// Makes `/sys/fs/NAME`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also where there is one of that name already.
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: The name is a C string; `fs_kobj` is made at boot and never changes.
        let kobject =
            unsafe { bindings::kobject_create_and_add(name.as_char_ptr(), bindings::fs_kobj) };
        // INVARIANT: What it returns has a count for its caller.
        NonNull::new(kobject).map(Self).ok_or(ENOMEM)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the count is ours.
        unsafe { bindings::kobject_put(self.0.as_ptr()) };
    }
}

/// A number in sysfs.
#[repr(C)]
pub struct Counter<T: FileSystem> {
    attribute: bindings::attribute,
    read: fn(&SuperBlock<T>) -> u64,
}

// SAFETY: A counter is never written to: sysfs only reads the attribute.
unsafe impl<T: FileSystem> Sync for Counter<T> {}

impl<T: FileSystem> Counter<T> {
    /// A file `name`, readable by all, that shows what `read` returns.
    pub const fn new(name: &'static CStr, read: fn(&SuperBlock<T>) -> u64) -> Self {
        // Lockdep's fields, where the kernel has them, stay zero: the attribute is its own key.
        let mut attribute: bindings::attribute = pin_init::zeroed();
        attribute.name = name.to_bytes_with_nul().as_ptr().cast();
        attribute.mode = 0o444;
        Self { attribute, read }
    }
}

/// The directory of one superblock.
///
/// # Invariants
///
/// `kobject` is initialised, and one count of it is ours. Once it is added, `sb` is a
/// `SuperBlock<T>` for as long as this value lives.
#[pin_data(PinnedDrop)]
pub(crate) struct Directory<T: FileSystem> {
    #[pin]
    kobject: Opaque<bindings::kobject>,
    #[pin]
    released: Completion,
    sb: *mut bindings::super_block,
    _file_system: PhantomData<fn(T)>,
}

// SAFETY: A kobject belongs to no task; the superblock is shared as a `SuperBlock` is.
unsafe impl<T: FileSystem> Send for Directory<T> {}
// SAFETY: As above.
unsafe impl<T: FileSystem> Sync for Directory<T> {}

impl<T: FileSystem> Directory<T> {
    const OPERATIONS: bindings::sysfs_ops = bindings::sysfs_ops {
        show: Some(show::<T>),
        store: None,
    };

    const TYPE: bindings::kobj_type = bindings::kobj_type {
        release: Some(release::<T>),
        sysfs_ops: &Self::OPERATIONS,
        ..pin_init::zeroed()
    };

    /// A directory that is not shown yet, for a superblock that outlives it.
    pub(crate) fn new(sb: *mut bindings::super_block) -> impl PinInit<Self> {
        pin_init!(Self {
            kobject <- Opaque::ffi_init(|kobject: *mut bindings::kobject| {
                // SAFETY: `kobject` is valid for writes and, being pinned, stays at its address;
                // `kobject_init` wants it zeroed.
                unsafe {
                    kobject.write(pin_init::zeroed());
                    bindings::kobject_init(kobject, &Self::TYPE);
                }
            }),
            released <- Completion::new(),
            sb,
            _file_system: PhantomData,
        })
    }

    /// Shows the directory below `parent`, named after the device; a superblock without one is
    /// named by its device number.
    ///
    /// # Errors
    ///
    /// `EEXIST` where there is a directory of that name; `ENOMEM`.
    ///
    /// # Safety
    ///
    /// The superblock is a `SuperBlock<T>` from now until this value is dropped, and still its
    /// filler's; `parent` outlives this value.
    pub(crate) unsafe fn add(&self, parent: &Root) -> Result {
        // SAFETY: By this function's requirements. The name is an array that ends in NUL.
        unsafe {
            if (*self.sb).s_bdev.is_null() {
                let device = (*self.sb).s_dev;
                let (major, minor) = (
                    device >> bindings::MINORBITS,
                    device & ((1 << bindings::MINORBITS) - 1),
                );
                let name = CString::try_from_fmt(fmt!("{major}:{minor}"))?;
                helpers::blockyard_super_set_sysfs_name_generic(self.sb, name.as_char_ptr());
            } else {
                // `setup_bdev_super` has written the device's name there, with its NUL.
                let name = (*self.sb).s_id;
                let shown = &mut (*self.sb).s_sysfs_name;
                shown.iter_mut().zip(name).for_each(|(to, from)| *to = from);
            }
            to_result(bindings::kobject_add(
                self.kobject.get(),
                parent.0.as_ptr(),
                c"%s".as_char_ptr(),
                (&raw const (*self.sb).s_sysfs_name).cast::<ffi::c_char>(),
            ))?;
            for counter in T::COUNTERS {
                to_result(bindings::sysfs_create_file_ns(
                    self.kobject.get(),
                    &counter.attribute,
                    core::ptr::null(),
                ))?;
            }
        }
        Ok(())
    }
}

#[pinned_drop]
impl<T: FileSystem> PinnedDrop for Directory<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariants. `kobject_del` waits for `show`s and lets no more begin;
        // it does nothing where the directory was not added. Others may have a count still.
        unsafe {
            bindings::kobject_del(self.kobject.get());
            bindings::kobject_put(self.kobject.get());
        }
        self.released.wait_for_completion();
    }
}

/// # Safety
///
/// As `->release` of the kobject of a [`Directory<T>`], whose drop waits for it.
unsafe extern "C" fn release<T: FileSystem>(kobject: *mut bindings::kobject) {
    // SAFETY: By this function's requirements.
    unsafe {
        let kobject = kobject.cast::<Opaque<bindings::kobject>>();
        let directory = kernel::container_of!(kobject, Directory<T>, kobject);
        (*directory).released.complete_all();
    }
}

/// # Safety
///
/// As `->show` of an attribute that is a [`Counter<T>`] in a [`Directory<T>`] that was added.
unsafe extern "C" fn show<T: FileSystem>(
    kobject: *mut bindings::kobject,
    attribute: *mut bindings::attribute,
    buffer: *mut ffi::c_char,
) -> isize {
    // SAFETY: By this function's requirements; the directory's invariants give the superblock. The
    // buffer is a page, and the format takes one u64.
    unsafe {
        let kobject = kobject.cast::<Opaque<bindings::kobject>>();
        let directory = kernel::container_of!(kobject, Directory<T>, kobject);
        let counter = kernel::container_of!(attribute, Counter<T>, attribute);
        let value = ((*counter).read)(SuperBlock::from_raw((*directory).sb));
        bindings::sysfs_emit(buffer, c"%llu\n".as_char_ptr(), value) as isize
    }
}
