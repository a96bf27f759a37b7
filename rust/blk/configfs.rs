// SPDX-License-Identifier: GPL-2.0

//! A directory in configfs, in which users make a subdirectory for each device.
//!
//! C header: [`include/linux/configfs.h`](srctree/include/linux/configfs.h)
//!
//! The kernel crate has a `configfs` too; its attributes are numbered by hand in a macro, so that
//! a table of attributes cannot be a value, which is what the users of this module want: one table
//! from which the attributes, their list and the module's parameters all come.
//!
//! A [`Subsystem`] is the directory; a [`Directory`] says what it holds; an [`Attribute`] is a file
//! in it or in its subdirectories.

use crate::attribute::{Attribute, AttributeArray, Container};
use core::{
    mem::ManuallyDrop,
    ptr::{addr_of_mut, null_mut},
};
use kernel::{bindings, container_of, error::to_result, prelude::*, sync::Mutex, types::Opaque};
use sync::{context::Process, held::Held};

/// What a configfs directory holds.
pub trait Directory: Send + Sync + Sized + 'static {
    /// What a subdirectory stands for.
    type Child: Send + Sync + 'static;

    /// The files of the directory.
    const ATTRIBUTES: &'static [Attribute<Root<Self>>];

    /// The files of each subdirectory.
    const CHILD_ATTRIBUTES: &'static [Attribute<Group<Self::Child>>];

    /// The directories that each subdirectory has from the start.
    const CHILD_GROUPS: &'static [DefaultGroup<Self::Child>] = &[];

    /// Makes a child, for a user who makes the subdirectory `name`.
    ///
    /// # Errors
    ///
    /// An error becomes that of `mkdir`.
    fn make_child(
        &self,
        name: &CStr,
        held: &mut Held<'_, Process>,
    ) -> Result<impl PinInit<Self::Child, Error>>;

    /// Tells a child that its subdirectory was removed; it is dropped soon after. No function of
    /// its attributes runs at the same time or later.
    fn drop_child(child: &Self::Child, held: &mut Held<'_, Process>);
}

/// A directory that each subdirectory has, with files of its own that stand for the same thing.
pub struct DefaultGroup<T: 'static> {
    name: &'static CStr,
    attributes: &'static [Attribute<SubGroup<T>>],
}

impl<T> DefaultGroup<T> {
    /// The directory `name` with the files `attributes`.
    pub const fn new(name: &'static CStr, attributes: &'static [Attribute<SubGroup<T>>]) -> Self {
        Self { name, attributes }
    }
}

/// Initialises a group of C.
///
/// # Errors
///
/// `ENOMEM` for the name. (C goes on with the first part of it.)
///
/// # Safety
///
/// `group` must be zeroed and not move; `item_type` must live as long as it.
unsafe fn init_group(
    group: *mut bindings::config_group,
    name: &CStr,
    item_type: *const bindings::config_item_type,
) -> Result {
    // SAFETY: By this function's contract.
    unsafe { bindings::config_group_init_type_name(group, name.as_char_ptr(), item_type) };
    // SAFETY: As above.
    if unsafe { (*group).cg_item.ci_name.is_null() } {
        return Err(ENOMEM);
    }
    Ok(())
}

/// Frees what [`init_group`] allocated, unless C has released the group: then there is no name.
///
/// # Safety
///
/// `group` must be zeroed or initialised by [`init_group`], and nobody may use it afterwards.
unsafe fn free_name(group: *mut bindings::config_group) {
    // SAFETY: By this function's contract. Long names are allocated by `kvasprintf()`.
    unsafe {
        let item = addr_of_mut!((*group).cg_item);
        if (*item).ci_name != addr_of_mut!((*item).ci_namebuf).cast() {
            bindings::kfree((*item).ci_name.cast());
        }
    }
}

/// The C structure of a [`DefaultGroup`] of one subdirectory.
///
/// # Invariants
///
/// `parent` is the group that this is part of.
#[pin_data(PinnedDrop)]
pub struct SubGroup<T> {
    #[pin]
    group: Opaque<bindings::config_group>,
    parent: *const Group<T>,
}

// SAFETY: What the item in a `SubGroup` stands for is that of the group that it is part of.
unsafe impl<T> Container for SubGroup<T> {
    type Item = T;

    unsafe fn data<'a>(item: *mut bindings::config_item) -> &'a T {
        // SAFETY: By this function's contract the structure is there, and by the type's invariant
        // so is its parent.
        unsafe {
            let group = container_of!(item, bindings::config_group, cg_item);
            let sub = container_of!(Opaque::cast_from(group), Self, group);
            &(*(*sub).parent).data
        }
    }
}

#[pinned_drop]
impl<T> PinnedDrop for SubGroup<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The group was zeroed or initialised, and ends here.
        unsafe { free_name(self.group.get()) };
    }
}

/// A subdirectory and what it stands for.
///
/// # Invariants
///
/// `group` is initialised, and part of a live allocation by `KBox` until its `->release`.
#[pin_data(PinnedDrop)]
pub struct Group<T> {
    #[pin]
    group: Opaque<bindings::config_group>,
    sub_groups: KVec<Pin<KBox<SubGroup<T>>>>,
    #[pin]
    data: T,
}

// SAFETY: The container of an item in a `Group` is that `Group`.
unsafe impl<T> Container for Group<T> {
    type Item = T;

    unsafe fn data<'a>(item: *mut bindings::config_item) -> &'a T {
        // SAFETY: By this function's contract the structure is there, and lives for `'a`.
        unsafe { &(*Self::from_item(item)).data }
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Group<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The group was zeroed or initialised, and ends here.
        unsafe { free_name(self.group.get()) };
    }
}

impl<T> Group<T> {
    const OPERATIONS: bindings::configfs_item_operations = bindings::configfs_item_operations {
        release: Some(Self::release),
        allow_link: None,
        drop_link: None,
    };

    /// The group that `item` is in.
    ///
    /// # Safety
    ///
    /// `item` must be the one in a `Group<T>`.
    unsafe fn from_item(item: *mut bindings::config_item) -> *const Self {
        // SAFETY: By this function's contract the result is in bounds.
        let group = unsafe { container_of!(item, bindings::config_group, cg_item) };
        // SAFETY: As above.
        unsafe { container_of!(Opaque::cast_from(group), Self, group) }
    }

    /// `->release`.
    ///
    /// # Safety
    ///
    /// `item` must be the one in a `Group<T>` that [`Root::make_group`] made, and nobody may use
    /// it afterwards.
    unsafe extern "C" fn release(item: *mut bindings::config_item) {
        // SAFETY: By this function's contract, the pointer is the one that `make_group` got from
        // `KBox::into_raw()`, and it is converted back once.
        drop(unsafe { KBox::from_raw(Self::from_item(item).cast_mut()) });
    }
}

/// The structures of a [`Subsystem`], which C has pointers to.
#[pin_data]
pub struct Root<D: Directory> {
    #[pin]
    subsystem: Opaque<bindings::configfs_subsystem>,
    item_type: Opaque<bindings::config_item_type>,
    child_type: Opaque<bindings::config_item_type>,
    /// Set when the directory is about to go, under `su_mutex`: no more children.
    closing: core::cell::Cell<bool>,
    directory: D,
    _attributes: AttributeArray,
    _child_attributes: AttributeArray,
    /// A type for each of [`Directory::CHILD_GROUPS`], and its files.
    sub_types: KVec<(Opaque<bindings::config_item_type>, AttributeArray)>,
}

// SAFETY: The container of an item in a `Root` is that `Root`.
unsafe impl<D: Directory> Container for Root<D> {
    type Item = D;

    unsafe fn data<'a>(item: *mut bindings::config_item) -> &'a D {
        // SAFETY: By this function's contract, the structure is there, and lives for `'a`.
        unsafe { &(*Self::from_item(item)).directory }
    }
}

impl<D: Directory> Root<D> {
    const GROUP_OPERATIONS: bindings::configfs_group_operations =
        bindings::configfs_group_operations {
            make_item: None,
            make_group: Some(Self::make_group),
            disconnect_notify: None,
            drop_item: Some(Self::drop_item),
            is_visible: None,
            is_bin_visible: None,
        };

    /// The root that `item` is in.
    ///
    /// # Safety
    ///
    /// `item` must be the one in a `Root<D>`.
    unsafe fn from_item(item: *mut bindings::config_item) -> *const Self {
        // SAFETY: By this function's contract the result is in bounds.
        unsafe {
            let group = container_of!(item, bindings::config_group, cg_item);
            let subsystem = container_of!(group, bindings::configfs_subsystem, su_group);
            container_of!(Opaque::cast_from(subsystem), Self, subsystem)
        }
    }

    /// `->make_group`.
    ///
    /// # Safety
    ///
    /// `parent` must be the group in a live `Root<D>` whose `su_mutex` the caller holds; `name`
    /// must be a C string.
    unsafe extern "C" fn make_group(
        parent: *mut bindings::config_group,
        name: *const c_char,
    ) -> *mut bindings::config_group {
        // SAFETY: By this function's contract.
        let root = unsafe { &*Self::from_item(addr_of_mut!((*parent).cg_item)) };
        // SAFETY: By this function's contract.
        let name = unsafe { CStr::from_char_ptr(name) };

        // SAFETY: configfs calls this in process context, with no lock but its own.
        let mut held = unsafe { Held::outermost() };
        match root.new_child(name, &mut held) {
            // C owns the child from here to `Group::release`.
            Ok(child) => {
                // SAFETY: The child stays where it is.
                let child = KBox::into_raw(unsafe { Pin::into_inner_unchecked(child) });
                // SAFETY: The pointer was just made from a box.
                Opaque::cast_into(unsafe { &raw const (*child).group })
            }
            Err(error) => error.to_ptr(),
        }
    }

    /// Makes a child. The caller holds `su_mutex`.
    fn new_child(
        &self,
        name: &CStr,
        held: &mut Held<'_, Process>,
    ) -> Result<Pin<KBox<Group<D::Child>>>> {
        if self.closing.get() {
            return Err(ENOENT);
        }
        let mut child = KBox::pin_init(
            try_pin_init!(Group {
                group <- Opaque::zeroed(),
                sub_groups: KVec::with_capacity(D::CHILD_GROUPS.len(), GFP_KERNEL)?,
                data <- self.directory.make_child(name, held)?,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The group is zeroed and will not move. The type lives as long as the child:
        // see `Subsystem`'s `drop`.
        unsafe { init_group(child.group.get(), name, self.child_type.get()) }?;
        let parent: *const Group<D::Child> = &*child;
        for (group, (sub_type, _)) in D::CHILD_GROUPS.iter().zip(&self.sub_types) {
            let sub = KBox::pin_init(
                pin_init!(SubGroup {
                    group <- Opaque::zeroed(),
                    // INVARIANT: It becomes part of that group below.
                    parent,
                }),
                GFP_KERNEL,
            )?;
            // SAFETY: As above; both groups are ours. (`configfs_add_default_group()`)
            unsafe {
                let raw = sub.group.get();
                init_group(raw, group.name, sub_type.get())?;
                bindings::list_add_tail(
                    addr_of_mut!((*raw).group_entry),
                    addr_of_mut!((*child.group.get()).default_groups),
                );
            }
            // SAFETY: The field is not pinned.
            let sub_groups = unsafe { &mut child.as_mut().get_unchecked_mut().sub_groups };
            sub_groups.push(sub, GFP_KERNEL)?;
        }
        Ok(child)
    }

    /// `->drop_item`.
    ///
    /// # Safety
    ///
    /// `item` must be the one in a `Group<D::Child>` made by [`Self::make_group`], of which
    /// configfs gives up its reference.
    unsafe extern "C" fn drop_item(
        _parent: *mut bindings::config_group,
        item: *mut bindings::config_item,
    ) {
        // SAFETY: By this function's contract the reference keeps the child alive.
        let child = unsafe { Group::<D::Child>::data(item) };
        // SAFETY: configfs calls this in process context, with no lock but its own.
        D::drop_child(child, &mut unsafe { Held::outermost() });
        // SAFETY: As above.
        for sub in unsafe { &(*Group::<D::Child>::from_item(item)).sub_groups } {
            // SAFETY: configfs has given up its references; this one is from the making.
            unsafe { bindings::config_item_put(addr_of_mut!((*sub.group.get()).cg_item)) };
        }
        // SAFETY: By this function's contract the reference is ours to put.
        unsafe { bindings::config_item_put(item) };
    }

    /// The lock that configfs takes to add and remove children.
    fn lock(&self) -> &Mutex<()> {
        // SAFETY: `su_mutex` was initialised by `Subsystem::register` and lives as long as `self`.
        unsafe { Mutex::from_raw(addr_of_mut!((*self.subsystem.get()).su_mutex)) }
    }

    /// Whether there are children. The caller holds the lock.
    fn has_children(&self) -> bool {
        // SAFETY: The list head is initialised, and the lock protects it.
        unsafe {
            let children = addr_of_mut!((*self.subsystem.get()).su_group.cg_children);
            (*children).next != children
        }
    }
}

/// A directory at the top of configfs, until it is dropped.
///
/// # Invariants
///
/// `root` is registered.
pub struct Subsystem<D: Directory> {
    root: ManuallyDrop<Pin<KBox<Root<D>>>>,
}

// SAFETY: C synchronises all access to the structures by locks of its own, and calls the functions
// of `D`, which is `Send` and `Sync`, from any CPU.
unsafe impl<D: Directory> Send for Subsystem<D> {}

// SAFETY: There is nothing to do with a `&Subsystem`.
unsafe impl<D: Directory> Sync for Subsystem<D> {}

impl<D: Directory> Subsystem<D> {
    /// Makes the directory `name`. Users can make subdirectories before the function returns.
    ///
    /// `owner` is pinned by each subdirectory, and must be the module that `D` is part of.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is such a directory, `ENOMEM`.
    pub fn register(name: &'static CStr, owner: &'static ThisModule, directory: D) -> Result<Self> {
        let attributes = AttributeArray::new(D::ATTRIBUTES, owner)?;
        let child_attributes = AttributeArray::new(D::CHILD_ATTRIBUTES, owner)?;
        let mut sub_types = KVec::with_capacity(D::CHILD_GROUPS.len(), GFP_KERNEL)?;
        for group in D::CHILD_GROUPS {
            let attributes = AttributeArray::new(group.attributes, owner)?;
            let sub_type = bindings::config_item_type {
                ct_owner: owner.as_ptr(),
                ct_group_ops: core::ptr::null(),
                ct_item_ops: core::ptr::null(),
                ct_attrs: attributes.as_ptr(),
                ct_bin_attrs: null_mut(),
            };
            sub_types.push((Opaque::new(sub_type), attributes), GFP_KERNEL)?;
        }
        let item_type = bindings::config_item_type {
            ct_owner: owner.as_ptr(),
            ct_group_ops: &Root::<D>::GROUP_OPERATIONS,
            ct_item_ops: core::ptr::null(),
            ct_attrs: attributes.as_ptr(),
            ct_bin_attrs: null_mut(),
        };
        let child_type = bindings::config_item_type {
            ct_owner: owner.as_ptr(),
            ct_group_ops: core::ptr::null(),
            ct_item_ops: &Group::<D::Child>::OPERATIONS,
            ct_attrs: child_attributes.as_ptr(),
            ct_bin_attrs: null_mut(),
        };

        let root = KBox::pin_init(
            pin_init!(Root {
                subsystem <- Opaque::zeroed(),
                item_type: Opaque::new(item_type),
                child_type: Opaque::new(child_type),
                closing: core::cell::Cell::new(false),
                directory,
                _attributes: attributes,
                _child_attributes: child_attributes,
                sub_types,
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: The structure is zeroed, as the functions want it, and will not move; the type
        // lives as long as it does.
        unsafe {
            let subsystem = root.subsystem.get();
            init_group(
                addr_of_mut!((*subsystem).su_group),
                name,
                root.item_type.get(),
            )?;
            bindings::__mutex_init(
                addr_of_mut!((*subsystem).su_mutex),
                c"su_mutex".as_char_ptr(),
                kernel::static_lock_class!().as_ptr(),
            );
        }
        // SAFETY: The subsystem is complete.
        to_result(unsafe { bindings::configfs_register_subsystem(root.subsystem.get()) })?;
        Ok(Self {
            // INVARIANT: It was registered above.
            root: ManuallyDrop::new(root),
        })
    }
}

impl<D: Directory> Drop for Subsystem<D> {
    fn drop(&mut self) {
        {
            let _guard = self.root.lock().lock();
            if self.root.has_children() {
                // Not when the module is unloaded, because each child pins it. `configfs` cannot
                // remove a directory with children, so what they point to has to stay.
                pr_err!("configfs: a directory was given up while it has subdirectories\n");
                return;
            }
            self.root.closing.set(true);
        }
        // SAFETY: By the type's invariant the subsystem is registered. It has no children and
        // gets none.
        unsafe { bindings::configfs_unregister_subsystem(self.root.subsystem.get()) };
        // SAFETY: The field is not used afterwards. Nobody has a pointer to the structures: a
        // `mkdir` or `rmdir` under way ended before the directory was removed.
        unsafe { ManuallyDrop::drop(&mut self.root) };
    }
}
