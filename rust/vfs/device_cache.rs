// SPDX-License-Identifier: GPL-2.0

//! The file system's own page cache of its device (or file), for metadata.
//!
//! The block device's page cache will not do: anybody who may open the device can write
//! to it while we hold a reference into it, which is a data race; and it works through
//! buffer heads. The pages here belong to an inode that is in no directory and no hash, so
//! nothing but a read from the device ever writes to them, and that before they are up to
//! date: their bytes can be lent out as a plain `&[u8]`.

use crate::backing::Backing;
use crate::bio::{ReadBio, SECTOR_SIZE};
use crate::folio::LockedFolio;
use core::{ops::Deref, ptr::NonNull};
use kernel::{bindings, error::from_err_ptr, ffi, prelude::*};
use vfs_bindings as helpers;

/// Bytes in a page, the unit of the cache.
const PAGE_SIZE: usize = kernel::page::PAGE_SIZE;

/// A cache of the device's pages, from byte 0 to the device's end.
///
/// # Invariants
///
/// `inode` is a reference to an inode made by [`DeviceCache::new`], in no hash table and
/// known to nobody but the VFS's own lists; its mapping has `TABLE` and only folios of
/// one page, and its `i_private` points to `backing`. The superblock outlives this value.
pub struct DeviceCache {
    inode: NonNull<bindings::inode>,
    backing: KBox<Backing>,
}

// SAFETY: An inode reference belongs to no task, and the page cache is for all CPUs.
unsafe impl Send for DeviceCache {}
// SAFETY: As above; all access goes through functions that synchronise themselves.
unsafe impl Sync for DeviceCache {}

impl DeviceCache {
    /// # Safety
    ///
    /// `sb` is a superblock in `fill_super`, on `backing`, with its operations set, and outlives
    /// the new value.
    pub(crate) unsafe fn new(sb: *mut bindings::super_block, backing: Backing) -> Result<Self> {
        let backing = KBox::new(backing, GFP_KERNEL)?;
        // SAFETY: `sb` is valid and `->alloc_inode` set; on success nobody else has the inode.
        let inode = unsafe { bindings::new_inode(sb) };
        let inode = NonNull::new(inode).ok_or(ENOMEM)?;
        let size = whole_sectors(backing.size());
        // SAFETY: The inode is ours alone until it is used below.
        unsafe {
            let raw = inode.as_ptr();
            (*raw).i_mode = bindings::S_IFREG as u16;
            (*raw).i_size = i64::try_from(size).unwrap_or(i64::MAX);
            (*raw).i_private = core::ptr::from_ref(&*backing).cast_mut().cast();
            (*(*raw).i_mapping).a_ops = &TABLE;
            helpers::blockyard_inode_nohighmem(raw);
        }
        // INVARIANT: `new_inode` hashes nothing, and large folios were not allowed.
        Ok(Self { inode, backing })
    }

    /// What is cached.
    pub(crate) fn backing(&self) -> &Backing {
        &self.backing
    }

    /// The smallest unit that the device can read, in bytes.
    pub fn logical_block_size(&self) -> u32 {
        self.backing.logical_block_size()
    }

    /// Size of the device in bytes: whole sectors of 512 bytes.
    pub fn size(&self) -> u64 {
        // SAFETY: The inode is valid by the type's invariants and its size never changes.
        let size = unsafe { (*self.inode.as_ptr()).i_size };
        // CAST: `new` set it to a value that is not negative.
        size as u64
    }

    /// The page with the device's bytes from `index * PAGE_SIZE` on; past the device's end, zeros.
    ///
    /// Where it is not cached yet, `ahead` says how many pages from `index` on are read in one
    /// request at most. Sleeps.
    ///
    /// # Errors
    ///
    /// `EIO` where the device fails, `ENXIO` past its end, `ENOMEM`.
    pub fn page(&self, index: usize, ahead: impl FnOnce() -> usize) -> Result<CachedPage<'_>> {
        let end = self.size().div_ceil(PAGE_SIZE as u64) as usize;
        if index >= end {
            return Err(ENXIO);
        }
        // SAFETY: The inode is valid by the type's invariants and has its own mapping.
        let mapping = unsafe { (*self.inode.as_ptr()).i_mapping };
        // SAFETY: The mapping is valid; the result is a folio with a reference, or an error.
        let found = from_err_ptr(unsafe { helpers::blockyard_filemap_get_folio(mapping, index) });
        if let Ok(folio) = found {
            // SAFETY: The folio has a reference, taken by `filemap_get_folio`, which keeps it
            // valid. One that is up to date stays so, and its contents as they are (see above).
            unsafe {
                if helpers::blockyard_folio_test_uptodate(folio) {
                    return Ok(CachedPage::from_raw(folio));
                }
                helpers::blockyard_folio_put(folio);
            }
        } else {
            let count = ahead().min(end - index);
            if count > 1 {
                // SAFETY: The mapping is valid and has `->readahead`; we may sleep.
                unsafe { helpers::blockyard_readahead_unbounded(mapping, index, count) };
            }
        }
        // SAFETY: The mapping is valid. With no filler its `->read_folio` is called where the
        // folio is missing; the result is up to date and has a reference, or is an error.
        let folio = from_err_ptr(unsafe {
            bindings::read_cache_folio(mapping, index, None, core::ptr::null_mut())
        })?;
        // SAFETY: As just said.
        Ok(unsafe { CachedPage::from_raw(folio) })
    }
}

impl Drop for DeviceCache {
    fn drop(&mut self) {
        // SAFETY: The reference is ours by the type's invariants. Every `CachedPage` borrows
        // from us, so no folio of the mapping is in use. This is the inode's last reference and
        // it is not kept: evicting it waits for reads of its folios, before `backing` goes.
        unsafe { bindings::iput(self.inode.as_ptr()) };
    }
}

/// A page of the device, up to date and unchanging.
///
/// # Invariants
///
/// We own a reference to the folio, which is in a [`DeviceCache`], of one page, and was
/// seen up to date.
pub struct CachedPage<'a> {
    folio: NonNull<bindings::folio>,
    _cache: core::marker::PhantomData<&'a DeviceCache>,
}

impl CachedPage<'_> {
    /// # Safety
    ///
    /// As the type's invariants; the reference passes to the new value.
    unsafe fn from_raw(folio: *mut bindings::folio) -> Self {
        // INVARIANT: By this function's requirements.
        Self {
            // SAFETY: A folio with a reference is not null.
            folio: unsafe { NonNull::new_unchecked(folio) },
            _cache: core::marker::PhantomData,
        }
    }

    /// Whether [`CachedPage::set_checked`] was called since the page was read.
    ///
    /// The flag (`PG_checked`) goes with the page: once reclaimed and read again it is not set.
    pub fn is_checked(&self) -> bool {
        // SAFETY: The folio is valid by the type's invariants.
        unsafe { helpers::blockyard_folio_test_checked(self.folio.as_ptr()) }
    }

    /// Notes that the page's contents were found good.
    pub fn set_checked(&self) {
        // SAFETY: The folio is valid and of one page by the type's invariants, and the flag is
        // the file system's own; it is set atomically.
        unsafe { helpers::blockyard_folio_set_checked(self.folio.as_ptr()) }
    }
}

impl Deref for CachedPage<'_> {
    type Target = [u8; PAGE_SIZE];

    fn deref(&self) -> &Self::Target {
        // SAFETY: The folio is valid, of one page, and in memory that the kernel has mapped,
        // as `inode_nohighmem` asks for. Its bytes do not change (see the module's head).
        unsafe { &*helpers::blockyard_folio_address(self.folio.as_ptr()).cast() }
    }
}

impl Drop for CachedPage<'_> {
    fn drop(&mut self) {
        // SAFETY: The reference is ours by the type's invariants.
        unsafe { helpers::blockyard_folio_put(self.folio.as_ptr()) };
    }
}

static TABLE: bindings::address_space_operations = bindings::address_space_operations {
    read_folio: Some(read_folio),
    readahead: Some(readahead),
    ..pin_init::zeroed()
};

/// Bytes of the whole sectors in `size`.
fn whole_sectors(size: u64) -> u64 {
    size & !(SECTOR_SIZE as u64).wrapping_sub(1)
}

/// Reads the device's bytes at the folios' own positions. The last folio may reach past the device's
/// end, where the completion zeroes it, as past a file's.
///
/// # Safety
///
/// `inode` is that of a [`DeviceCache`], and one of its folios is locked.
unsafe fn read(
    inode: *mut bindings::inode,
    first: LockedFolio,
    pages: usize,
    mut more: impl FnMut() -> Option<LockedFolio>,
) {
    // SAFETY: By `DeviceCache`'s invariants; evicting the inode waits for its locked folios
    // before the backing goes.
    let backing = unsafe { &*(*inode).i_private.cast::<Backing>() };
    let end = whole_sectors(backing.size());
    let mut next = Some(first);
    while let Some(mut folio) = next {
        let sector = folio.position() / SECTOR_SIZE as u64;
        let mut bio = ReadBio::on(backing, sector, pages, pages > 1);
        next = loop {
            let left = end.saturating_sub(folio.position());
            // CAST: At most the folio's size.
            let bytes = left.min(folio.size() as u64) as usize;
            match bio.add(folio, bytes) {
                Ok(()) => match more() {
                    Some(following) => folio = following,
                    None => break None,
                },
                Err(folio) if bio.next_sector() != sector => break Some(folio),
                // A bio that takes not even one page: the folio's read fails.
                Err(_) => break None,
            }
        };
        bio.submit();
    }
}

/// # Safety
///
/// As `->read_folio` of a mapping of a [`DeviceCache`].
unsafe extern "C" fn read_folio(
    _file: *mut bindings::file,
    folio: *mut bindings::folio,
) -> ffi::c_int {
    // SAFETY: The VFS hands us a locked folio of our mapping.
    unsafe {
        let inode = helpers::blockyard_folio_inode(folio);
        read(
            inode,
            LockedFolio::from_raw(NonNull::new_unchecked(folio)),
            1,
            || None,
        );
    }
    0
}

/// # Safety
///
/// As `->readahead` of a mapping of a [`DeviceCache`].
unsafe extern "C" fn readahead(control: *mut bindings::readahead_control) {
    // SAFETY: The control structure is valid for this call and used here alone.
    let next = || unsafe {
        NonNull::new(helpers::blockyard_readahead_folio(control))
            .map(|folio| LockedFolio::from_raw(folio))
    };
    // SAFETY: As above; the mapping is ours.
    let (inode, bytes) = unsafe {
        (
            (*(*control).mapping).host,
            helpers::blockyard_readahead_length(control),
        )
    };
    if let Some(first) = next() {
        // SAFETY: The inode is a `DeviceCache`'s, as the table is.
        unsafe { read(inode, first, bytes / PAGE_SIZE, next) };
    }
}
