// SPDX-License-Identifier: GPL-2.0

//! Requests that each end a time of their own after they came.

use crate::{
    batch::Batch,
    deadline_heap::DeadlineHeap,
    delay::Delayed,
    fifo::{Fifo, Holder},
    request::{Request, Started, TimedOut},
    timer::Timer,
    timestamp::now,
};
use kernel::{bindings, container_of, prelude::*};
use sync::{held::Held, spin_lock::SpinLockIrq};

/// Requests that each wait as long as their [`Deadline::set_delay`] says, from when they are handed
/// over to the queue: those of one call to `->queue_rqs` together.
///
/// One timer is set to the earliest deadline. Requests that their submitters poll for wait for
/// [`DelayQueue::take_due`] instead, so that the queue of a hardware queue for polling needs none.
/// Where all delays are the same, a [`DelayLine`](crate::delay::DelayLine) costs less.
///
/// [`Deadline::set_delay`]: crate::delay::Deadline::set_delay
#[pin_data]
pub struct DelayQueue<T: Delayed> {
    /// Stops before the requests go.
    #[pin]
    timer: Timer,
    /// The timer's handler takes the lock too.
    #[pin]
    waiting: SpinLockIrq<Waiting<T>>,
}

/// What the lock of a [`DelayQueue`] protects.
struct Waiting<T: Delayed> {
    requests: DeadlineHeap<T>,
    /// When the timer runs out, if it is set: not after the earliest deadline of a request that is
    /// not polled for.
    timer: Option<i64>,
}

impl<T: Delayed> Waiting<T> {
    /// Takes out what is due.
    fn take_due(&mut self) -> Fifo<T> {
        let now = now();
        let mut due = Fifo::new();
        while let Some(request) = self.requests.pop(now) {
            due.push(request);
        }
        due
    }
}

impl<T: Delayed> DelayQueue<T> {
    /// An empty queue.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The handler is made for a timer that is part of a `DelayQueue<T>`.
            timer <- unsafe { Timer::new(Self::expired) },
            waiting <- SpinLockIrq::new(
                Waiting {
                    requests: DeadlineHeap::new(),
                    timer: None,
                },
                c"DelayQueue",
                kernel::static_lock_class!(),
            ),
        })
    }

    /// Takes out the requests whose time has come, of a hardware queue for polling.
    pub fn take_due(&self) -> Fifo<T> {
        self.waiting.lock().take_due()
    }

    /// Takes the request that timed out, if it waits here. That takes time in proportion to the
    /// number of requests that do.
    pub fn remove(&self, timed_out: &TimedOut<'_, T>) -> Option<Request<T, Started>> {
        let mut waiting = self.waiting.lock();
        let mut rest = core::mem::take(&mut waiting.requests);
        let mut found = None;
        while let Some(request) = rest.pop(i64::MAX) {
            if request.as_ptr() == timed_out.as_ptr() {
                found = Some(request);
            } else {
                waiting.requests.push(request);
            }
        }
        // The timer may run out for nothing.
        found
    }

    /// The timer's handler: ends what is due, and sets the timer for the next.
    ///
    /// # Safety
    ///
    /// `timer` must be the one of a live `DelayQueue<T>`.
    unsafe extern "C" fn expired(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: By this function's contract. The queue's timer is dropped first, which waits for
        // the handler.
        let queue = unsafe { &*container_of!(Timer::from_raw(timer), Self, timer) };

        let mut waiting = queue.waiting.lock();
        let mut due = waiting.take_due();
        waiting.timer = waiting.requests.first();
        // Under the lock, as `push` does: who sets the timer last knows all requests.
        if let Some(next) = waiting.timer {
            queue.timer.start(next);
        }
        drop(waiting);

        let mut batch = Batch::new();
        while let Some(request) = due.pop() {
            // SAFETY: The timer's handler is called in an interrupt, and the queue's own lock was
            // released.
            T::due(request, &mut batch, &mut unsafe { Held::outermost() });
        }
        drop(batch);
        // It was started above, if it is to run.
        bindings::hrtimer_restart_HRTIMER_NORESTART
    }
}

// SAFETY: The requests can be taken out when the lock is released.
unsafe impl<T: Delayed> Holder<T> for DelayQueue<T> {
    fn push(&self, mut requests: Fifo<T>) {
        let mut waiting = self.waiting.lock();
        let now = now();
        let mut polled = false;
        while let Some(request) = requests.pop() {
            // All of a hardware queue are, or none.
            polled = request.is_polled();
            T::deadline(request.data()).start(now);
            waiting.requests.push(request);
        }
        let first = waiting.requests.first();
        let is_earlier = |first: &i64| waiting.timer.is_none_or(|timer| *first < timer);
        if let Some(first) = first.filter(is_earlier).filter(|_| !polled) {
            waiting.timer = Some(first);
            self.timer.start(first);
        }
    }
}
