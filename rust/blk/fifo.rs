// SPDX-License-Identifier: GPL-2.0

//! Requests that wait in the driver, first in, first out.

use crate::{
    operations::Operations,
    request::{Request, Started, TimedOut},
    request_list::add_tail,
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{null_mut, NonNull},
};
use kernel::{bindings, types::ForeignOwnable};

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

    /// Appends all requests of `other`.
    #[inline]
    pub fn append(&mut self, other: Self) {
        let other = ManuallyDrop::new(other).raw;
        if self.raw.tail.is_null() {
            self.raw = other;
        } else if !other.head.is_null() {
            // SAFETY: By the type's invariant the last request is valid, and its link ours.
            unsafe { (*self.raw.tail).__bindgen_anon_1.rq_next = other.head };
            self.raw.tail = other.tail;
        }
    }

    /// Lets the requests wait, each in what [`Operations::holder`] returns for its hardware queue;
    /// those for which it returns nothing end with an I/O error.
    #[cold]
    pub(crate) fn hold(mut self) {
        while let Some(first) = self.pop() {
            let queue = first.hw_queue();
            // SAFETY: The requests keep their hardware queue and its data from going away; the
            // holder in it is used only until they can be taken out of it, as `Holder` promises.
            let hw = || unsafe { T::HwData::borrow((*queue).driver_data) };
            let holder = T::holder(hw(), &first);
            let mut run = Self::new();
            run.push(first);
            while let Some(next) =
                self.pop_if(|next| next.hw_queue() == queue && same(T::holder(hw(), next), holder))
            {
                run.push(next);
            }
            if let Some(holder) = holder {
                holder.push(run);
            }
        }
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

/// Something that the requests of a hardware queue can wait in; part of its
/// [`HwData`](Operations::HwData).
///
/// # Safety
///
/// Once others can take the requests out of the holder they may end, and the holder go away with
/// its hardware queue. So `push` must touch nothing of `self` after that but to release a lock.
pub unsafe trait Holder<T: Operations> {
    /// Takes requests of the hardware queue, at least one.
    fn push(&self, requests: Fifo<T>);
}

/// Whether two holders are one.
fn same<T: Operations>(a: Option<&dyn Holder<T>>, b: Option<&dyn Holder<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => core::ptr::addr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}
