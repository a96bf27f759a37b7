// SPDX-License-Identifier: GPL-2.0

//! Requests that end a fixed time after they came.

use crate::{
    batch::Batch,
    fifo::{Fifo, Holder},
    operations::Operations,
    request::{Request, Started},
    timer::Timer,
    timestamp::now,
};
use core::sync::atomic::{AtomicI64, Ordering::Relaxed};
use kernel::{bindings, container_of, prelude::*};
use sync::{context::HardIrq, held::Held, spin_lock::SpinLockIrq};

/// When a request is to end, in nanoseconds of `CLOCK_MONOTONIC`. Part of the request's data.
///
/// The kernel crate's atomics call a function of C for each access; this one is inline. The lock of
/// where the request waits synchronises the accesses.
pub struct Deadline(AtomicI64);

// SAFETY: Zero is a valid number.
unsafe impl pin_init::Zeroable for Deadline {}

impl Deadline {
    /// Says how long the request is to wait in a [`DelayQueue`](crate::delay_queue::DelayQueue), in
    /// nanoseconds.
    #[inline]
    pub fn set_delay(&self, nanoseconds: u64) {
        let nanoseconds = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        self.0.store(nanoseconds, Relaxed);
    }

    /// Makes a deadline of the delay, which begins at `time`.
    #[inline]
    pub(crate) fn start(&self, time: i64) {
        self.0.store(time.saturating_add(self.get()), Relaxed);
    }

    /// The deadline.
    #[inline]
    pub(crate) fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }

    /// Changes the deadline.
    #[inline]
    fn set(&self, deadline: i64) {
        self.0.store(deadline, Relaxed);
    }
}

/// Operations whose requests can wait in a [`DelayLine`] or a
/// [`DelayQueue`](crate::delay_queue::DelayQueue).
pub trait Delayed: Operations {
    /// The request's deadline.
    fn deadline(data: &Self::RequestData) -> &Deadline;

    /// Ends a request whose time has come.
    fn due(request: Request<Self, Started>, batch: &mut Batch<Self>, held: &mut Held<'_, HardIrq>);
}

/// Requests that each wait for the same time, from when they are handed over to the line: those of
/// one call to `->queue_rqs` together, as a device sees those of one ring of its doorbell.
///
/// As the time is the same for all, they end in the order in which they came, so that one timer
/// and a list do: the timer is set to the first request's deadline, and takes out what is due.
#[pin_data]
pub struct DelayLine<T: Delayed> {
    /// Stops before the requests go.
    #[pin]
    timer: Timer,
    /// The timer's handler takes the lock too.
    #[pin]
    waiting: SpinLockIrq<Waiting<T>>,
    nanoseconds: i64,
}

/// What the lock of a [`DelayLine`] protects.
struct Waiting<T: Delayed> {
    requests: Fifo<T>,
    /// Whether the timer is set, or its handler runs and will set it.
    timer_is_set: bool,
}

impl<T: Delayed> DelayLine<T> {
    /// An empty line, in which each request waits for `nanoseconds`, at most 2^63 - 1.
    pub fn new(nanoseconds: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The handler is made for a timer that is part of a `DelayLine<T>`.
            timer <- unsafe { Timer::new(Self::expired) },
            waiting <- SpinLockIrq::new(
                Waiting {
                    requests: Fifo::new(),
                    timer_is_set: false,
                },
                c"DelayLine",
                kernel::static_lock_class!(),
            ),
            nanoseconds: i64::try_from(nanoseconds).unwrap_or(i64::MAX),
        })
    }

    /// The timer's handler: ends what is due, and sets the timer for the next.
    ///
    /// # Safety
    ///
    /// `timer` must be the one of a live `DelayLine<T>`.
    unsafe extern "C" fn expired(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: By this function's contract. The line's timer is dropped first, which waits for
        // the handler.
        let line = unsafe { &*container_of!(Timer::from_raw(timer), Self, timer) };
        let now = now();

        let mut due = Fifo::new();
        let mut waiting = line.waiting.lock();
        while let Some(request) = waiting
            .requests
            .pop_if(|request| T::deadline(request.data()).get() <= now)
        {
            due.push(request);
        }
        let next = waiting.requests.first_data();
        let next = next.map(|data| T::deadline(data).get());
        if let Some(next) = next {
            // SAFETY: The timer's own handler may set its time, as `hrtimer_forward()` does;
            // nobody starts it meanwhile, because `timer_is_set`.
            unsafe {
                (*timer).node.expires = next;
                (*timer)._softexpires = next;
            }
        }
        waiting.timer_is_set = next.is_some();
        drop(waiting);

        let mut batch = Batch::new();
        while let Some(request) = due.pop() {
            // SAFETY: The timer's handler is called in an interrupt, and the line's own lock was
            // released.
            T::due(request, &mut batch, &mut unsafe { Held::outermost() });
        }
        drop(batch);
        match next {
            Some(_) => bindings::hrtimer_restart_HRTIMER_RESTART,
            None => bindings::hrtimer_restart_HRTIMER_NORESTART,
        }
    }
}

// SAFETY: The requests can be taken out when the lock is released.
unsafe impl<T: Delayed> Holder<T> for DelayLine<T> {
    fn push(&self, mut requests: Fifo<T>) {
        let mut waiting = self.waiting.lock();
        // The clock is read under the lock, so that deadlines are in the list's order.
        let deadline = now().saturating_add(self.nanoseconds);
        while let Some(request) = requests.pop() {
            T::deadline(request.data()).set(deadline);
            waiting.requests.push(request);
        }
        if !waiting.timer_is_set {
            waiting.timer_is_set = true;
            self.timer.start(deadline);
        }
    }
}
