// SPDX-License-Identifier: GPL-2.0

//! Requests that end together.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    fifo::Fifo,
    operations::Operations,
    request::{Request, Started},
    status::Status,
};
use core::{mem::MaybeUninit, ptr::null_mut};
use kernel::bindings;

/// `RQF_*` flags of requests that hold a tag of an I/O scheduler besides their own;
/// `blk_mq_end_request_batch()` gives back only the latter.
const SCHED_TAGS: bindings::req_flags_t = 1 << bindings::rqf_flags___RQF_SCHED_TAGS;

/// `RQF_*` flags of requests whose end wants the time (`blk_mq_need_time_stamp()`).
const NEED_TIME_STAMP: bindings::req_flags_t = 1 << bindings::rqf_flags___RQF_IO_STAT
    | 1 << bindings::rqf_flags___RQF_STATS
    | 1 << bindings::rqf_flags___RQF_USE_SCHED;

/// What becomes of the requests of one call: those that succeeded end together
/// (`struct io_comp_batch`), those that have to wait go together to where they wait. Both happen
/// when the batch is dropped.
///
/// Ending requests together gives their tags and their references on the queue back in groups of
/// 32 instead of one by one, and reads the clock once. For a single request the groups cost more
/// than they save, so that it ends alone.
///
/// # Invariants
///
/// `list` holds started requests that this batch owns and that satisfy the rules of
/// `blk_mq_add_to_batch()`: a chain through `rq_next` from `head` to `tail`, whose own link is set
/// when the batch is dropped only. Without requests both are null.
pub struct Batch<T: Operations> {
    list: bindings::rq_list,
    /// All flags of all requests; what they mean for the batch is worked out once, at its end.
    flags: bindings::req_flags_t,
    waiting: Fifo<T>,
}

impl<T: Operations> Batch<T> {
    /// An empty batch.
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: There are no requests.
        Self {
            list: pin_init::zeroed(),
            flags: 0,
            waiting: Fifo::new(),
        }
    }

    /// Lets `request` wait, together with the others of the call, in what [`Operations::holder`]
    /// returns for its hardware queue.
    #[inline]
    pub fn hold(&mut self, request: Request<T, Started>) {
        self.waiting.push(request);
    }

    /// Ends `request` successfully, together with the others in this batch.
    ///
    /// A request that cannot end in a batch (see `blk_mq_add_to_batch()`) ends alone, at once.
    #[inline]
    pub fn end<State>(&mut self, request: Request<T, State>) {
        // SAFETY: The request is ours, so that its fields can be read; the read is volatile
        // because the timeout code may set a flag (not one of those tested) at the same time.
        let flags = unsafe {
            let request = request.as_ptr();
            (&raw const (*request.as_ptr()).rq_flags).read_volatile()
        };
        // SAFETY: As above; nobody changes `end_io` while the driver owns the request.
        let end_io = unsafe { (*request.as_ptr().as_ptr()).end_io };

        // `blk_mq_add_to_batch()` also takes passthrough requests that have an `end_io`; they are
        // rare enough to do without the test.
        if flags & SCHED_TAGS != 0 || end_io.is_some() {
            return end_by_itself(request);
        }
        self.flags |= flags;
        let request = request.into_raw().as_ptr();
        let list = &mut self.list;
        // INVARIANT: The rules were just checked; the request is the last now.
        if list.tail.is_null() {
            list.head = request;
        } else {
            // SAFETY: The batch owns the last request, and with it the link.
            unsafe { (*list.tail).__bindgen_anon_1.rq_next = request };
        }
        list.tail = request;
    }

    /// Ends `request` with `status`: together with the others in this batch if it succeeded, alone
    /// if not.
    #[inline]
    pub fn end_with<State>(&mut self, request: Request<T, State>, status: Status) {
        if status == Status::OK {
            self.end(request);
        } else {
            request.end(status);
        }
    }
}

impl<T: Operations> Drop for Batch<T> {
    // In line even where it is called in several places: a call for one request then has no batch
    // in memory.
    #[inline(always)]
    fn drop(&mut self) {
        let bindings::rq_list { head, tail } = self.list;
        let need_time_stamp = self.flags & NEED_TIME_STAMP != 0;
        if tail.is_null() {
            // None ended.
        } else if head == tail && !need_time_stamp {
            // SAFETY: By the type's invariant the request is ours to end.
            unsafe { end_alone(tail) };
        } else {
            // SAFETY: By the type's invariant the requests are ours to end.
            unsafe { end_together(head, tail, need_time_stamp) };
        }
        if !self.waiting.is_empty() {
            core::mem::take(&mut self.waiting).hold();
        }
    }
}

/// Ends a request that a batch cannot take.
#[cold]
fn end_by_itself<T: Operations, State>(request: Request<T, State>) {
    request.end(Status::OK);
}

/// Ends a request successfully: what `blk_mq_end_request()` does for one that may end in a batch
/// and whose end does not want the time.
///
/// # Safety
///
/// The caller must own the request, which must satisfy the rules of `blk_mq_add_to_batch()`, and
/// gives it up.
#[inline]
unsafe fn end_alone(request: *mut bindings::request) {
    // SAFETY: By this function's contract. No part of the request is left, so that the result says
    // nothing; with no `end_io` it is nobody's after the end of its bios.
    unsafe {
        bindings::blk_update_request(request, Status::OK.raw(), (*request).__data_len);
        bindings::blk_mq_free_request(request);
    }
}

/// Ends requests successfully.
///
/// # Safety
///
/// The caller must own the requests, a chain through `rq_next` from `head` to `tail`, each of which
/// must satisfy the rules of `blk_mq_add_to_batch()`, and gives them up.
#[inline(always)]
unsafe fn end_together(head: *mut bindings::request, tail: *mut bindings::request, need_ts: bool) {
    let mut batch = MaybeUninit::<bindings::io_comp_batch>::uninit();
    let raw = batch.as_mut_ptr();
    // SAFETY: By this function's contract, the link of the last request is ours, and it ends the
    // chain. The function takes the requests out of the list, and is legal in every context a
    // request may end in. Of the batch it reads what is set here; the rest is the driver's own.
    unsafe {
        (*tail).__bindgen_anon_1.rq_next = null_mut();
        (*raw).req_list = bindings::rq_list { head, tail };
        (*raw).need_ts = need_ts;
        bindings::blk_mq_end_request_batch(raw);
    }
}
