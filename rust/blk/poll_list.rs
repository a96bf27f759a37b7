// SPDX-License-Identifier: GPL-2.0

//! Requests that wait until their submitter polls for their end.

use crate::{
    fifo::{Fifo, Holder},
    operations::Operations,
    request::{Request, Started, TimedOut},
};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};

/// The requests that wait in a hardware queue for [`Operations::poll`].
#[pin_data]
pub struct PollList<T: Operations> {
    /// Taken in process context only.
    #[pin]
    requests: SpinLock<Fifo<T>>,
}

impl<T: Operations> PollList<T> {
    /// An empty list.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            requests <- new_spinlock!(Fifo::new()),
        })
    }

    /// Takes all requests out.
    #[inline]
    pub fn take(&self) -> Fifo<T> {
        core::mem::take(&mut *self.requests.lock())
    }

    /// Takes the request that timed out, if it waits here.
    pub fn remove(&self, timed_out: &TimedOut<'_, T>) -> Option<Request<T, Started>> {
        self.requests.lock().remove(timed_out)
    }
}

// SAFETY: The requests can be taken out when the lock is released.
unsafe impl<T: Operations> Holder<T> for PollList<T> {
    #[inline]
    fn push(&self, requests: Fifo<T>) {
        self.requests.lock().append(requests);
    }
}
