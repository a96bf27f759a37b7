// SPDX-License-Identifier: GPL-2.0

//! What a superblock reads from: a block device, or a regular file without a loop device.

use crate::{bio::SECTOR_SIZE, store::DirectIo};
use core::ptr::NonNull;
use kernel::{bindings, error::from_err_ptr, ffi, prelude::*};
use vfs_bindings as helpers;

/// An open file: a regular one that a superblock is on, or a device's.
///
/// # Invariants
///
/// We own a reference to the file, which is open for reading.
pub(crate) struct OpenFile(NonNull<bindings::file>);

// SAFETY: A file reference belongs to no task.
unsafe impl Send for OpenFile {}
// SAFETY: Files may be read by many tasks at a time; no position of the file's own is used.
unsafe impl Sync for OpenFile {}

impl OpenFile {
    /// Opens `path`, as the current task may.
    ///
    /// # Errors
    ///
    /// `ENOTBLK` where it is neither a block device nor a regular file, or on a file system that
    /// itself is on another: each level takes its share of the kernel's stack.
    ///
    pub(crate) fn open(path: &CStr) -> Result<Self> {
        // CAST: Flag bits; O_RDONLY is 0.
        let flags = bindings::O_LARGEFILE as ffi::c_int;
        // SAFETY: The path is a C string.
        let file = from_err_ptr(unsafe { bindings::filp_open(path.as_char_ptr(), flags, 0) })?;
        // SAFETY: `filp_open` returned a reference. INVARIANT: It is ours now.
        let file = Self(unsafe { NonNull::new_unchecked(file) });
        // SAFETY: An open file keeps its inode, and that its superblock.
        let (mode, depth) = unsafe {
            let inode = (*file.as_ptr()).f_inode;
            (u32::from((*inode).i_mode), (*(*inode).i_sb).s_stack_depth)
        };
        if mode & bindings::S_IFMT != bindings::S_IFREG || depth != 0 {
            // CAST: Error numbers are below 4096.
            return Err(Error::from_errno(-(bindings::ENOTBLK as i32)));
        }
        Ok(file)
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }

    /// Size in bytes.
    fn size(&self) -> u64 {
        // SAFETY: An open file keeps its inode. C: `i_size_read`, which on 64 bits is one load.
        let size = unsafe { (&raw const (*(*self.as_ptr()).f_inode).i_size).read_volatile() };
        u64::try_from(size).unwrap_or(0)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the reference is ours.
        unsafe { bindings::fput(self.as_ptr()) };
    }
}

/// What a superblock reads from.
pub(crate) enum Backing {
    /// A block device, which the superblock keeps open (`s_bdev`), or else a file of our own.
    Device {
        bdev: NonNull<bindings::block_device>,
        _file: Option<OpenFile>,
    },
    /// A regular file.
    File(OpenFile),
}

// SAFETY: An open device belongs to no task.
unsafe impl Send for Backing {}
// SAFETY: As above; reading a device needs no exclusion.
unsafe impl Sync for Backing {}

impl Backing {
    /// The device that the superblock keeps open (`s_bdev`).
    pub(crate) fn of_superblock(bdev: NonNull<bindings::block_device>) -> Self {
        Self::Device { bdev, _file: None }
    }

    /// Opens the device or regular file `path` for reading, as the current task may.
    ///
    /// A device cannot be opened exclusively by others meanwhile, but by the same `holder`.
    ///
    /// # Errors
    ///
    /// As [`OpenFile::open`]; `EBUSY` where somebody else has the device.
    ///
    /// # Safety
    ///
    /// `holder` is not null, and lives for as long as the new value.
    pub(crate) unsafe fn open(path: &CStr, holder: *mut ffi::c_void) -> Result<Self> {
        // SAFETY: By this function's requirements; without operations the holder is only compared.
        let opened = from_err_ptr(unsafe {
            bindings::bdev_file_open_by_path(
                path.as_char_ptr(),
                helpers::BLOCKYARD_BLK_OPEN_SUPER_READ,
                holder,
                core::ptr::null(),
            )
        });
        match opened {
            Ok(file) => {
                // SAFETY: The result is a reference to a device's open file. INVARIANT: It is ours.
                let (file, bdev) = unsafe {
                    (
                        OpenFile(NonNull::new_unchecked(file)),
                        NonNull::new_unchecked(bindings::file_bdev(file)),
                    )
                };
                Ok(Self::Device {
                    bdev,
                    _file: Some(file),
                })
            }
            // CAST: Error numbers are below 4096.
            Err(error) if error.to_errno() == -(bindings::ENOTBLK as ffi::c_int) => {
                Ok(Self::File(OpenFile::open(path)?))
            }
            Err(error) => Err(error),
        }
    }

    /// The device, unless it is a file.
    pub(crate) fn bdev(&self) -> *mut bindings::block_device {
        match self {
            Self::Device { bdev, .. } => bdev.as_ptr(),
            Self::File(_) => core::ptr::null_mut(),
        }
    }

    /// What direct I/O on it has to be aligned to; `None` for a file.
    pub(crate) fn direct_io(&self) -> Option<DirectIo> {
        match self {
            // SAFETY: The device is open.
            Self::Device { bdev, .. } => Some(unsafe {
                DirectIo {
                    memory: helpers::blockyard_bdev_dma_alignment(bdev.as_ptr()).wrapping_add(1),
                    offset: helpers::blockyard_bdev_logical_block_size(bdev.as_ptr()),
                }
            }),
            Self::File(_) => None,
        }
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Device { bdev, .. } => {
                // SAFETY: The device is open.
                let sectors = unsafe { (*bdev.as_ptr()).bd_nr_sectors };
                sectors.saturating_mul(SECTOR_SIZE as u64)
            }
            Self::File(file) => file.size(),
        }
    }

    /// The smallest unit that can be read, in bytes.
    pub(crate) fn logical_block_size(&self) -> u32 {
        match self {
            // SAFETY: The device is open.
            Self::Device { bdev, .. } => unsafe {
                helpers::blockyard_bdev_logical_block_size(bdev.as_ptr())
            },
            Self::File(_) => SECTOR_SIZE as u32,
        }
    }
}

/// Carries out a read bio against a file, in the current task, and ends it.
///
/// # Safety
///
/// `bio` is complete, not submitted, and its caller's; `file` is open for reading.
pub(crate) unsafe fn submit_to_file(file: *mut bindings::file, bio: *mut bindings::bio) {
    let mut iter = bindings::iov_iter::default();
    // SAFETY: By this function's requirements: the vector describes memory that stays until the
    // bio ends. The mounter's credentials opened the file, and are to read it: whoever reads from
    // the mount need not be allowed to read the image.
    let read = unsafe {
        let size = (*bio).bi_iter.bi_size;
        // CAST: usize has 64 bits. A direction is 0 or 1, a file position below 2^63.
        bindings::iov_iter_bvec(
            &mut iter,
            bindings::ITER_DEST as ffi::c_uint,
            (*bio).bi_io_vec,
            (*bio).bi_vcnt.into(),
            size as usize,
        );
        let mut position = ((*bio).bi_iter.bi_sector << 9) as bindings::loff_t;
        let creds = helpers::blockyard_override_creds((*file).f_cred);
        let read = bindings::vfs_iter_read(file, &mut iter, &mut position, 0);
        helpers::blockyard_revert_creds(creds);
        usize::try_from(read).is_ok_and(|read| read == size as usize)
    };
    // SAFETY: The bio is ours to end.
    unsafe {
        if !read {
            (*bio).bi_status = helpers::BLOCKYARD_BLK_STS_IOERR;
        }
        bindings::bio_endio(bio);
    }
}
