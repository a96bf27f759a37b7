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
use core::ptr::null_mut;
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
/// 32 instead of one by one, and reads the clock once.
///
/// # Invariants
///
/// `raw.req_list` holds started requests that this batch owns and that satisfy the rules of
/// `blk_mq_add_to_batch()`: a chain through `rq_next` from `head` to `tail`, whose own link is set
/// when the batch is dropped only. Without requests both are null.
pub struct Batch<T: Operations> {
    raw: bindings::io_comp_batch,
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
            raw: pin_init::zeroed(),
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
            request.end(Status::OK);
            return;
        }
        self.flags |= flags;
        let request = request.into_raw().as_ptr();
        let list = &mut self.raw.req_list;
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
    #[inline]
    fn drop(&mut self) {
        let last = self.raw.req_list.tail;
        if !last.is_null() {
            self.raw.need_ts = self.flags & NEED_TIME_STAMP != 0;
            // SAFETY: By the type's invariant every request in the list is ours to end and may
            // end in a batch, and the last one's link is to be set. The function takes them all
            // out of the list, and is legal in every context a request may end in.
            unsafe {
                (*last).__bindgen_anon_1.rq_next = null_mut();
                bindings::blk_mq_end_request_batch(&mut self.raw);
            }
        }
        if !self.waiting.is_empty() {
            core::mem::take(&mut self.waiting).hold();
        }
    }
}
