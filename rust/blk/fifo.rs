// SPDX-License-Identifier: GPL-2.0

//! Requests that wait in the driver, first in, first out.

use crate::{
    operations::Operations,
    request::{Request, Started, TimedOut},
    request_list::add_tail,
};
use core::{
    marker::PhantomData,
    ptr::{null_mut, NonNull},
};
use kernel::bindings;

/// Started requests in the order in which they came. They are linked through a field of their own
/// (`rq_next`), so that keeping one needs no memory.
///
/// Dropping it ends every request in it with an I/O error.
///
/// # Invariants
///
/// `head` and `tail` are both null, or the ends of a chain through `rq_next` that ends in null, of
/// requests that this list owns as a `Request<T, Started>` does.
pub struct Fifo<T: Operations> {
    raw: bindings::rq_list,
    _requests: PhantomData<fn(T)>,
}

// SAFETY: A list of requests, each of which is `Send`.
unsafe impl<T: Operations> Send for Fifo<T> {}

impl<T: Operations> Fifo<T> {
    /// An empty list.
    pub const fn new() -> Self {
        // INVARIANT: Both ends are null.
        Self {
            raw: bindings::rq_list {
                head: null_mut(),
                tail: null_mut(),
            },
            _requests: PhantomData,
        }
    }

    /// Whether there is no request.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.raw.head.is_null()
    }

    /// Appends a request.
    #[inline]
    pub fn push(&mut self, request: Request<T, Started>) {
        // SAFETY: The list owns its requests, and now this one.
        unsafe { add_tail(&mut self.raw, request.into_raw()) };
    }

    /// Takes the first request out.
    #[inline]
    pub fn pop(&mut self) -> Option<Request<T, Started>> {
        self.pop_if(|_| true)
    }

    /// Takes the first request out if it satisfies `condition`.
    #[inline]
    pub fn pop_if(
        &mut self,
        condition: impl FnOnce(&Request<T, Started>) -> bool,
    ) -> Option<Request<T, Started>> {
        let first = NonNull::new(self.raw.head)?;
        // SAFETY: By the type's invariant the list owns the request; it gives it up below, or
        // the value made here is forgotten.
        let request = unsafe { Request::from_started(first) };
        if !condition(&request) {
            request.into_raw();
            return None;
        }
        // SAFETY: The link is the driver's while it owns the request.
        self.raw.head = unsafe { (*first.as_ptr()).__bindgen_anon_1.rq_next };
        if self.raw.head.is_null() {
            self.raw.tail = null_mut();
        }
        Some(request)
    }

    /// The first request.
    #[inline]
    pub fn first_data(&self) -> Option<&T::RequestData> {
        let first = NonNull::new(self.raw.head)?;
        // SAFETY: By the type's invariant the request is valid while it is in the list.
        Some(unsafe { &*crate::request::data::<T>(first) })
    }

    /// Takes the request that timed out from wherever it is, if it is in this list. That takes
    /// time in proportion to the list's length.
    pub fn remove(&mut self, timed_out: &TimedOut<'_, T>) -> Option<Request<T, Started>> {
        let mut rest = core::mem::replace(self, Self::new());
        let mut found = None;
        while let Some(request) = rest.pop() {
            if request.as_ptr() == timed_out.as_ptr() {
                found = Some(request);
            } else {
                self.push(request);
            }
        }
        found
    }
}

impl<T: Operations> Default for Fifo<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Operations> Drop for Fifo<T> {
    fn drop(&mut self) {
        while let Some(request) = self.pop() {
            drop(request);
        }
    }
}

/// Something that requests can wait in; see [`Request::hold`].
///
/// # Safety
///
/// Once others can take the request out of the holder it may end, and the holder go away with its
/// hardware queue. So `push` must touch nothing of `self` after that but to release a lock.
pub unsafe trait Holder<T: Operations> {
    /// Takes a request.
    fn push(&self, request: Request<T, Started>);
}
