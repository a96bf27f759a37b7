// SPDX-License-Identifier: GPL-2.0

//! Requests that wait in the driver, the one with the earliest deadline first.

use crate::{
    delay::Delayed,
    request::{Request, Started},
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::bindings;

/// Started requests in a pairing heap: adding one takes a comparison, taking the first one out
/// some in proportion to the logarithm of their number, on average. Those with the same deadline come
/// in any order. Their links are a field of their own (`queuelist`), so that keeping one needs no
/// memory.
///
/// Dropping it ends every request in it with an I/O error.
///
/// # Invariants
///
/// `root` is `None`, or the root of a tree of requests that this heap owns as `Request<T, Started>`
/// do. A request's children are a chain that begins at its `queuelist.next` and goes on through
/// their `queuelist.prev`, ended by null. A request is in one chain, or is the root.
///
/// That no deadline is before the parent's is no invariant: a driver can change one meanwhile, and
/// gets the wrong order for it.
pub(crate) struct DeadlineHeap<T: Delayed> {
    root: Option<NonNull<bindings::request>>,
    _requests: PhantomData<fn(T)>,
}

// SAFETY: A collection of requests, each of which is `Send`.
unsafe impl<T: Delayed> Send for DeadlineHeap<T> {}

/// The deadline of a request.
///
/// # Safety
///
/// `request` must be one of the operations of `T`, and valid.
unsafe fn deadline<T: Delayed>(request: NonNull<bindings::request>) -> i64 {
    // SAFETY: By this function's contract.
    T::deadline(unsafe { &*crate::request::data::<T>(request) }).get()
}

/// The first child of a request of a heap.
///
/// # Safety
///
/// The links of `request` must be the heap's.
unsafe fn child(request: NonNull<bindings::request>) -> Link {
    // SAFETY: By this function's contract.
    Link(unsafe { &raw mut (*request.as_ptr()).__bindgen_anon_1.queuelist.next })
}

/// The next child of the parent of a request of a heap.
///
/// # Safety
///
/// The links of `request` must be the heap's.
unsafe fn sibling(request: NonNull<bindings::request>) -> Link {
    // SAFETY: By this function's contract.
    Link(unsafe { &raw mut (*request.as_ptr()).__bindgen_anon_1.queuelist.prev })
}

/// A field of a request of a heap that refers to another, or to none.
///
/// # Invariants
///
/// The pointer is valid, and its target the heap's, as long as the heap owns the request.
struct Link(*mut *mut bindings::list_head);

impl Link {
    fn get(&self) -> Option<NonNull<bindings::request>> {
        // SAFETY: By the type's invariant.
        // CAST: It is null, or was a request in `set`.
        NonNull::new(unsafe { *self.0 }.cast())
    }

    fn set(&self, request: Option<NonNull<bindings::request>>) {
        let raw = request.map_or(core::ptr::null_mut(), NonNull::as_ptr);
        // SAFETY: By the type's invariant.
        unsafe { *self.0 = raw.cast() };
    }
}

impl<T: Delayed> DeadlineHeap<T> {
    /// An empty heap.
    pub(crate) const fn new() -> Self {
        // INVARIANT: There is no request.
        Self {
            root: None,
            _requests: PhantomData,
        }
    }

    /// The earliest deadline.
    pub(crate) fn first(&self) -> Option<i64> {
        // SAFETY: By the type's invariant.
        self.root.map(|root| unsafe { deadline::<T>(root) })
    }

    /// Adds a request.
    pub(crate) fn push(&mut self, request: Request<T, Started>) {
        let request = request.into_raw();
        // SAFETY: The heap owns the request now, and with it the links.
        unsafe {
            child(request).set(None);
            sibling(request).set(None);
        }
        self.root = Some(match self.root {
            // SAFETY: Both are roots of trees of this heap.
            Some(root) => unsafe { Self::meld(root, request) },
            None => request,
        });
    }

    /// Takes the request out that has the earliest deadline, if that is not after `time`.
    pub(crate) fn pop(&mut self, time: i64) -> Option<Request<T, Started>> {
        let first = self
            .root
            // SAFETY: By the type's invariant.
            .filter(|root| unsafe { deadline::<T>(*root) } <= time)?;
        // SAFETY: By the type's invariant its children are roots of trees, in a chain.
        self.root = unsafe { Self::meld_all(child(first).get()) };
        // SAFETY: The heap gives the request up, which is in no chain any more.
        Some(unsafe { Request::from_started(first) })
    }

    /// Makes one tree of a chain of trees: of pairs from the first to the last, and of all these
    /// from the last to the first.
    ///
    /// # Safety
    ///
    /// `chain` must be `None` or the first of a chain of trees of this heap, that are in no other.
    unsafe fn meld_all(
        mut chain: Option<NonNull<bindings::request>>,
    ) -> Option<NonNull<bindings::request>> {
        let mut pairs = None;
        while let Some(one) = chain {
            // SAFETY: By this function's contract, as are those below; each link is read before
            // the request goes into another chain.
            unsafe {
                let other = sibling(one).get();
                chain = other.and_then(|other| sibling(other).get());
                let pair = match other {
                    Some(other) => Self::meld(one, other),
                    None => one,
                };
                sibling(pair).set(pairs);
                pairs = Some(pair);
            }
        }
        let mut root = None;
        while let Some(pair) = pairs {
            // SAFETY: The chain was made above.
            unsafe {
                pairs = sibling(pair).get();
                root = Some(match root {
                    Some(root) => Self::meld(pair, root),
                    None => pair,
                });
            }
        }
        // SAFETY: The request is the heap's. A root is in no chain.
        root.inspect(|root| unsafe { sibling(*root).set(None) })
    }

    /// Makes one tree of two, and returns its root.
    ///
    /// # Safety
    ///
    /// Both must be roots of trees of this heap, not of the same one, that are in no chain.
    unsafe fn meld(
        one: NonNull<bindings::request>,
        other: NonNull<bindings::request>,
    ) -> NonNull<bindings::request> {
        // SAFETY: By this function's contract both are the heap's.
        unsafe {
            let (parent, new) = if deadline::<T>(other) < deadline::<T>(one) {
                (other, one)
            } else {
                (one, other)
            };
            // INVARIANT: The new child goes before the others.
            sibling(new).set(child(parent).get());
            child(parent).set(Some(new));
            parent
        }
    }
}

impl<T: Delayed> Default for DeadlineHeap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Delayed> Drop for DeadlineHeap<T> {
    fn drop(&mut self) {
        while let Some(request) = self.pop(i64::MAX) {
            drop(request);
        }
    }
}
