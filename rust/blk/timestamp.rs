// SPDX-License-Identifier: GPL-2.0

//! When something happened to a request.

use core::sync::atomic::{AtomicI64, Ordering::Relaxed};
use kernel::bindings;

/// The time now, in nanoseconds of `CLOCK_MONOTONIC`. Any context.
#[inline]
pub(crate) fn now() -> i64 {
    // SAFETY: The function may be called in any context.
    unsafe { bindings::ktime_get() }
}

/// When something happened, in nanoseconds of `CLOCK_MONOTONIC`. Part of the request's data.
///
/// The kernel crate's atomics call a function of C for each access; this one is inline.
pub struct Timestamp(AtomicI64);

// SAFETY: Zero is a valid number.
unsafe impl pin_init::Zeroable for Timestamp {}

impl Timestamp {
    /// Notes that it happens now.
    #[inline]
    pub fn set_now(&self) {
        self.0.store(now(), Relaxed);
    }

    /// How many nanoseconds ago it happened.
    #[inline]
    pub fn elapsed(&self) -> u64 {
        now().saturating_sub(self.0.load(Relaxed)).unsigned_abs()
    }
}
