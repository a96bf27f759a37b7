// SPDX-License-Identifier: GPL-2.0

//! Timers that the I/O path starts.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h)
//!
//! The kernel crate has an `hrtimer` too. It starts a timer by giving away a reference to what the
//! timer is part of, counted for each start, and its handler cannot set an absolute time; a queue
//! that starts its timer from the I/O path needs neither the count nor the handle.

use kernel::{bindings, prelude::*, types::Opaque};

/// What a timer calls, in an interrupt.
pub(crate) type Handler = unsafe extern "C" fn(*mut bindings::hrtimer) -> bindings::hrtimer_restart;

/// A timer of `CLOCK_MONOTONIC`. Dropping it stops it and waits for its handler; what the handler
/// uses must stand behind it in the structure that both are part of, so that it is dropped later.
///
/// # Invariants
///
/// `raw` is set up.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
pub(crate) struct Timer {
    #[pin]
    raw: Opaque<bindings::hrtimer>,
}

// SAFETY: C's functions lock, and may be called on any CPU.
unsafe impl Send for Timer {}

// SAFETY: As above.
unsafe impl Sync for Timer {}

impl Timer {
    /// A timer that is not started.
    ///
    /// # Safety
    ///
    /// `handler` must be made for a timer that is part of what this one becomes part of.
    pub(crate) unsafe fn new(handler: Handler) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: It is set up here.
            raw <- Opaque::ffi_init(move |timer: *mut bindings::hrtimer| {
                // SAFETY: The place is valid and will not move. By this function's contract the
                // handler gets a timer that it is made for.
                unsafe {
                    bindings::hrtimer_setup(
                        timer,
                        Some(handler),
                        // CAST: The constant is 1.
                        bindings::CLOCK_MONOTONIC as bindings::clockid_t,
                        bindings::hrtimer_mode_HRTIMER_MODE_ABS,
                    )
                }
            }),
        })
    }

    /// Calls the handler at `time`, in nanoseconds of the clock, and not when it was to be called
    /// before. Any context, the handler included.
    #[inline]
    pub(crate) fn start(&self, time: i64) {
        // SAFETY: By the type's invariant. The function takes timers that are queued, those that
        // are not, and those whose handler runs.
        unsafe {
            bindings::hrtimer_start_range_ns(
                self.raw.get(),
                time,
                0,
                bindings::hrtimer_mode_HRTIMER_MODE_ABS,
            )
        };
    }

    /// The timer that C calls `timer`.
    pub(crate) fn from_raw(timer: *mut bindings::hrtimer) -> *const Self {
        // CAST: The type is transparent.
        timer.cast_const().cast()
    }
}

#[pinned_drop]
impl PinnedDrop for Timer {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant. The function waits for the handler.
        unsafe { bindings::hrtimer_cancel(self.raw.get()) };
    }
}
