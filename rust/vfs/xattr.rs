// SPDX-License-Identifier: GPL-2.0

//! Extended attributes (`struct xattr_handler`, `->listxattr`) and POSIX ACLs (`->get_inode_acl`).

use crate::{errno, inode::INode, FileSystem};
use core::marker::PhantomData;
use kernel::{bindings, error::from_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// What an attribute's name begins with, and who gives it a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XattrNamespace {
    /// `user.`: for everybody who may read the file.
    User,
    /// `trusted.`: for tasks with `CAP_SYS_ADMIN`.
    Trusted,
    /// `security.`: for security modules.
    Security,
    /// The whole name is `system.posix_acl_access`.
    AccessAcl,
    /// The whole name is `system.posix_acl_default`.
    DefaultAcl,
}

impl XattrNamespace {
    /// What the namespace's names begin with; all of the name of an ACL.
    fn prefix(self) -> &'static CStr {
        match self {
            Self::User => c"user.",
            Self::Trusted => c"trusted.",
            Self::Security => c"security.",
            Self::AccessAcl => c"system.posix_acl_access",
            Self::DefaultAcl => c"system.posix_acl_default",
        }
    }
}

/// Where bytes for getxattr(2) and listxattr(2) go. Without room it only counts them.
struct Output<'a> {
    buffer: *mut u8,
    /// Size of the buffer in bytes; 0: there is none, and the caller asks how many bytes there are.
    size: usize,
    used: usize,
    _call: PhantomData<&'a mut u8>,
}

impl Output<'_> {
    fn only_counts(&self) -> bool {
        self.size == 0
    }

    fn write(&mut self, bytes: &[u8]) -> Result {
        let end = self.used.checked_add(bytes.len()).ok_or(ERANGE)?;
        if !self.only_counts() {
            if end > self.size {
                return Err(ERANGE);
            }
            // SAFETY: The VFS's buffer has `size` bytes for the time of the call, and
            // `used + bytes.len()` is no more. It is not where the file system's data is.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    bytes.as_ptr(),
                    self.buffer.add(self.used),
                    bytes.len(),
                );
            }
        }
        self.used = end;
        Ok(())
    }
}

/// Takes the value of an attribute.
pub struct XattrValue<'a>(Output<'a>);

impl XattrValue<'_> {
    /// Says how long the value is. Where this returns false, nobody wants the bytes.
    ///
    /// # Errors
    ///
    /// `ERANGE` where the caller's buffer is too small.
    pub fn begin(&mut self, length: usize) -> Result<bool> {
        if self.0.only_counts() {
            self.0.used = length;
            return Ok(false);
        }
        if length > self.0.size {
            return Err(ERANGE);
        }
        Ok(true)
    }

    /// Adds bytes to the value.
    ///
    /// # Errors
    ///
    /// `ERANGE` where there are more than the caller's buffer holds.
    pub fn write(&mut self, bytes: &[u8]) -> Result {
        self.0.write(bytes)
    }
}

/// Takes the names of an inode's attributes.
pub struct XattrNames<'a>(Output<'a>);

impl XattrNames<'_> {
    /// Adds a name; `name` is what follows the namespace's prefix, and empty for an ACL.
    ///
    /// Names that the caller must not see are left out.
    ///
    /// # Errors
    ///
    /// `ERANGE` where the caller's buffer is full.
    pub fn add(&mut self, namespace: XattrNamespace, name: &[u8]) -> Result {
        if namespace == XattrNamespace::Trusted && !sees_trusted() {
            return Ok(());
        }
        self.0.write(namespace.prefix().to_bytes())?;
        self.0.write(name)?;
        self.0.write(&[0])
    }
}

/// Whether the current task sees `trusted.` attributes, as `simple_xattr_list` decides it.
fn sees_trusted() -> bool {
    // CAST: A capability's number is small.
    const ADMIN: ffi::c_int = bindings::CAP_SYS_ADMIN as ffi::c_int;
    // SAFETY: The namespace is the kernel's own.
    unsafe { bindings::ns_capable_noaudit(&raw mut bindings::init_user_ns, ADMIN) }
}

/// The operations of `T`.
pub(crate) struct Vtable<T>(PhantomData<T>);

impl<T: FileSystem> Vtable<T> {
    const USER: bindings::xattr_handler = Self::handler(c"user.", 0);
    const TRUSTED: bindings::xattr_handler = Self::handler(c"trusted.", 1);
    const SECURITY: bindings::xattr_handler = Self::handler(c"security.", 2);

    /// For `s_xattr`. ACLs go through [`Self::get_inode_acl`].
    pub(crate) const HANDLERS: &'static [*const bindings::xattr_handler; 4] = &[
        &Self::USER,
        &Self::TRUSTED,
        &Self::SECURITY,
        core::ptr::null(),
    ];

    const fn handler(prefix: &'static CStr, flags: ffi::c_int) -> bindings::xattr_handler {
        bindings::xattr_handler {
            prefix: prefix.to_bytes_with_nul().as_ptr().cast(),
            flags,
            get: Some(Self::get),
            ..pin_init::zeroed()
        }
    }

    /// # Safety
    ///
    /// As `->get` of one of our handlers, for an inode of `T`.
    unsafe extern "C" fn get(
        handler: *const bindings::xattr_handler,
        _dentry: *mut bindings::dentry,
        inode: *mut bindings::inode,
        name: *const ffi::c_char,
        buffer: *mut ffi::c_void,
        size: usize,
    ) -> ffi::c_int {
        from_result(|| {
            // SAFETY: By this function's requirements.
            let (inode, name, flags) = unsafe {
                (
                    INode::<T>::from_raw(inode),
                    CStr::from_char_ptr(name),
                    (*handler).flags,
                )
            };
            let namespace = match flags {
                0 => XattrNamespace::User,
                1 => XattrNamespace::Trusted,
                _ => XattrNamespace::Security,
            };
            let mut value = XattrValue(Output {
                buffer: buffer.cast(),
                size,
                used: 0,
                _call: PhantomData,
            });
            T::xattr(inode, namespace, name.to_bytes(), &mut value)?;
            ffi::c_int::try_from(value.0.used).map_err(|_| ERANGE)
        })
    }

    /// # Safety
    ///
    /// As `->listxattr`, for an inode of `T`.
    pub(crate) unsafe extern "C" fn listxattr(
        dentry: *mut bindings::dentry,
        buffer: *mut ffi::c_char,
        size: usize,
    ) -> isize {
        from_result(|| {
            // SAFETY: By this function's requirements; the dentry is positive.
            let inode = unsafe { INode::<T>::from_raw((*dentry).d_inode) };
            let mut names = XattrNames(Output {
                buffer: buffer.cast(),
                size,
                used: 0,
                _call: PhantomData,
            });
            T::list_xattrs(inode, &mut names)?;
            isize::try_from(names.0.used).map_err(|_| ERANGE)
        })
    }

    /// # Safety
    ///
    /// As `->get_inode_acl`, for an inode of `T`.
    pub(crate) unsafe extern "C" fn get_inode_acl(
        inode: *mut bindings::inode,
        acl_type: ffi::c_int,
        rcu: bool,
    ) -> *mut bindings::posix_acl {
        if rcu {
            // The walk is to come back where it may sleep.
            // CAST: Error numbers are below 4096.
            return Error::from_errno(-(bindings::ECHILD as i32)).to_ptr();
        }
        // CAST: Either type is small.
        let namespace = if acl_type == helpers::ACL_TYPE_ACCESS as ffi::c_int {
            XattrNamespace::AccessAcl
        } else {
            XattrNamespace::DefaultAcl
        };
        // SAFETY: By this function's requirements.
        match acl_value(unsafe { INode::<T>::from_raw(inode) }, namespace) {
            // SAFETY: The value has that many bytes, and the superblock its user namespace; C
            // checks the value.
            Ok(Some(value)) => unsafe {
                helpers::posix_acl_from_xattr(
                    (*(*inode).i_sb).s_user_ns,
                    value.as_ptr().cast(),
                    value.len(),
                )
            },
            Ok(None) => core::ptr::null_mut(),
            Err(error) => error.to_ptr(),
        }
    }
}

/// The value of an ACL attribute, if the inode has it.
fn acl_value<T: FileSystem>(
    inode: &INode<T>,
    namespace: XattrNamespace,
) -> Result<Option<KVVec<u8>>> {
    let mut buffer = KVVec::new();
    let mut size = 0;
    // Once to know the length, once for the value.
    loop {
        let mut value = XattrValue(Output {
            buffer: buffer.as_mut_ptr(),
            size,
            used: 0,
            _call: PhantomData,
        });
        match T::xattr(inode, namespace, b"", &mut value) {
            Err(error) if error == errno::no_data() => return Ok(None),
            found => found?,
        }
        let length = value.0.used;
        if length == size {
            return Ok(Some(buffer));
        }
        buffer.resize(length, 0, GFP_KERNEL)?;
        size = length;
    }
}
