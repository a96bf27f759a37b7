// SPDX-License-Identifier: GPL-2.0

//! A limit to the bandwidth of a disk.
//!
//! C headers: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h),
//! [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{operations::Operations, request::IdleRequest, units::Bytes};
use core::{
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, Ordering::SeqCst},
};
use kernel::{bindings, container_of, prelude::*, types::Opaque};

/// How often there is something to transfer again.
const TICKS_PER_SECOND: u64 = 50;

/// The time between.
const TICK_NSEC: u64 = 1_000_000_000 / TICKS_PER_SECOND;

/// What a disk may transfer, a part of it every 20 ms. When that is used up, the disk's queues are
/// stopped until there is more.
///
/// It is part of the data of one disk, whose [`Operations::stopped`] must call [`Throttle::stop`].
#[pin_data(PinnedDrop)]
pub struct Throttle {
    /// Runs while less than a tick's worth is left, so that an idle disk costs nothing.
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    timer_is_set: AtomicBool,
    /// Bytes; less than none after a request that is longer than what was left, so that one that is
    /// longer than a tick's worth comes through too.
    left: AtomicI64,
    per_tick: i64,
    /// The disk's queue, known from the first request on.
    queue: AtomicPtr<bindings::request_queue>,
}

// SAFETY: The timer may be cancelled on any CPU.
unsafe impl Send for Throttle {}

// SAFETY: All that changes is atomic, or the timer's own.
unsafe impl Sync for Throttle {}

impl Throttle {
    /// A limit of `per_second`, less than 2^63 bytes.
    pub fn new(per_second: Bytes) -> impl PinInit<Self> {
        // CAST: Less than 2^63, divided.
        let per_tick = (per_second.get() / TICKS_PER_SECOND) as i64;
        pin_init!(Self {
            timer <- Opaque::ffi_init(|timer: *mut bindings::hrtimer| {
                // SAFETY: The place is valid and will not move. The handler gets a timer that is
                // part of a `Throttle`.
                unsafe {
                    bindings::hrtimer_setup(
                        timer,
                        Some(Self::tick),
                        // CAST: The constant is 1.
                        bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                        bindings::hrtimer_mode_HRTIMER_MODE_REL,
                    )
                }
            }),
            timer_is_set: AtomicBool::new(false),
            left: AtomicI64::new(per_tick),
            per_tick,
            queue: AtomicPtr::new(null_mut()),
        })
    }

    /// Takes what `request` transfers from what is left. Returns whether there was any; if not,
    /// the disk's queues are stopped, and the request is to be refused as
    /// [`Busy::Device`](crate::request::Busy::Device).
    pub fn charge<T: Operations>(&self, request: &IdleRequest<'_, T>) -> bool {
        let queue = request.queue();
        self.queue.store(queue, SeqCst);
        let may_go = self.left.load(SeqCst) > 0;
        if may_go {
            // CAST: A request is shorter than 2^32 bytes.
            let length = i64::from(request.length().get() as u32);
            self.left.fetch_sub(length, SeqCst);
        } else {
            // SAFETY: The request keeps its queue.
            unsafe { bindings::blk_mq_stop_hw_queues(queue) };
            if self.left.load(SeqCst) > 0 {
                // The timer came between.
                // SAFETY: As above.
                unsafe { bindings::blk_mq_start_stopped_hw_queues(queue, true) };
            }
        }
        // Afterwards, so that a timer that just found nothing to do is started again.
        if !self.timer_is_set.swap(true, SeqCst) {
            // SAFETY: The timer is set up, and not queued: it runs out before the flag is cleared.
            unsafe {
                bindings::hrtimer_start_range_ns(
                    self.timer.get(),
                    // CAST: 2·10^7.
                    TICK_NSEC as i64,
                    0,
                    bindings::hrtimer_mode_HRTIMER_MODE_REL,
                )
            };
        }
        may_go
    }

    /// Ends the work of the timer, when no request comes any more. Process context, waits.
    pub fn stop(&self) {
        // SAFETY: The timer is set up.
        unsafe { bindings::hrtimer_cancel(self.timer.get()) };
    }

    /// The timer's handler: there is as much to transfer as a tick has.
    ///
    /// # Safety
    ///
    /// `timer` must be the one of a live `Throttle`, to which no request is charged any more when
    /// its queue goes.
    unsafe extern "C" fn tick(timer: *mut bindings::hrtimer) -> bindings::hrtimer_restart {
        // SAFETY: By this function's contract.
        let throttle = unsafe { &*container_of!(Opaque::cast_from(timer), Self, timer) };
        if throttle.left.load(SeqCst) == throttle.per_tick {
            throttle.timer_is_set.store(false, SeqCst);
            // Unless something was charged meanwhile, without starting the timer, this is all.
            if throttle.left.load(SeqCst) == throttle.per_tick
                || throttle.timer_is_set.swap(true, SeqCst)
            {
                return bindings::hrtimer_restart_HRTIMER_NORESTART;
            }
        }
        // What was transferred beyond a tick's worth is for later ticks to pay.
        let _ = throttle.left.fetch_update(SeqCst, SeqCst, |left| {
            Some((left + throttle.per_tick).min(throttle.per_tick))
        });
        // SAFETY: A request was charged, so that the queue is known; the timer is cancelled before
        // it goes. The function may be called in interrupts if it is to work asynchronously.
        unsafe { bindings::blk_mq_start_stopped_hw_queues(throttle.queue.load(SeqCst), true) };
        // SAFETY: The timer's own handler may set its time.
        unsafe { bindings::hrtimer_forward(timer, bindings::ktime_get(), TICK_NSEC as i64) };
        bindings::hrtimer_restart_HRTIMER_RESTART
    }
}

#[pinned_drop]
impl PinnedDrop for Throttle {
    fn drop(self: Pin<&mut Self>) {
        self.stop();
    }
}
