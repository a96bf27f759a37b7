// SPDX-License-Identifier: GPL-2.0

//! Memory for the contents of a disk, taken a page at a time where something is written.
//!
//! C headers: [`include/linux/xarray.h`](srctree/include/linux/xarray.h),
//! [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! A page is found and copied to or from without a lock: under RCU, so that one that is given up
//! meanwhile stays until the copy is done. The lock of the array is taken to put a page in or take
//! one out. What a page is not taken for is zeroed, so what was never written reads as
//! zeroes without a note of what was.
//!
//! Two transfers of the same bytes at the same time may mix, as they may in any memory.

use crate::{
    segment::Segment,
    units::{Bytes, SECTOR},
};
use core::{ops::Range, ptr::NonNull};
use kernel::{
    alloc::AllocError,
    bindings,
    page::{PAGE_SHIFT, PAGE_SIZE},
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        rcu,
    },
    types::Opaque,
};

/// The bytes in a page.
pub const PAGE: u64 = PAGE_SIZE as u64;

/// `XAS_RESTART`: a walk begins at the top.
const XAS_RESTART: usize = 3;

/// The bits of an entry that say what it is, and what those of the array's own are
/// (`xa_is_internal()`).
const XA_KIND_MASK: usize = 3;
const XA_INTERNAL: usize = 2;

/// The contents of a disk of up to 2^64 bytes, all zero at first.
///
/// # Invariants
///
/// The entries of `array` are pages that it owns. One that is taken out is freed after a grace
/// period of RCU.
#[pin_data(PinnedDrop)]
pub struct Pages {
    #[pin]
    array: Opaque<bindings::xarray>,
    /// Whether a page was ever given up.
    gave_up: Atomic<bool>,
}

// SAFETY: Pages may be freed on any CPU.
unsafe impl Send for Pages {}

// SAFETY: The array is synchronised by itself, its pages by RCU.
unsafe impl Sync for Pages {}

/// How memory is allocated.
#[derive(Clone, Copy)]
pub enum Allocation {
    /// In a context that may sleep, but not wait for requests (`GFP_NOIO`).
    NoIo,
    /// In any context, with less hope (`GFP_ATOMIC`).
    Atomic,
}

impl Allocation {
    /// The C flags.
    fn flags(self) -> bindings::gfp_t {
        match self {
            // The macro is made of casts that bindgen does not evaluate.
            Self::NoIo => {
                1 << bindings::___GFP_DIRECT_RECLAIM_BIT | 1 << bindings::___GFP_KSWAPD_RECLAIM_BIT
            }
            Self::Atomic => bindings::GFP_ATOMIC,
        }
    }
}

/// A place in the contents.
#[derive(Clone, Copy)]
struct Place {
    /// Number of the page.
    index: usize,
    /// Byte in the page.
    offset: usize,
}

impl Place {
    #[inline]
    fn new(at: Bytes) -> Self {
        // CAST: The kernel crate is for 64 bits only where a disk can be this large.
        let at = at.get() as usize;
        Self {
            index: at >> PAGE_SHIFT,
            offset: at % PAGE_SIZE,
        }
    }

    /// The bytes from here to the end of the page.
    #[inline]
    fn room(self) -> usize {
        PAGE_SIZE - self.offset
    }

    /// The beginning of the next page.
    #[inline]
    fn next_page(self) -> Self {
        Self {
            // The last page of 2^64 bytes is followed by none.
            index: self.index.wrapping_add(1),
            offset: 0,
        }
    }
}

impl Pages {
    /// No pages.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: There are no entries.
            array <- Opaque::ffi_init(|array: *mut bindings::xarray| {
                // SAFETY: The place is valid and will not move.
                unsafe { bindings::xa_init_flags(array, 0) }
            }),
            gave_up: Atomic::new(false),
        })
    }

    /// Fills `to` with the contents from `at` on. Any context.
    #[inline]
    pub fn read(&self, at: Bytes, to: Segment<'_>) {
        let guard = rcu::read_lock();
        let mut place = Place::new(at);
        let mut rest = to;
        while rest.len() > 0 {
            let (now, later) = rest.split_at(place.room());
            match self.find(place.index, &guard) {
                // SAFETY: The page stays while the guard is there, and `now` goes no further than
                // its end.
                Some(page) => unsafe { now.copy_from_raw(page.add(place.offset).as_ptr()) },
                None => now.fill(0),
            }
            place = place.next_page();
            rest = later;
        }
    }

    /// Takes what is in `from` for the contents from `at` on. Pages that are missing are
    /// allocated as `how` says, which decides in which context the function may be called.
    ///
    /// # Errors
    ///
    /// If memory is short; some of the contents may have changed then.
    #[inline]
    pub fn write(&self, at: Bytes, from: Segment<'_>, how: Allocation) -> Result<(), AllocError> {
        let mut place = Place::new(at);
        let mut rest = from;
        while rest.len() > 0 {
            let (now, later) = rest.split_at(place.room());
            loop {
                let guard = rcu::read_lock();
                if let Some(page) = self.find(place.index, &guard) {
                    // SAFETY: As in `read()`.
                    unsafe { now.copy_to_raw(page.add(place.offset).as_ptr()) };
                    break;
                }
                drop(guard);
                if self.add(place, &now, how)? {
                    break;
                }
            }
            place = place.next_page();
            rest = later;
        }
        Ok(())
    }

    /// Copies the sector at `at` to the same place of `other`.
    ///
    /// # Errors
    ///
    /// If memory is short.
    pub fn copy_sector(&self, at: Bytes, other: &Self, how: Allocation) -> Result<(), AllocError> {
        let mut sector = [0; SECTOR as usize];
        self.read(at, Segment::of(&mut sector));
        other.write(at, Segment::of(&mut sector), how)
    }

    /// Makes the contents of `range` zero, and gives up the pages that lie in it. Any context but
    /// interrupts.
    pub fn discard(&self, range: Range<Bytes>) {
        let (start, end) = (Place::new(range.start), Place::new(range.end));
        if start.index == end.index {
            self.clear(start.index, start.offset..end.offset);
            return;
        }
        self.clear(end.index, 0..end.offset);
        let mut first = start.index;
        if start.offset > 0 {
            self.clear(first, start.offset..PAGE_SIZE);
            first += 1;
        }
        while let Some(index) = self.next(first) {
            if index >= end.index {
                break;
            }
            self.give_up(index);
            first = index + 1;
        }
    }

    /// The page with number `index` (`xa_load()`, which would enter RCU once more).
    #[inline]
    fn find(&self, index: usize, _guard: &rcu::Guard) -> Option<NonNull<u8>> {
        let restart = core::ptr::without_provenance_mut(XAS_RESTART);
        let mut state = bindings::xa_state {
            xa: self.array.get(),
            xa_index: index,
            xa_node: restart,
            ..pin_init::zeroed()
        };
        let page = loop {
            // SAFETY: The array is initialised, and the guard keeps what is taken out of it.
            let entry = unsafe { bindings::xas_load(&mut state) };
            // A part of the array that is about to go says so by an entry of its own kind.
            if entry.addr() & XA_KIND_MASK != XA_INTERNAL {
                break entry;
            }
            state.xa_node = restart;
        };
        if page.is_null() {
            return None;
        }
        // SAFETY: By the type's invariant the entry is a page. Without highmem the address is that
        // of the kernel's linear mapping, which is not undone.
        NonNull::new(unsafe { bindings::kmap_local_page(page.cast()) }.cast())
    }

    /// The number of the first page from `first` on.
    fn next(&self, first: usize) -> Option<usize> {
        let mut index = first;
        // SAFETY: The array is initialised; the entry is not looked at.
        let page = unsafe {
            bindings::xa_find(
                self.array.get(),
                &mut index,
                usize::MAX,
                bindings::XA_PRESENT,
            )
        };
        (!page.is_null()).then_some(index)
    }

    /// Puts a page with `content` at `place` and zeroes around it in, if there is none. Returns
    /// whether there was none.
    ///
    /// `content` must not go beyond the end of the page. What it fills is not zeroed before: that
    /// costs as much as to fill it.
    #[cold]
    fn add(
        &self,
        place: Place,
        content: &Segment<'_>,
        how: Allocation,
    ) -> Result<bool, AllocError> {
        let flags = if content.len() == PAGE_SIZE {
            how.flags()
        } else {
            how.flags() | bindings::__GFP_ZERO
        };
        // SAFETY: The caller may be in the context that `how` is for.
        let page = unsafe { bindings::alloc_pages(flags, 0) };
        if page.is_null() {
            return Err(AllocError);
        }
        // SAFETY: The page is ours, and mapped as in `find()`; the content ends in it.
        unsafe {
            let address = bindings::kmap_local_page(page).cast::<u8>();
            content.copy_to_raw(address.add(place.offset));
        }
        // SAFETY: The array is initialised. The function releases the lock while it allocates.
        // INVARIANT: The array owns the page.
        let old = unsafe {
            let array = self.array.get();
            bindings::xa_lock(array);
            let old = bindings::__xa_cmpxchg(
                array,
                place.index,
                core::ptr::null_mut(),
                page.cast(),
                how.flags(),
            );
            bindings::xa_unlock(array);
            old
        };
        if old.is_null() {
            return Ok(true);
        }
        // SAFETY: The page did not get into the array.
        unsafe { bindings::__free_pages(page, 0) };
        // SAFETY: The entry may be any.
        match unsafe { bindings::xa_err(old) } {
            // Somebody else put one in.
            0 => Ok(false),
            _ => Err(AllocError),
        }
    }

    /// Makes a part of the page with number `index` zero, if there is such a page.
    fn clear(&self, index: usize, part: Range<usize>) {
        let guard = rcu::read_lock();
        if let Some(page) = self.find(index, &guard) {
            // SAFETY: The page stays while the guard is there, and the part is in it. The function
            // is one of C, where what others do to the memory meanwhile does not count.
            unsafe {
                bindings::memset(
                    page.add(part.start).as_ptr().cast(),
                    0,
                    part.end - part.start,
                )
            };
        }
    }

    /// Takes the page with number `index` out and frees it when nobody can use it any more.
    fn give_up(&self, index: usize) {
        // SAFETY: The array is initialised.
        let page = unsafe { bindings::xa_erase(self.array.get(), index) };
        if page.is_null() {
            return;
        }
        self.gave_up.store(true, Relaxed);
        let page: *mut bindings::page = page.cast();
        // SAFETY: By the type's invariant the page was the array's, and now is ours; the field is
        // free for its owner's use. `free()` gets a page that nobody uses.
        unsafe {
            bindings::call_rcu(
                &raw mut (*page).__bindgen_anon_1.callback_head,
                Some(Self::free),
            )
        };
    }

    /// Frees a page after its grace period.
    ///
    /// # Safety
    ///
    /// `head` must be the `callback_head` of a page that was given up.
    unsafe extern "C" fn free(head: *mut bindings::callback_head) {
        // SAFETY: By this function's contract.
        unsafe {
            let page = kernel::container_of!(head, bindings::page, __bindgen_anon_1.callback_head);
            bindings::__free_pages(page, 0);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Pages {
    fn drop(self: Pin<&mut Self>) {
        let array = self.array.get();
        let mut index = 0;
        // SAFETY: Nobody else uses the array any more, so its pages can be freed before it forgets
        // them.
        unsafe {
            let mut page = bindings::xa_find(array, &mut index, usize::MAX, bindings::XA_PRESENT);
            while !page.is_null() {
                bindings::__free_pages(page.cast(), 0);
                page = bindings::xa_find_after(array, &mut index, usize::MAX, bindings::XA_PRESENT);
            }
            bindings::xa_destroy(array);
        }
        if self.gave_up.load(Relaxed) {
            // SAFETY: Process context: a disk goes. The callbacks must not run when the module is
            // gone.
            unsafe { bindings::rcu_barrier() };
        }
    }
}
