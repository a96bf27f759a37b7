// SPDX-License-Identifier: GPL-2.0

//! What the author of a file system implements.

#[cfg(doc)]
use crate::store::{Devices, NoDevice};
use crate::{
    errno,
    inode::{INode, INodeRef},
    mount::{Parameter, ShownOptions},
    store::Store,
    super_block::{NewSuperBlock, SuperBlock},
    sysfs::Counter,
    xattr::{XattrNames, XattrNamespace, XattrValue},
};
use kernel::{prelude::*, str::CString};

/// A read-only file system.
pub trait FileSystem: Sized + 'static {
    /// The name for mount(8).
    const NAME: &'static CStr;

    /// `f_type` of statfs(2).
    const MAGIC: u32;

    /// What it is on: [`Devices`] or [`NoDevice`].
    type Store: Store;

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

    /// The options that there are; by default none.
    const PARAMETERS: &'static [Parameter<Self::Options>] = &[];

    /// The paths of devices and files that the options name, which are opened in the mounter's name
    /// and are [`SuperBlock::extra_devices`].
    fn extra_devices(_options: &Self::Options) -> &[CString] {
        &[]
    }

    /// The options of a mounted superblock, which a remount starts from.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    fn options(_sb: &SuperBlock<Self>) -> Result<Self::Options> {
        Ok(Self::Options::default())
    }

    /// Changes what a remount may change. Remounts of one superblock come one at a time.
    ///
    /// # Errors
    ///
    /// `EINVAL` where an option cannot change.
    fn reconfigure(_sb: &SuperBlock<Self>, _options: &Self::Options) -> Result {
        Ok(())
    }

    /// Shows the options that are not the default.
    fn show_options(_sb: &SuperBlock<Self>, _shown: &mut ShownOptions<'_>) {}

    /// The numbers that a mounted superblock shows in `/sys/fs/NAME/`; by default none.
    const COUNTERS: &'static [Counter<Self>] = &[];

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
    /// and empty for an ACL, whose value is as in `posix_acl_xattr.h`. By default there are none.
    ///
    /// # Errors
    ///
    /// `ENODATA` where the inode has no such attribute.
    fn xattr(
        _inode: &INode<Self>,
        _namespace: XattrNamespace,
        _name: &[u8],
        _value: &mut XattrValue<'_>,
    ) -> Result {
        Err(errno::no_data())
    }

    /// Names all extended attributes of an inode.
    fn list_xattrs(_inode: &INode<Self>, _names: &mut XattrNames<'_>) -> Result {
        Ok(())
    }

    /// The label, NUL padded or not; by default empty.
    fn label(_sb: &SuperBlock<Self>) -> &[u8] {
        b""
    }

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
