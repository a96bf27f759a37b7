// SPDX-License-Identifier: GPL-2.0

//! Requests that end a fixed time after they came.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
//!
//! The kernel crate has an `hrtimer` too. It starts a timer by giving away a reference to what the
//! timer is part of, counted for each start, and its handler cannot set an absolute time; a queue
//! that starts its timer from the I/O path needs neither the count nor the handle.

use crate::{
    batch::Batch,
    fifo::{Fifo, Holder},
    operations::Operations,
    request::{Request, Started},
};
use core::sync::atomic::{AtomicI64, Ordering::Relaxed};
use kernel::{bindings, container_of, prelude::*, types::Opaque};
use sync::{context::HardIrq, held::Held, spin_lock::SpinLockIrq};

/// When a request is to end, in nanoseconds of `CLOCK_MONOTONIC`. Part of the request's data.
///
/// The kernel crate's atomics call a function of C for each access; this one is inline. The lock of
/// the line synchronises the accesses.
pub struct Deadline(AtomicI64);

// SAFETY: Zero is a valid number.
unsafe impl pin_init::Zeroable for Deadline {}

/// Operations whose requests can wait in a [`DelayLine`].
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
#[pin_data(PinnedDrop)]
pub struct DelayLine<T: Delayed> {
    #[pin]
    timer: Opaque<bindings::hrtimer>,
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

// SAFETY: The requests are `Send`; the timer may be cancelled on any CPU.
unsafe impl<T: Delayed> Send for DelayLine<T> {}

// SAFETY: The lock synchronises all access.
unsafe impl<T: Delayed> Sync for DelayLine<T> {}

impl<T: Delayed> DelayLine<T> {
    /// An empty line, in which each request waits for `nanoseconds`, at most 2^63 - 1.
    pub fn new(nanoseconds: u64) -> impl PinInit<Self> {
        pin_init!(Self {
            timer <- Opaque::ffi_init(|timer: *mut bindings::hrtimer| {
                // SAFETY: The place is valid and will not move. The handler gets a timer that is
                // part of a `DelayLine<T>`.
                unsafe {
                    bindings::hrtimer_setup(
                        timer,
                        Some(Self::expired),
                        // CAST: The constant is 1.
                        bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                        bindings::hrtimer_mode_HRTIMER_MODE_ABS,
                    )
                }
            }),
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
        // SAFETY: By this function's contract. The line is not dropped before the handler
        // returns: dropping it waits for that.
        let line = unsafe { &*container_of!(Opaque::cast_from(timer), Self, timer) };
        // SAFETY: The function may be called in any context.
        let now = unsafe { bindings::ktime_get() };

        let mut due = Fifo::new();
        let mut waiting = line.waiting.lock();
        while let Some(request) = waiting
            .requests
            .pop_if(|request| T::deadline(request.data()).0.load(Relaxed) <= now)
        {
            due.push(request);
        }
        let next = waiting.requests.first_data();
        let next = next.map(|data| T::deadline(data).0.load(Relaxed));
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
        // SAFETY: The function may be called in any context.
        let deadline = unsafe { bindings::ktime_get() }.saturating_add(self.nanoseconds);
        while let Some(request) = requests.pop() {
            T::deadline(request.data()).0.store(deadline, Relaxed);
            waiting.requests.push(request);
        }
        if !waiting.timer_is_set {
            waiting.timer_is_set = true;
            // SAFETY: The timer is set up, and not queued: it runs out before the flag is cleared.
            unsafe {
                bindings::hrtimer_start_range_ns(
                    self.timer.get(),
                    deadline,
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_ABS,
                )
            };
        }
    }
}

#[pinned_drop]
impl<T: Delayed> PinnedDrop for DelayLine<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The timer is set up. The function waits for the handler.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
        // The requests, if there are any, end with the list.
    }
}
