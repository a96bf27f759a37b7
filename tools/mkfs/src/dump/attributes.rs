// SPDX-License-Identifier: GPL-2.0

//! Giving a file that was made the attributes that the image has for it.

use std::os::fd::{AsRawFd, BorrowedFd};

use layout::{Inode, S_IFMT};
use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, UTIME_OMIT};
use rustix::io::{Errno, Result};

use crate::tar::Xattr;

/// Set-user-id and set-group-id.
const SET_IDS: u16 = 0o6000;

/// How many attributes could not be given to files. Only root may do all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Number of device files.
    pub devices: u64,
    /// Number of files that belong to somebody else now.
    pub owners: u64,
    /// Number of files that have lost set-user-id or set-group-id because of that.
    pub set_ids: u64,
    /// Number of extended attributes and access control lists.
    pub xattrs: u64,
}

impl LeftOut {
    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A file that was just made.
pub enum Target<'a> {
    /// A regular file or directory, open.
    Open(BorrowedFd<'a>),
    /// Another file, by its directory and its name there.
    Named(BorrowedFd<'a>, &'a [u8]),
}

impl Target<'_> {
    /// Sets owner, permissions, extended attributes and time, in the order in which none undoes
    /// another.
    ///
    /// # Errors
    ///
    /// What is not for lack of permission or support; that is counted.
    pub fn set(&self, inode: &Inode, xattrs: &[Xattr], left_out: &mut LeftOut) -> Result<()> {
        let has_owner = self.set_owner(inode)?;
        let mut permissions = inode.mode & !S_IFMT;
        if !has_owner {
            count(&mut left_out.owners);
            if permissions & SET_IDS != 0 {
                // These bits of one user would be a gift to all others when they become another's.
                count(&mut left_out.set_ids);
                permissions &= !SET_IDS;
            }
        }
        for xattr in xattrs {
            match self.set_xattr(xattr) {
                Ok(()) => {}
                Err(error) if is_lack(error) => count(&mut left_out.xattrs),
                Err(error) => return Err(error),
            }
        }
        // Only now: extended attributes need the permission to write. An access control list has
        // changed the permissions of the group to its mask, which are the same.
        if let Self::Open(file) = self {
            rustix::fs::fchmod(file, Mode::from_raw_mode(permissions.into()))?;
        }
        self.set_time(inode)
    }

    /// Sets the owner; returns whether the file has it.
    fn set_owner(&self, inode: &Inode) -> Result<bool> {
        let owner = Some(Uid::from_raw(inode.uid));
        let group = Some(Gid::from_raw(inode.gid));
        let result = match self {
            Self::Open(file) => rustix::fs::fchown(file, owner, group),
            Self::Named(directory, name) => {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                rustix::fs::chownat(directory, *name, owner, group, flags)
            }
        };
        match result {
            Ok(()) => Ok(true),
            // The latter in a user namespace without this number.
            Err(Errno::PERM | Errno::INVAL) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn set_xattr(&self, xattr: &Xattr) -> Result<()> {
        let (name, flags) = (xattr.full_name(), XattrFlags::empty());
        match self {
            Self::Open(file) => rustix::fs::fsetxattr(file, name, &xattr.value, flags),
            Self::Named(directory, file) => {
                // No system call takes a directory and a name.
                let directory = format!("/proc/self/fd/{}/", directory.as_raw_fd());
                let path = [directory.as_bytes(), file].concat();
                rustix::fs::lsetxattr(path, name, &xattr.value, flags)
            }
        }
    }

    fn set_time(&self, inode: &Inode) -> Result<()> {
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: inode.mtime_sec,
                tv_nsec: inode.mtime_nsec.into(),
            },
        };
        match self {
            Self::Open(file) => rustix::fs::futimens(file, &times),
            Self::Named(directory, name) => {
                rustix::fs::utimensat(directory, *name, &times, AtFlags::SYMLINK_NOFOLLOW)
            }
        }
    }
}

/// Whether setting an extended attribute failed for lack of permission, of such attributes in the
/// file system, of its room for them, or of `/proc`.
fn is_lack(error: Errno) -> bool {
    [
        Errno::PERM,
        Errno::ACCESS,
        Errno::NOTSUP,
        Errno::INVAL,
        Errno::NOSPC,
        Errno::TOOBIG,
        Errno::NOENT,
    ]
    .contains(&error)
}

fn count(number: &mut u64) {
    *number = number.saturating_add(1);
}
