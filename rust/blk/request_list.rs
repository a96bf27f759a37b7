// SPDX-License-Identifier: GPL-2.0

//! Lists of idle requests, as `->queue_rqs` gets them.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{operations::Operations, request::IdleRequest};
use core::{
    marker::PhantomData,
    ptr::{null_mut, NonNull},
};
use kernel::bindings;

/// A singly linked list of requests (`struct rq_list`).
///
/// Unlike its C model it is not a pair of public pointers but an owner: dropping the list ends
/// every request in it with an error.
///
/// # Invariants
///
/// `head` and `tail` are both null, or the ends of a chain through `rq_next` that ends in null, of
/// requests that this list owns as an [`IdleRequest`] does.
pub(crate) struct RequestList<'call, T: Operations> {
    raw: bindings::rq_list,
    _call: PhantomData<IdleRequest<'call, T>>,
}

impl<'call, T: Operations> RequestList<'call, T> {
    /// An empty list.
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: Both ends are null.
        Self {
            raw: bindings::rq_list {
                head: null_mut(),
                tail: null_mut(),
            },
            _call: PhantomData,
        }
    }

    /// Takes all the requests out of `list`, leaving it empty.
    ///
    /// # Safety
    ///
    /// `list` must hold requests as [`IdleRequest::from_raw`] wants them, each owned by that list.
    #[inline]
    pub(crate) unsafe fn take(list: &mut bindings::rq_list) -> Self {
        let taken = Self {
            raw: *list,
            _call: PhantomData,
        };
        *list = Self::new().into_raw();
        taken
    }

    /// Gives up the ownership of all requests.
    #[inline]
    pub(crate) fn into_raw(self) -> bindings::rq_list {
        core::mem::ManuallyDrop::new(self).raw
    }

    /// Takes the first request out (`rq_list_pop()`).
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<IdleRequest<'call, T>> {
        let first = NonNull::new(self.raw.head)?;
        // SAFETY: By the type's invariant `first` is a request in the chain; the driver owns the
        // link while it owns the request.
        self.raw.head = unsafe { (*first.as_ptr()).__bindgen_anon_1.rq_next };
        if self.raw.head.is_null() {
            self.raw.tail = null_mut();
        }
        // SAFETY: The list owned the request, and does no more.
        Some(unsafe { IdleRequest::from_raw(first) })
    }

    /// Appends a request (`rq_list_add_tail()`).
    #[inline]
    pub(crate) fn push(&mut self, request: IdleRequest<'call, T>) {
        // SAFETY: The request is the list's own now.
        unsafe { add_tail(&mut self.raw, request.into_raw()) };
    }
}

impl<T: Operations> Drop for RequestList<'_, T> {
    #[inline]
    fn drop(&mut self) {
        while let Some(request) = self.pop() {
            drop(request);
        }
    }
}

/// Appends a request to a list (`rq_list_add_tail()`).
///
/// # Safety
///
/// `list` must be empty or a chain of valid requests through `rq_next`; the caller must own both
/// the list and the request, and the request goes into the list's ownership.
#[inline]
pub(crate) unsafe fn add_tail(list: &mut bindings::rq_list, request: NonNull<bindings::request>) {
    let request = request.as_ptr();
    // SAFETY: The caller owns the request, and with it the link.
    unsafe { (*request).__bindgen_anon_1.rq_next = null_mut() };
    if list.tail.is_null() {
        list.head = request;
    } else {
        // SAFETY: By this function's contract the last request of the list is valid and the
        // caller's own.
        unsafe { (*list.tail).__bindgen_anon_1.rq_next = request };
    }
    list.tail = request;
}
