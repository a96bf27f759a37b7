// SPDX-License-Identifier: GPL-2.0

//! Directories: lookup by name and listing.

use crate::{attributes, errno, inode::INode, label, xattr, FileSystem, INodeRef};
use core::{marker::PhantomData, slice};
use kernel::{bindings, error::from_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// What a directory can do.
///
/// Both are called with the directory's `i_rwsem` held shared, so any number of them may
/// run at a time on one directory, whose inode the caller keeps.
pub trait DirectoryOperations {
    /// The file system whose directories these are.
    type FileSystem: FileSystem;

    /// Finds the inode that `name` (1 to 255 bytes, no `/`) stands for, if any.
    ///
    /// An answer, negative ones included, is kept in the dentry cache: `->lookup` is not
    /// asked again for the same name while it stays there.
    fn lookup<'a>(
        directory: &'a INode<Self::FileSystem>,
        name: &[u8],
    ) -> Result<Option<INodeRef<'a, Self::FileSystem>>>;

    /// Emits the entries from [`DirEmitter::position`] on, `.` and `..` included, until the
    /// emitter is full or the directory ends.
    fn iterate(directory: &INode<Self::FileSystem>, emitter: &mut DirEmitter<'_>) -> Result;
}

/// Takes directory entries to userspace.
pub struct DirEmitter<'a> {
    context: *mut bindings::dir_context,
    _call: PhantomData<&'a mut bindings::dir_context>,
}

impl DirEmitter<'_> {
    /// Where to go on: 0 at first, then what the last entry that was taken gave as `next`,
    /// or whatever userspace made up with `lseek` (0 to 2^63 - 1).
    pub fn position(&self) -> u64 {
        // SAFETY: The context is valid for this value's life.
        let position = unsafe { (*self.context).pos };
        // CAST: `generic_file_llseek` refuses negative positions.
        position as u64
    }

    /// Emits one entry. `next` is the position (below 2^63) that follows it, `file_type`
    /// one of the `DT_` constants.
    ///
    /// Returns false, and leaves the position alone, where userspace's buffer is full.
    #[inline]
    pub fn emit(&mut self, name: &[u8], ino: u64, file_type: u8, next: u64) -> bool {
        let Ok(length) = ffi::c_int::try_from(name.len()) else {
            return false;
        };
        // SAFETY: The context is valid for this value's life, and the name for the call.
        unsafe {
            let taken = helpers::blockyard_dir_emit(
                self.context,
                name.as_ptr().cast(),
                length,
                ino,
                file_type.into(),
            );
            if taken {
                (*self.context).pos = i64::try_from(next).unwrap_or(i64::MAX);
            }
            taken
        }
    }
}

/// The operations of a directory of `T` (`->i_op` and `->i_fop`).
pub struct DirectoryTables<T: FileSystem> {
    pub(crate) inode: &'static bindings::inode_operations,
    pub(crate) file: &'static bindings::file_operations,
    _file_system: PhantomData<fn(T)>,
}

impl<T: FileSystem> DirectoryTables<T> {
    /// The tables that call `O`.
    pub const fn new<O: DirectoryOperations<FileSystem = T>>() -> Self {
        Self {
            inode: &Vtable::<O>::INODE,
            file: &Vtable::<O>::FILE,
            _file_system: PhantomData,
        }
    }
}

struct Vtable<O>(PhantomData<O>);

impl<O: DirectoryOperations> Vtable<O> {
    const INODE: bindings::inode_operations = bindings::inode_operations {
        lookup: Some(Self::lookup),
        getattr: Some(attributes::getattr),
        listxattr: Some(xattr::Vtable::<O::FileSystem>::listxattr),
        get_inode_acl: Some(xattr::Vtable::<O::FileSystem>::get_inode_acl),
        ..pin_init::zeroed()
    };

    const FILE: bindings::file_operations = bindings::file_operations {
        llseek: Some(bindings::generic_file_llseek),
        read: Some(bindings::generic_read_dir),
        iterate_shared: Some(Self::iterate_shared),
        unlocked_ioctl: Some(label::ioctl::<O::FileSystem>),
        compat_ioctl: bindings::compat_ptr_ioctl,
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Called by the VFS with the `i_rwsem` of `dir`, which [`crate::NewINode::init`] gave
    /// this table, held at least shared, and a dentry that is not in use elsewhere.
    unsafe extern "C" fn lookup(
        dir: *mut bindings::inode,
        dentry: *mut bindings::dentry,
        _flags: ffi::c_uint,
    ) -> *mut bindings::dentry {
        // SAFETY: By this function's requirements; nobody renames a dentry during its lookup.
        let (directory, name) = unsafe {
            let name = &(*dentry).__bindgen_anon_1.d_name;
            let length = name.__bindgen_anon_1.__bindgen_anon_1.len;
            (
                INode::<O::FileSystem>::from_raw(dir),
                slice::from_raw_parts(name.name, length as usize),
            )
        };
        let found = if name.len() > bindings::NAME_MAX as usize {
            Err(errno::name_too_long())
        } else {
            O::lookup(directory, name)
        };
        let inode = match found {
            Ok(Some(inode)) => inode.into_raw(),
            Ok(None) => core::ptr::null_mut(),
            Err(error) => return error.to_ptr(),
        };
        // SAFETY: The dentry is the VFS's to be filled in; the inode's count passes on, also
        // where this fails.
        unsafe { bindings::d_splice_alias(inode, dentry) }
    }

    /// # Safety
    ///
    /// Called by the VFS with the `i_rwsem` of the file's inode, which
    /// [`crate::NewINode::init`] gave this table, held at least shared.
    unsafe extern "C" fn iterate_shared(
        file: *mut bindings::file,
        context: *mut bindings::dir_context,
    ) -> ffi::c_int {
        from_result(|| {
            // SAFETY: By this function's requirements; an open file keeps its inode.
            let directory = unsafe { INode::<O::FileSystem>::from_raw((*file).f_inode) };
            let mut emitter = DirEmitter {
                context,
                _call: PhantomData,
            };
            O::iterate(directory, &mut emitter)?;
            Ok(0)
        })
    }
}
