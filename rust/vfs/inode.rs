// SPDX-License-Identifier: GPL-2.0

//! Inodes: finding, filling and borrowing them.

use crate::{
    attributes, directory::DirectoryTables, errno, file::FileTables, super_block::SuperBlock,
    FileSystem,
};
use core::{
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::Deref,
    ptr::NonNull,
};
use kernel::{bindings, ffi, prelude::*, types::Opaque};
use vfs_bindings as helpers;

/// What the inode cache of a [`FileSystem`] holds: its data, then C's inode.
#[repr(C)]
pub(crate) struct WithData<D> {
    data: MaybeUninit<D>,
    inode: Opaque<bindings::inode>,
}

/// An inode of `T` that is initialised: never `I_NEW`, its data in place.
///
/// # Invariants
///
/// It is the `inode` of a [`WithData<T::INodeData>`] whose data was written by
/// [`NewINode::init`], on a superblock of `T`. Nothing but the VFS changes it.
#[repr(transparent)]
pub struct INode<T: FileSystem>(Opaque<bindings::inode>, PhantomData<fn(T)>);

// SAFETY: What `&INode` gives access to is written before it is shared, or synchronised by
// the VFS; `T::INodeData` is Sync.
unsafe impl<T: FileSystem> Sync for INode<T> {}

impl<T: FileSystem> INode<T> {
    /// # Safety
    ///
    /// `inode` is as the type's invariants say, and stays valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(inode: *mut bindings::inode) -> &'a Self {
        // SAFETY: By this function's requirements; the type is transparent over C's.
        unsafe { &*inode.cast() }
    }

    /// The inode number.
    #[inline]
    pub fn ino(&self) -> u64 {
        // SAFETY: Valid by the type's invariants; the number never changes.
        unsafe { (*self.0.get()).i_ino }
    }

    /// The size of the file in bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        // SAFETY: Valid by the type's invariants; a read-only file's size never changes.
        let size = unsafe { (*self.0.get()).i_size };
        // CAST: `NewINode::init` refuses sizes that i64 cannot hold.
        size as u64
    }

    /// What [`NewINode::init`] was given.
    #[inline]
    pub fn data(&self) -> &T::INodeData {
        // SAFETY: By the type's invariants the inode is in a `WithData` whose data was
        // written before the inode was shared, and that lives as long as the inode.
        unsafe {
            let this = kernel::container_of!(
                self.0.get().cast::<Opaque<bindings::inode>>(),
                WithData<T::INodeData>,
                inode
            );
            (*this).data.assume_init_ref()
        }
    }

    /// The superblock the inode is on.
    #[inline]
    pub fn super_block(&self) -> &SuperBlock<T> {
        // SAFETY: An initialised inode is on a superblock of `T` whose data is set, and that
        // outlives it.
        unsafe { SuperBlock::from_raw((*self.0.get()).i_sb) }
    }
}

/// A reference to an inode that is counted (`ihold`, `iput`).
///
/// It borrows from the superblock, so that it cannot outlive an unmount.
///
/// # Invariants
///
/// One count of the inode is ours.
pub struct INodeRef<'sb, T: FileSystem> {
    inode: NonNull<bindings::inode>,
    _super_block: PhantomData<&'sb SuperBlock<T>>,
}

impl<T: FileSystem> INodeRef<'_, T> {
    /// Hands the count to the caller.
    pub(crate) fn into_raw(self) -> *mut bindings::inode {
        ManuallyDrop::new(self).inode.as_ptr()
    }
}

impl<T: FileSystem> Deref for INodeRef<'_, T> {
    type Target = INode<T>;

    fn deref(&self) -> &INode<T> {
        // SAFETY: Only initialised inodes get an `INodeRef`, and our count keeps it.
        unsafe { INode::from_raw(self.inode.as_ptr()) }
    }
}

impl<T: FileSystem> Drop for INodeRef<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the count is ours. May sleep, as all of this
        // crate's callers may.
        unsafe { bindings::iput(self.inode.as_ptr()) };
    }
}

/// What [`SuperBlock::iget`] found.
pub enum Iget<'sb, T: FileSystem> {
    /// The inode was in the inode cache.
    Cached(INodeRef<'sb, T>),
    /// It was not, and is to be initialised.
    New(NewINode<'sb, T>),
}

/// A point in time.
#[derive(Clone, Copy)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds, below 10^9.
    pub nanoseconds: u32,
}

/// The attributes of an inode. There are no defaults, so that none is forgotten.
#[derive(Clone, Copy)]
pub struct Attributes {
    /// The permission bits (`07777`); the type comes from the [`Kind`].
    pub permissions: u16,
    /// Number of hard links, at least 1.
    pub nlink: u32,
    /// Owner, as the file system's user namespace numbers it.
    pub uid: u32,
    /// Group, likewise.
    pub gid: u32,
    /// Size in bytes, below 2^63.
    pub size: u64,
    /// Space used, in units of 512 bytes (`st_blocks`).
    pub blocks: u64,
    /// Time of the last change of the contents; also shown as atime and ctime.
    pub mtime: Time,
    /// Whether there may be an ACL. Without one permission checks need not ask for it.
    pub may_have_acl: bool,
}

/// What an inode is, with the operations that go with it.
pub enum Kind<T: FileSystem> {
    /// A directory.
    Directory(DirectoryTables<T>),
    /// A regular file read through the page cache.
    Regular(FileTables<T>),
    /// A symbolic link, with its target.
    Symlink(Target),
    /// A character device (major 0 to 4095, minor 0 to 2^20 - 1).
    CharDevice(u32, u32),
    /// A block device, likewise.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
}

/// The target of a symbolic link, as `inode->i_link` wants it.
pub struct Target(KVec<u8>);

impl Target {
    /// Copies a target.
    ///
    /// # Errors
    ///
    /// As [`Target::from_vec`]'s.
    pub fn new(target: &[u8]) -> Result<Self> {
        let mut copy = KVec::with_capacity(target.len() + 1, GFP_KERNEL)?;
        copy.extend_from_slice(target, GFP_KERNEL)?;
        Self::from_vec(copy)
    }

    /// Takes a target, with room for one more byte where there is to be no allocation.
    ///
    /// # Errors
    ///
    /// `EUCLEAN` where it is empty, has a NUL byte, or does not fit `PATH_MAX`; `ENOMEM`.
    pub fn from_vec(mut target: KVec<u8>) -> Result<Self> {
        if target.is_empty() || target.len() >= bindings::PATH_MAX as usize || target.contains(&0) {
            return Err(errno::corrupted());
        }
        target.push(0, GFP_KERNEL)?;
        Ok(Self(target))
    }
}

/// An inode that was just put into the inode cache and is to be initialised.
///
/// Others who look for it wait until [`NewINode::init`] has consumed this value. Dropping
/// it takes the inode out of the cache again (`iget_failed`).
///
/// # Invariants
///
/// The inode is `I_NEW`, and that flag and one count are ours.
pub struct NewINode<'sb, T: FileSystem> {
    inode: NonNull<bindings::inode>,
    _super_block: PhantomData<&'sb SuperBlock<T>>,
}

impl<'sb, T: FileSystem> NewINode<'sb, T> {
    /// The number it was asked for by.
    pub fn ino(&self) -> u64 {
        // SAFETY: Valid by the type's invariants.
        unsafe { (*self.inode.as_ptr()).i_ino }
    }

    /// Fills the inode in and lets others have it.
    ///
    /// # Errors
    ///
    /// `EUCLEAN` where an attribute is out of its range, or the owner has no place in the
    /// mount's user namespace.
    pub fn init(
        self,
        kind: Kind<T>,
        attributes: &Attributes,
        data: T::INodeData,
    ) -> Result<INodeRef<'sb, T>> {
        let size = i64::try_from(attributes.size).map_err(|_| errno::corrupted())?;
        if attributes.nlink == 0
            || attributes.permissions & !0o7777 != 0
            || attributes.mtime.nanoseconds >= 1_000_000_000
        {
            return Err(errno::corrupted());
        }
        let inode = self.inode.as_ptr();
        // SAFETY: The inode is valid and, being I_NEW, written by us alone. Its superblock's
        // user namespace is set for the superblock's life.
        unsafe {
            let user_ns = (*(*inode).i_sb).s_user_ns;
            let uid = bindings::make_kuid(user_ns, attributes.uid);
            let gid = bindings::make_kgid(user_ns, attributes.gid);
            if uid.val == u32::MAX || gid.val == u32::MAX {
                return Err(errno::corrupted());
            }
            (*inode).i_uid = uid;
            (*inode).i_gid = gid;
            bindings::set_nlink(inode, attributes.nlink);
            (*inode).i_size = size;
            (*inode).i_blocks = attributes.blocks;
            let Time {
                seconds,
                nanoseconds,
            } = attributes.mtime;
            (*inode).i_mtime_sec = seconds;
            (*inode).i_mtime_nsec = nanoseconds;
            (*inode).i_atime_sec = seconds;
            (*inode).i_atime_nsec = nanoseconds;
            (*inode).i_ctime_sec = seconds;
            (*inode).i_ctime_nsec = nanoseconds;
            if !attributes.may_have_acl {
                // C: `cache_no_acl`.
                (*inode).i_acl = core::ptr::null_mut();
                (*inode).i_default_acl = core::ptr::null_mut();
            }
        }
        // SAFETY: As above; the tables are static, and made for inodes of `T`.
        unsafe { set_kind(inode, kind, attributes.permissions) };
        // SAFETY: Every inode of a superblock of `T` is in a `WithData`, and its data is ours
        // to write while I_NEW is set. It has no destructor (Copy).
        unsafe {
            let container = kernel::container_of!(
                inode.cast::<Opaque<bindings::inode>>(),
                WithData<T::INodeData>,
                inode
            );
            (*container).data.write(data);
            bindings::unlock_new_inode(inode);
        }
        // INVARIANT: I_NEW is cleared; our count passes on.
        Ok(INodeRef {
            inode: ManuallyDrop::new(self).inode,
            _super_block: PhantomData,
        })
    }
}

impl<T: FileSystem> Drop for NewINode<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the inode is I_NEW and its flag and count are ours.
        unsafe { bindings::iget_failed(self.inode.as_ptr()) };
    }
}

/// Sets the mode and the operations of a new inode.
///
/// # Safety
///
/// `inode` is a valid inode of `T` that is I_NEW.
unsafe fn set_kind<T: FileSystem>(inode: *mut bindings::inode, kind: Kind<T>, permissions: u16) {
    let special = |file_type: u32, device: bindings::dev_t| {
        // CAST: Every S_IF constant fits in 16 bits.
        let mode = file_type as u16 | permissions;
        // SAFETY: By this function's requirements.
        unsafe {
            (*inode).i_mode = mode;
            (*inode).i_op = &attributes::Vtable::<T>::SPECIAL;
            bindings::init_special_inode(inode, mode, device);
        }
    };
    let device = |major: u32, minor: u32| (major << 20) | (minor & ((1 << 20) - 1));
    // SAFETY: By this function's requirements, and the tables are static.
    unsafe {
        match kind {
            Kind::Directory(tables) => {
                (*inode).i_mode = bindings::S_IFDIR as u16 | permissions;
                (*inode).i_op = tables.inode;
                (*inode).__bindgen_anon_3.i_fop = tables.file;
            }
            Kind::Regular(tables) => {
                (*inode).i_mode = bindings::S_IFREG as u16 | permissions;
                (*inode).i_op = tables.inode;
                (*inode).__bindgen_anon_3.i_fop = tables.file;
                (*(*inode).i_mapping).a_ops = tables.address_space;
                helpers::blockyard_mapping_set_folio_min_order(
                    (*inode).i_mapping,
                    min_folio_order((*inode).i_size),
                );
            }
            Kind::Symlink(target) => {
                (*inode).i_mode = bindings::S_IFLNK as u16 | permissions;
                (*inode).i_op = &attributes::Vtable::<T>::SYMLINK;
                // `free_inode` frees it, after the grace period that path walks rely on.
                let (target, _, _) = target.0.into_raw_parts();
                (*inode).__bindgen_anon_5.i_link = target.cast();
            }
            Kind::CharDevice(major, minor) => special(bindings::S_IFCHR, device(major, minor)),
            Kind::BlockDevice(major, minor) => special(bindings::S_IFBLK, device(major, minor)),
            Kind::Fifo => special(bindings::S_IFIFO, 0),
            Kind::Socket => special(bindings::S_IFSOCK, 0),
        }
    }
}

/// The smallest order of folios for a file of `size` bytes: as large as wastes no more than
/// an eighth of the file's pages past its end, and no larger than what the page allocator
/// gives without failing (`PAGE_ALLOC_COSTLY_ORDER`).
///
/// Readahead starts with folios of the smallest order, and most files are read in one go:
/// each doubling halves the allocations and page cache insertions. Of a large file, which may be
/// read here and there, a page is read alone; readahead comes to large folios by itself.
fn min_folio_order(size: i64) -> u32 {
    const READ_IN_ONE_GO: i64 = 16 << 20;
    if size > READ_IN_ONE_GO {
        return 0;
    }
    let pages = (size as u64).div_ceil(kernel::page::PAGE_SIZE as u64);
    (1..=bindings::PAGE_ALLOC_COSTLY_ORDER)
        .rev()
        .find(|order| {
            let waste = pages.next_multiple_of(1 << order) - pages;
            pages >= 1 << order && waste <= pages / 8
        })
        .unwrap_or(0)
}

impl<T: FileSystem> SuperBlock<T> {
    /// Finds inode number `ino` in the inode cache, or makes a new one there.
    ///
    /// Waits for another task that is initialising the same inode.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn iget(&self, ino: u64) -> Result<Iget<'_, T>> {
        // SAFETY: The superblock is valid.
        let inode = unsafe { bindings::iget_locked(self.as_ptr(), ino) };
        let inode = NonNull::new(inode).ok_or(ENOMEM)?;
        // SAFETY: `iget_locked` returns a valid inode with a count; I_NEW, which only its
        // creator ever clears, is set where we created it (C: `inode_state_read_once`).
        let state = unsafe { (&raw const (*inode.as_ptr()).i_state.__state).read_volatile() };
        if state & bindings::inode_state_flags_enum_I_NEW != 0 {
            // INVARIANT: The flag is set, hence ours, and so is the count.
            return Ok(Iget::New(NewINode {
                inode,
                _super_block: PhantomData,
            }));
        }
        // INVARIANT: `iget_locked` waited for I_NEW to be cleared, which `NewINode::init` does;
        // one that failed is unhashed and never returned. The count is ours.
        Ok(Iget::Cached(INodeRef {
            inode,
            _super_block: PhantomData,
        }))
    }
}

/// The slab constructor: once for each object, before it is first used.
///
/// # Safety
///
/// `object` points to the memory of a [`WithData<D>`].
pub(crate) unsafe extern "C" fn construct<D>(object: *mut ffi::c_void) {
    // SAFETY: By this function's requirements.
    unsafe {
        let inode = &raw mut (*object.cast::<WithData<D>>()).inode;
        bindings::inode_init_once(inode.cast());
    }
}

/// Allocates an inode from `cache`.
///
/// # Safety
///
/// `sb` is valid and `cache` holds objects of [`WithData<D>`].
pub(crate) unsafe fn allocate<D>(
    sb: *mut bindings::super_block,
    cache: *mut bindings::kmem_cache,
) -> *mut bindings::inode {
    // SAFETY: By this function's requirements.
    let object = unsafe { helpers::blockyard_alloc_inode_sb(sb, cache) };
    match NonNull::new(object.cast::<WithData<D>>()) {
        // SAFETY: The object is a `WithData`, whose inode `construct` prepared.
        Some(object) => unsafe { (&raw mut (*object.as_ptr()).inode).cast() },
        None => core::ptr::null_mut(),
    }
}

/// Frees an inode, and its link target, after the last RCU reader is gone.
///
/// # Safety
///
/// `inode` came from [`allocate`] with the same `D`, and is used by nobody.
pub(crate) unsafe fn free<D>(inode: *mut bindings::inode) {
    // SAFETY: By this function's requirements. The superblock may be gone by now, and with it
    // the way to the inode's cache; `kfree` finds it from the object. `i_link` shares its place with fields that
    // devices and pipes use, so it is a target only where the inode is a symbolic link; it
    // was allocated with kmalloc by `Target`, or is null where initialising failed.
    unsafe {
        if u32::from((*inode).i_mode) & bindings::S_IFMT == bindings::S_IFLNK {
            bindings::kfree((*inode).__bindgen_anon_5.i_link.cast());
        }
        let container =
            kernel::container_of!(inode.cast::<Opaque<bindings::inode>>(), WithData<D>, inode);
        bindings::kfree(container.cast());
    }
}
