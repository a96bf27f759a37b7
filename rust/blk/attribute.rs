// SPDX-License-Identifier: GPL-2.0

//! Files in configfs, each of which shows and takes one value.
//!
//! C header: [`include/linux/configfs.h`](srctree/include/linux/configfs.h)

use core::{marker::PhantomData, ptr::null_mut};
use kernel::{bindings, error::from_result, prelude::*, str::Formatter};
use sync::{context::Process, held::Held};

/// The most that configfs takes from or gives to an attribute, in bytes (`fs/configfs/file.c`).
pub const SIMPLE_ATTR_SIZE: usize = 4096;

/// A directory's C structure and what it stands for.
///
/// # Safety
///
/// `data` must return what it says for every item it may be called with.
pub unsafe trait Container {
    /// What the directory stands for.
    type Item;

    /// What the directory of `item` stands for.
    ///
    /// # Safety
    ///
    /// `item` must be the one in a live structure of this type, which must live for `'a`.
    unsafe fn data<'a>(item: *mut bindings::config_item) -> &'a Self::Item;
}

/// A file that shows something of `Item`.
pub trait Show {
    /// What the file's directory stands for.
    type Item;
    /// The file's name.
    const NAME: &'static CStr;

    /// Writes what a reader of the file sees, at most 4,096 bytes.
    ///
    /// # Errors
    ///
    /// An error becomes that of `read`.
    fn show(item: &Self::Item, out: &mut Formatter<'_>, held: &mut Held<'_, Process>) -> Result;
}

/// A file that can be written to as well.
pub trait Store: Show {
    /// Takes what a user wrote, up to a NUL or 4,095 bytes.
    ///
    /// # Errors
    ///
    /// An error becomes that of `write`.
    fn store(item: &Self::Item, text: &CStr, held: &mut Held<'_, Process>) -> Result;
}

/// A file in directories of type `C`.
pub struct Attribute<C> {
    name: &'static CStr,
    show: Option<unsafe extern "C" fn(*mut bindings::config_item, *mut c_char) -> isize>,
    store: Option<unsafe extern "C" fn(*mut bindings::config_item, *const c_char, usize) -> isize>,
    _container: PhantomData<fn(C)>,
}

impl<C: Container> Attribute<C> {
    /// A file that can only be read.
    pub const fn read_only<A: Show<Item = C::Item>>() -> Self {
        Self {
            name: A::NAME,
            show: Some(Self::show::<A>),
            store: None,
            _container: PhantomData,
        }
    }

    /// A file that can be read and written.
    pub const fn read_write<A: Store<Item = C::Item>>() -> Self {
        Self {
            name: A::NAME,
            show: Some(Self::show::<A>),
            store: Some(Self::store::<A>),
            _container: PhantomData,
        }
    }

    /// A file that can only be written.
    pub const fn write_only<A: Store<Item = C::Item>>() -> Self {
        Self {
            name: A::NAME,
            show: None,
            store: Some(Self::store::<A>),
            _container: PhantomData,
        }
    }

    /// The file's name.
    pub const fn name(&self) -> &'static CStr {
        self.name
    }

    /// The C structure.
    fn raw(&self, owner: &'static ThisModule) -> bindings::configfs_attribute {
        bindings::configfs_attribute {
            ca_name: self.name.as_char_ptr(),
            ca_owner: owner.as_ptr(),
            ca_mode: match (self.show, self.store) {
                (Some(_), Some(_)) => 0o644,
                (Some(_), None) => 0o444,
                (None, _) => 0o200,
            },
            show: self.show,
            store: self.store,
        }
    }

    /// `->show`.
    ///
    /// # Safety
    ///
    /// `item` must be as [`Container::data`] wants it, for the call; `page` must point to a page
    /// that is the caller's.
    unsafe extern "C" fn show<A: Show<Item = C::Item>>(
        item: *mut bindings::config_item,
        page: *mut c_char,
    ) -> isize {
        // SAFETY: By this function's contract.
        let item = unsafe { C::data(item) };
        // SAFETY: By this function's contract. The page may come uninitialised, so it is zeroed.
        let page = unsafe {
            page.write_bytes(0, SIMPLE_ATTR_SIZE);
            core::slice::from_raw_parts_mut(page, SIMPLE_ATTR_SIZE)
        };
        let mut out = Formatter::new(page);
        // SAFETY: configfs calls this in process context, with no lock but its own.
        let mut held = unsafe { Held::outermost() };

        from_result(|| {
            A::show(item, &mut out, &mut held)?;
            // CAST: At most 4,096.
            Ok(out.bytes_written() as isize)
        })
    }

    /// `->store`.
    ///
    /// # Safety
    ///
    /// `item` must be as [`Container::data`] wants it, for the call; `page` must hold `len` bytes
    /// and a NUL.
    unsafe extern "C" fn store<A: Store<Item = C::Item>>(
        item: *mut bindings::config_item,
        page: *const c_char,
        len: usize,
    ) -> isize {
        // SAFETY: By this function's contract.
        let item = unsafe { C::data(item) };
        // SAFETY: By this function's contract; a NUL before the end ends the text there.
        let text = unsafe { CStr::from_char_ptr(page) };
        // SAFETY: configfs calls this in process context, with no lock but its own.
        let mut held = unsafe { Held::outermost() };

        from_result(|| {
            A::store(item, text, &mut held)?;
            // CAST: At most 4,095.
            Ok(len as isize)
        })
    }
}

/// The files of a kind of directory as C wants them: an array of pointers that ends in null.
pub(crate) struct AttributeArray {
    pointers: KVec<*mut bindings::configfs_attribute>,
    // The pointers point here.
    _attributes: KVec<bindings::configfs_attribute>,
}

impl AttributeArray {
    /// Makes the array of `table`; `owner` is pinned by each open file.
    pub(crate) fn new<C: Container>(
        table: &[Attribute<C>],
        owner: &'static ThisModule,
    ) -> Result<Self> {
        let mut attributes = KVec::with_capacity(table.len(), GFP_KERNEL)?;
        for attribute in table {
            attributes.push(attribute.raw(owner), GFP_KERNEL)?;
        }
        let mut pointers = KVec::with_capacity(table.len() + 1, GFP_KERNEL)?;
        for attribute in attributes.iter_mut() {
            pointers.push(core::ptr::from_mut(attribute), GFP_KERNEL)?;
        }
        pointers.push(null_mut(), GFP_KERNEL)?;
        Ok(Self {
            pointers,
            _attributes: attributes,
        })
    }

    /// The array, valid as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut *mut bindings::configfs_attribute {
        self.pointers.as_ptr().cast_mut()
    }
}
