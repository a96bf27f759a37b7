// SPDX-License-Identifier: GPL-2.0

//! The memory that a request reads to or writes from.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/bvec.h`](srctree/include/linux/bvec.h)
//!
//! Others may use that memory at the same time: a program with direct I/O owns the pages that it
//! has the kernel read from. So there are no references to it here, only copies, which see or
//! leave some mixture if somebody else writes meanwhile.

use crate::{operations::Operations, req_op::ReqOp, request::Request, units::Bytes};
use core::{marker::PhantomData, ptr::null};
use kernel::bindings;

// A segment can be longer than a page. Its pages follow each other in the kernel's linear mapping,
// which has all memory where there is no highmem.
const _: () = assert!(!cfg!(CONFIG_HIGHMEM));

/// The segments of a request, in the order of the disk (`rq_for_each_bvec()`).
///
/// # Invariants
///
/// `next` is null or a bio of a request that stays as it is for `'a`; `iter` is at its end, or a
/// position in the array `vecs` of another such bio.
pub struct Segments<'a> {
    next: *const bindings::bio,
    vecs: *const bindings::bio_vec,
    iter: bindings::bvec_iter,
    _request: PhantomData<&'a ()>,
}

impl<T: Operations, State> Request<T, State> {
    /// The memory to read to or write from. Together it is as long as the request, if that is a
    /// read, a write or an append; other requests have none.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        let bio = match self.op() {
            ReqOp::Read | ReqOp::Write | ReqOp::ZoneAppend => {
                // SAFETY: The request is ours, so that its fields can be read.
                unsafe { (*self.as_ptr().as_ptr()).bio }
            }
            // The bio of a discard has a length, but no memory.
            _ => null(),
        };
        Segments {
            // INVARIANT: The bios are the request's while the driver owns it, which is borrowed.
            next: bio,
            vecs: null(),
            // INVARIANT: This is an end.
            iter: pin_init::zeroed(),
            _request: PhantomData,
        }
    }
}

impl<'a> Segments<'a> {
    /// The first `length` of the memory, each segment with where on the disk it is, the first at
    /// `start`.
    #[inline]
    pub fn within(
        self,
        start: Bytes,
        length: Bytes,
    ) -> impl Iterator<Item = (Bytes, Segment<'a>)> + 'a {
        let (mut at, mut left) = (start.get(), length.get());
        self.map_while(move |segment| {
            if left == 0 {
                return None;
            }
            // CAST: A length in memory; what is beyond the segment does not count.
            let (segment, _) = segment.split_at(left as usize);
            let here = Bytes::new(at);
            // CAST: As above. A position beyond 2^64 is that of nothing.
            at = at.wrapping_add(segment.len() as u64);
            left -= segment.len() as u64;
            Some((here, segment))
        })
    }

    /// The memory, each segment with where on the disk it is, the first at `start`.
    #[inline]
    pub fn from(self, start: Bytes) -> impl Iterator<Item = (Bytes, Segment<'a>)> + 'a {
        let mut at = start.get();
        self.map(move |segment| {
            let here = Bytes::new(at);
            // CAST: A length in memory. A position beyond 2^64 is that of nothing.
            at = at.wrapping_add(segment.len() as u64);
            (here, segment)
        })
    }

    /// Fills the memory with the bytes of `from`, as far as the shorter of the two goes.
    #[inline]
    pub fn copy_from(self, mut from: &[u8]) {
        for segment in self {
            let (now, later) = from.split_at(segment.len().min(from.len()));
            segment.copy_from(now);
            from = later;
        }
    }

    /// Fills `to` with the bytes of the memory, as far as the shorter of the two goes.
    #[inline]
    pub fn copy_to(self, mut to: &mut [u8]) {
        for segment in self {
            let (now, later) = to.split_at_mut(segment.len().min(to.len()));
            segment.copy_to(now);
            to = later;
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        while self.iter.bi_size == 0 {
            if self.next.is_null() {
                return None;
            }
            // SAFETY: By the type's invariant the bio is valid.
            let bio = unsafe { &*self.next };
            // INVARIANT: The bio's own position, and the next bio of the same request.
            (self.vecs, self.iter, self.next) = (bio.bi_io_vec, bio.bi_iter, bio.bi_next);
        }
        // SAFETY: By the type's invariant, and because there is something left, the position is
        // in the array.
        let bvec = unsafe { *self.vecs.add(self.iter.bi_idx as usize) };
        // By the type's invariant nothing here overflows; checks would cost as much as the rest.
        let done = self.iter.bi_bvec_done;
        let offset = bvec.bv_offset.wrapping_add(done);
        let len = bvec.bv_len.wrapping_sub(done).min(self.iter.bi_size);

        self.iter.bi_size = self.iter.bi_size.wrapping_sub(len);
        self.iter.bi_bvec_done = done.wrapping_add(len);
        if self.iter.bi_bvec_done == bvec.bv_len {
            self.iter.bi_idx = self.iter.bi_idx.wrapping_add(1);
            self.iter.bi_bvec_done = 0;
        }
        // SAFETY: The page is one of the request's. Without highmem the address is that of the
        // kernel's linear mapping, which is not undone.
        let page = unsafe { bindings::kmap_local_page(bvec.bv_page) };
        Some(Segment {
            // INVARIANT: The pages of a bio_vec follow each other, and are the request's.
            address: page.cast::<u8>().wrapping_add(offset as usize),
            len: len as usize,
            _request: PhantomData,
        })
    }
}

/// Memory of a request without a gap.
///
/// # Invariants
///
/// `address` is valid for reads and writes of `len` bytes for `'a`, by anybody at the same time.
pub struct Segment<'a> {
    address: *mut u8,
    len: usize,
    _request: PhantomData<&'a ()>,
}

impl<'a> Segment<'a> {
    /// The memory `bytes`, as if it were a request's.
    pub(crate) fn of(bytes: &'a mut [u8]) -> Self {
        Self {
            // INVARIANT: The slice is valid for reads and writes for `'a`.
            address: bytes.as_mut_ptr(),
            len: bytes.len(),
            _request: PhantomData,
        }
    }
}

impl Segment<'_> {
    /// Its length in bytes: a whole number of logical blocks, or what is left of one that spans
    /// several segments.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // None is empty.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first `at` bytes and the rest. What is beyond the segment counts as its end.
    #[inline]
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let at = at.min(self.len);
        let rest = Self {
            // INVARIANT: Both are parts of this segment.
            address: self.address.wrapping_add(at),
            len: self.len - at,
            _request: PhantomData,
        };
        (Self { len: at, ..self }, rest)
    }

    /// Fills the memory with the bytes of `from`, as far as the shorter of the two goes.
    #[inline]
    pub fn copy_from(&self, from: &[u8]) {
        // SAFETY: By the type's invariant; the length is that of the shorter.
        unsafe { copy(self.address, from.as_ptr(), self.len.min(from.len())) };
    }

    /// Fills `to` with the bytes of the memory, as far as the shorter of the two goes.
    #[inline]
    pub fn copy_to(&self, to: &mut [u8]) {
        // SAFETY: As above.
        unsafe { copy(to.as_mut_ptr(), self.address, self.len.min(to.len())) };
    }

    /// Fills the memory with that at `from`, which others may write to at the same time.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reads of the segment's length.
    #[inline]
    pub(crate) unsafe fn copy_from_raw(&self, from: *const u8) {
        // SAFETY: By the type's invariant and this function's contract.
        unsafe { copy(self.address, from, self.len) };
    }

    /// Fills the memory at `to`, which others may use at the same time, with the segment's.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes of the segment's length.
    #[inline]
    pub(crate) unsafe fn copy_to_raw(&self, to: *mut u8) {
        // SAFETY: By the type's invariant and this function's contract.
        unsafe { copy(to, self.address, self.len) };
    }

    /// Fills the memory with the byte `with`.
    #[inline]
    pub fn fill(&self, with: u8) {
        // SAFETY: As above.
        unsafe { bindings::memset(self.address.cast(), with.into(), self.len) };
    }
}

/// Copies memory that others may use at the same time, by a function of C, where that does not
/// count. Of the two, `memmove()` has the quicker way for long pieces on x86 without FSRM.
///
/// # Safety
///
/// `to` must be valid for writes of `len` bytes, `from` for reads.
#[inline]
unsafe fn copy(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: By this function's contract.
    unsafe { bindings::memmove(to.cast(), from.cast(), len) };
}
