// SPDX-License-Identifier: GPL-2.0

//! File system types: registering one, and mounting it.

use crate::{
    backing::Backing,
    device_cache::DeviceCache,
    export,
    inode::{self, INode, INodeRef, WithData},
    mount::{self, request, Parameter, ShownOptions},
    super_block::{Info, NewSuperBlock, SuperBlock},
    sysfs::{self, Counter},
    xattr::{self, XattrNames, XattrNamespace, XattrValue},
};
use core::{marker::PhantomData, mem::align_of, mem::size_of, ptr::NonNull};
use kernel::{
    bindings,
    error::{from_result, to_result},
    ffi,
    prelude::*,
    types::Opaque,
};
use vfs_bindings as helpers;

/// A read-only file system on a block device, or in a regular file.
pub trait FileSystem: Sized + 'static {
    /// The name for mount(8).
    const NAME: &'static CStr;

    /// `f_type` of statfs(2).
    const MAGIC: u32;

    /// What a mount keeps in memory.
    type Data: Send + Sync + 'static;

    /// What the file system keeps with each inode.
    ///
    /// Copy, for it must not need a destructor: inodes are freed by RCU, where little is
    /// allowed.
    type INodeData: Copy + Send + Sync + 'static;

    /// Reads and checks the superblock.
    ///
    /// # Errors
    ///
    /// `EINVAL` where the device has another file system; `EUCLEAN` where it is damaged.
    fn fill_super(sb: &NewSuperBlock<'_, Self>) -> Result<Self::Data>;

    /// What the options of a mount say; by default what a mount without options wants.
    type Options: Default + Send + 'static;

    /// The options that there are.
    const PARAMETERS: &'static [Parameter<Self::Options>];

    /// The options of a mounted superblock, which a remount starts from.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn options(sb: &SuperBlock<Self>) -> Result<Self::Options>;

    /// Changes what a remount may change. Remounts of one superblock come one at a time.
    ///
    /// # Errors
    ///
    /// `EINVAL` where an option cannot change.
    fn reconfigure(sb: &SuperBlock<Self>, options: &Self::Options) -> Result;

    /// Shows the options that are not the default.
    fn show_options(sb: &SuperBlock<Self>, shown: &mut ShownOptions<'_>);

    /// The numbers that a mounted superblock shows in `/sys/fs/NAME/`.
    const COUNTERS: &'static [Counter<Self>];

    /// Inode number of the root directory.
    const ROOT_INO: u64;

    /// The inode of a number, which may come from a file handle, that is, from anywhere.
    ///
    /// # Errors
    ///
    /// `ESTALE` where there is no such inode.
    fn inode(sb: &SuperBlock<Self>, ino: u64) -> Result<INodeRef<'_, Self>>;

    /// The parent of a directory.
    fn parent(directory: &INode<Self>) -> Result<INodeRef<'_, Self>>;

    /// Gives the value of an extended attribute; `name` is what follows the namespace's prefix,
    /// and empty for an ACL, whose value is as in `posix_acl_xattr.h`.
    ///
    /// # Errors
    ///
    /// `ENODATA` where the inode has no such attribute.
    fn xattr(
        inode: &INode<Self>,
        namespace: XattrNamespace,
        name: &[u8],
        value: &mut XattrValue<'_>,
    ) -> Result;

    /// Names all extended attributes of an inode.
    fn list_xattrs(inode: &INode<Self>, names: &mut XattrNames<'_>) -> Result;

    /// The label, NUL padded or not.
    fn label(sb: &SuperBlock<Self>) -> &[u8];

    /// What statfs(2) tells.
    fn statfs(sb: &SuperBlock<Self>) -> StatFs;
}

/// What statfs(2) tells of a read-only file system: nothing is free.
pub struct StatFs {
    /// Size of a block in bytes, the unit of `blocks`.
    pub block_size: u32,
    /// Size of the file system in blocks.
    pub blocks: u64,
    /// Number of inodes.
    pub files: u64,
    /// Longest name in bytes.
    pub name_max: u32,
    /// A number that tells this file system from others (`f_fsid`).
    pub fsid: u64,
}

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
    inode_cache: InodeCache<T>,
    sysfs: sysfs::Root,
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
                        fs_flags: (bindings::FS_REQUIRES_DEV | bindings::FS_ALLOW_IDMAP)
                            as ffi::c_int,
                        init_fs_context: Some(mount::init_fs_context::<T>),
                        kill_sb: Some(kill_sb::<T>),
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
struct InodeCache<T: FileSystem>(NonNull<bindings::kmem_cache>, PhantomData<fn(T)>);

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
unsafe fn registration<'a, T: FileSystem>(sb: *mut bindings::super_block) -> &'a Registration<T> {
    // SAFETY: `s_type` points into the `Registration` that the superblock's module keeps.
    unsafe {
        let file_system = (*sb).s_type.cast::<Opaque<bindings::file_system_type>>();
        &*kernel::container_of!(file_system, Registration<T>, file_system)
    }
}

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
/// Called through `get_tree` of [`mount`] with a superblock that is ours to fill, on a block device or else
/// with a file in the context.
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
        // SAFETY: By this function's requirements.
        let backing = match NonNull::new(unsafe { (*sb).s_bdev }) {
            Some(bdev) => Backing::Device(bdev),
            None => {
                // SAFETY: As above. A superblock in a file has a level of its own, and a
                // readahead window (`setup_bdev_super` does the latter for devices).
                unsafe {
                    (*sb).s_stack_depth = 1;
                    to_result(bindings::super_setup_bdi(sb))?;
                }
                // SAFETY: As above.
                Backing::File(unsafe { request::<T>(context) }.file.take().ok_or(EINVAL)?)
            }
        };
        // SAFETY: The operations are set. `Info` keeps the cache until `put_super`, or until
        // this function fails; the superblock outlives both.
        let device = unsafe { DeviceCache::new(sb, backing)? };
        let data = T::fill_super(&NewSuperBlock {
            sb,
            context,
            device: &device,
            // SAFETY: By this function's requirements.
            options: &unsafe { request::<T>(context) }.options,
        })?;
        let info = Info::<T> {
            sysfs: KBox::pin_init(sysfs::Directory::new(sb), GFP_KERNEL)?,
            data,
            device,
        };
        let info = KBox::new(info, GFP_KERNEL)?;
        // SAFETY: The superblock is still ours; with `s_fs_info` set it is a `SuperBlock<T>`.
        unsafe { (*sb).s_fs_info = KBox::into_raw(info).cast() };
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
    // SAFETY: By this function's requirements; where set, `s_fs_info` came from a `KBox`, and
    // without inodes nobody can reach it any more.
    unsafe {
        let info = core::mem::replace(&mut (*sb).s_fs_info, core::ptr::null_mut());
        if !info.is_null() {
            drop(KBox::from_raw(info.cast::<Info<T>>()));
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
unsafe extern "C" fn kill_sb<T: FileSystem>(sb: *mut bindings::super_block) {
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
        inode::allocate::<T::INodeData>(sb, cache.0.as_ptr())
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
