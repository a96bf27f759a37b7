// SPDX-License-Identifier: GPL-2.0

//! Locked folios on their way to being read.

use core::{mem::ManuallyDrop, ptr::NonNull, slice};
use kernel::{bindings, prelude::*};
use vfs_bindings as helpers;

/// A folio of the page cache that is locked, not up to date, and ours to fill.
///
/// # Invariants
///
/// The folio is in a mapping of an inode, locked by whoever made this value, and
/// nobody else ends its read. While it is locked it cannot leave the page cache, so no
/// reference is held (`readahead_folio` drops the one the reader had).
///
/// Dropping it unlocks the folio without marking it up to date: readers get `EIO`.
pub struct LockedFolio(NonNull<bindings::folio>);

// SAFETY: A folio's lock is not bound to a task: `folio_end_read` is usually called from
// an interrupt.
unsafe impl Send for LockedFolio {}

impl LockedFolio {
    /// # Safety
    ///
    /// `folio` is as the type's invariants say, and no other `LockedFolio` has it.
    pub(crate) unsafe fn from_raw(folio: NonNull<bindings::folio>) -> Self {
        // INVARIANT: By this function's safety requirements.
        Self(folio)
    }

    /// Hands the lock, and the duty to end the read, to the caller.
    pub(crate) fn into_raw(self) -> NonNull<bindings::folio> {
        ManuallyDrop::new(self).0
    }

    /// Position of the folio's first byte in its file, in bytes.
    pub fn position(&self) -> u64 {
        // SAFETY: By the type's invariants the folio is valid and in a mapping.
        let position = unsafe { helpers::blockyard_folio_pos(self.0.as_ptr()) };
        // CAST: A page cache index times the page size is never negative (MAX_LFS_FILESIZE).
        position as u64
    }

    /// Size of the folio in bytes.
    pub fn size(&self) -> usize {
        // SAFETY: By the type's invariants the folio is valid.
        unsafe { helpers::blockyard_folio_size(self.0.as_ptr()) }
    }

    /// Lets `fill` write all of the folio's bytes, and ends its read.
    ///
    /// # Errors
    ///
    /// What `fill` returns; the folio then is not up to date.
    pub fn fill(self, fill: impl FnOnce(&mut [u8]) -> Result) -> Result {
        let size = self.size();
        // SAFETY: The folio is valid and has `size` bytes, which the kernel has mapped (our
        // mappings are not in high memory). It is locked and not up to date, so that nobody else
        // reads or writes them.
        let bytes = unsafe {
            let address = helpers::blockyard_folio_address(self.0.as_ptr());
            slice::from_raw_parts_mut(address.cast::<u8>(), size)
        };
        fill(bytes)?;
        // SAFETY: The read is ended once, here, as `into_raw` gives up the lock.
        unsafe { bindings::folio_end_read(self.into_raw().as_ptr(), true) };
        Ok(())
    }

    /// Ends the read of a folio that wholly lies in a hole: zeros, up to date.
    pub fn fill_with_zeros(self) {
        let size = self.size();
        let folio = self.into_raw().as_ptr();
        // SAFETY: The folio is valid and locked, so that nobody reads it yet, and `size`
        // is its size. The read is ended once, here, as `into_raw` gave up the lock.
        unsafe {
            helpers::blockyard_folio_zero_segment(folio, 0, size);
            bindings::folio_end_read(folio, true);
        }
    }
}

impl Drop for LockedFolio {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the folio is locked and its read not yet ended.
        unsafe { bindings::folio_end_read(self.0.as_ptr(), false) };
    }
}
