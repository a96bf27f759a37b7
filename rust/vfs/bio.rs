// SPDX-License-Identifier: GPL-2.0

//! Reading into folios with block I/O of our own making.
//!
//! iomap, the kernel's way to do this, keeps a bitmap for each folio that is larger
//! than the file system's block; with tar's 512-byte alignment that is every folio.
//! A read that never ends a folio in parts needs none.

use crate::{
    backing::{submit_to_file, Backing},
    device_cache::DeviceCache,
    folio::LockedFolio,
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::bindings;
use vfs_bindings as helpers;

/// Bytes in a sector, the unit of `bi_sector` and the alignment of every read.
pub(crate) const SECTOR_SIZE: usize = 512;

/// A read of consecutive sectors into locked folios.
///
/// Folios that were added belong to the bio: its completion zeroes what lies past the
/// end of the file in each and ends its read, whatever thread or interrupt it runs in.
///
/// Dropping it without [`ReadBio::submit`] ends all its folios with an error. It borrows
/// from the device, which it keeps open; once submitted, the locked folios make an unmount wait for
/// it.
///
/// # Invariants
///
/// The bio was allocated here, has `end_io` as its completion, was not submitted, and
/// each of its segments covers folios given up by a [`LockedFolio`].
pub struct ReadBio<'d> {
    bio: NonNull<bindings::bio>,
    /// The sector after the last one added.
    next_sector: u64,
    /// The file to read from; none: the bio's device.
    file: Option<NonNull<bindings::file>>,
    _backing: PhantomData<&'d Backing>,
}

// SAFETY: A bio that was not submitted belongs to whoever has the pointer.
unsafe impl Send for ReadBio<'_> {}

impl<'d> ReadBio<'d> {
    /// A bio that reads from `sector` (of 512 bytes) of `device`.
    ///
    /// `folios` is how many are likely to come; where more do, [`ReadBio::add`] says when it is
    /// full. Up to four cost no allocation but the bio's own (`BIO_INLINE_VECS`). `readahead` marks reads nobody waits
    /// for. May sleep; cannot fail, as `fs_bio_set` keeps a reserve.
    #[inline]
    pub fn new(device: &'d DeviceCache, sector: u64, folios: usize, readahead: bool) -> Self {
        Self::on(device.backing(), sector, folios, readahead)
    }

    pub(crate) fn on(backing: &'d Backing, sector: u64, folios: usize, readahead: bool) -> Self {
        let bdev = backing.bdev();
        let file = match backing {
            Backing::Device { .. } => None,
            Backing::File(file) => NonNull::new(file.as_ptr()),
        };
        // CAST: BIO_MAX_VECS is 256.
        let vecs = folios.clamp(1, bindings::BIO_MAX_VECS as usize) as u16;
        let mut opf = bindings::req_op_REQ_OP_READ;
        if readahead {
            opf |= 1 << bindings::req_flag_bits___REQ_RAHEAD;
        }
        // SAFETY: The superblock keeps `bdev` open, and without a device no device is needed;
        // `fs_bio_set` is the kernel's. With GFP_KERNEL, which has __GFP_DIRECT_RECLAIM, and at most
        // BIO_MAX_VECS segments `bio_alloc_bioset` does not fail.
        let bio = unsafe {
            bindings::bio_alloc_bioset(
                bdev,
                vecs,
                opf,
                bindings::GFP_KERNEL,
                &raw mut bindings::fs_bio_set,
            )
        };
        // SAFETY: See above: not null, and nobody else knows it.
        let bio = unsafe {
            (*bio).bi_iter.bi_sector = sector;
            (*bio).bi_end_io = Some(end_io);
            NonNull::new_unchecked(bio)
        };
        // INVARIANT: Freshly allocated, no segments yet.
        Self {
            bio,
            next_sector: sector,
            file,
            _backing: PhantomData,
        }
    }

    /// The sector (of 512 bytes) that follows what was added so far.
    pub fn next_sector(&self) -> u64 {
        self.next_sector
    }

    /// Adds the first `bytes` of `folio`, to be read from [`ReadBio::next_sector`] on.
    ///
    /// # Errors
    ///
    /// Gives the folio back where the bio is full, or where `bytes` is zero, not a
    /// multiple of 512, or more than the folio's size.
    pub fn add(&mut self, folio: LockedFolio, bytes: usize) -> Result<(), LockedFolio> {
        if bytes == 0 || bytes % SECTOR_SIZE != 0 || bytes > folio.size() {
            return Err(folio);
        }
        let raw = folio.into_raw();
        // SAFETY: The bio is ours and not submitted; the folio is locked, stays in the
        // page cache until its read ends, and has `bytes` bytes.
        if unsafe { bindings::bio_add_folio(self.bio.as_ptr(), raw.as_ptr(), bytes, 0) } {
            // CAST: usize has 64 bits.
            self.next_sector += (bytes / SECTOR_SIZE) as u64;
            // INVARIANT: The new segment covers a folio that `into_raw` gave up.
            Ok(())
        } else {
            // SAFETY: `raw` came from `into_raw` just now and `bio_add_folio` took nothing.
            Err(unsafe { LockedFolio::from_raw(raw) })
        }
    }

    /// Starts the read. Its folios are ended when it completes. Without folios: nothing.
    pub fn submit(self) {
        // SAFETY: By the invariants the bio is ours.
        if unsafe { (*self.bio.as_ptr()).bi_vcnt } == 0 {
            return;
        }
        let this = core::mem::ManuallyDrop::new(self);
        // SAFETY: By the invariants the bio is complete; `end_io` frees it. The backing, and with
        // it the file, is borrowed.
        unsafe {
            match this.file {
                None => bindings::submit_bio(this.bio.as_ptr()),
                Some(file) => submit_to_file(file.as_ptr(), this.bio.as_ptr()),
            }
        }
    }
}

impl Drop for ReadBio<'_> {
    fn drop(&mut self) {
        // SAFETY: The bio was not submitted, so it is ours to end (as `bio_io_error` does).
        unsafe {
            (*self.bio.as_ptr()).bi_status = helpers::BLOCKYARD_BLK_STS_IOERR;
            bindings::bio_endio(self.bio.as_ptr());
        }
    }
}

/// Ends the read of each folio of a bio. Runs in any context, interrupts included.
///
/// # Safety
///
/// Called by the block layer for a bio made by [`ReadBio`], once.
unsafe extern "C" fn end_io(bio: *mut bindings::bio) {
    // SAFETY: The block layer hands the bio back to us.
    let success = unsafe { (*bio).bi_status } == 0;
    let mut iter = bindings::folio_iter::default();
    // SAFETY: The bio's segments cover valid, locked folios (`ReadBio`'s invariants), so
    // walking them and reading each one's mapping, host and size is sound: a locked folio
    // keeps its mapping, and a mapping with pages its inode. The folio is not up to date
    // and locked, hence read by nobody, while its tail is zeroed; its read is ended once,
    // after which it is not touched again: `blockyard_bio_next_folio` uses the successor
    // that was computed before.
    //
    // Where the kernel zeroes pages when it allocates them (`post_alloc_hook`), a folio that is
    // not up to date is zero but for what reads left in it, which were of the same bytes as this
    // one: past the file's last sector nothing has to be zeroed again.
    unsafe {
        let come_zeroed = helpers::blockyard_want_init_on_alloc();
        helpers::blockyard_bio_first_folio(&mut iter, bio);
        while !iter.folio.is_null() {
            let folio = iter.folio;
            let size = helpers::blockyard_folio_size(folio);
            let left = bytes_in_file(folio);
            let unknown = if come_zeroed { iter.length } else { size };
            if success && left < unknown {
                helpers::blockyard_folio_zero_segment(folio, left, unknown);
            }
            helpers::blockyard_bio_next_folio(&mut iter, bio);
            bindings::folio_end_read(folio, success);
        }
        bindings::bio_put(bio);
    }
}

/// How many bytes of the file lie at or after the start of `folio`.
///
/// # Safety
///
/// `folio` is locked and in a mapping.
unsafe fn bytes_in_file(folio: *const bindings::folio) -> usize {
    // SAFETY: A locked folio's mapping and that mapping's inode stay. A file of a
    // read-only file system does not change its size.
    let (size, position) = unsafe {
        let inode = helpers::blockyard_folio_inode(folio);
        ((*inode).i_size, helpers::blockyard_folio_pos(folio))
    };
    usize::try_from(size.saturating_sub(position)).unwrap_or(0)
}
