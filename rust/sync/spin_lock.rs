// SPDX-License-Identifier: GPL-2.0

//! Spin locks that keep interrupts away, which the kernel crate does not have.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use kernel::{
    bindings,
    ffi::{c_char, c_int, c_ulong},
    sync::lock::{Backend, Lock},
};

/// A spin lock under which softirqs are off on the CPU that holds it (`spin_lock_bh()`).
pub type SpinLockBh<T> = Lock<T, BottomHalf>;

/// A spin lock under which interrupts are off on the CPU that holds it (`spin_lock_irqsave()`).
pub type SpinLockIrq<T> = Lock<T, Interrupts>;

/// [`SpinLockBh`], to the kernel crate.
pub enum BottomHalf {}

/// [`SpinLockIrq`], to the kernel crate.
pub enum Interrupts {}

/// `spinlock_check()`.
fn raw(lock: *mut bindings::spinlock_t) -> *mut bindings::raw_spinlock_t {
    // CAST: The raw lock is the first field, which bindgen does not see in the union around it.
    lock.cast()
}

// SAFETY: `spinlock_t` excludes all others between lock and unlock; `relock` is the default.
unsafe impl Backend for BottomHalf {
    type State = bindings::spinlock_t;
    type GuardState = ();

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: By this function's contract.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    #[inline]
    unsafe fn lock(ptr: *mut Self::State) {
        // SAFETY: By this function's contract the lock is initialised.
        unsafe { bindings::_raw_spin_lock_bh(raw(ptr)) }
    }

    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<()> {
        // SAFETY: By this function's contract the lock is initialised.
        let taken: c_int = unsafe { bindings::_raw_spin_trylock_bh(raw(ptr)) };
        (taken != 0).then_some(())
    }

    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, (): &()) {
        // SAFETY: By this function's contract the caller owns the lock.
        unsafe { bindings::_raw_spin_unlock_bh(raw(ptr)) }
    }

    /// Asserts nothing: a guard is made where the lock was just taken, and the call would cost more
    /// than the lock.
    #[inline]
    unsafe fn assert_is_held(_ptr: *mut Self::State) {}
}

// SAFETY: As above.
unsafe impl Backend for Interrupts {
    type State = bindings::spinlock_t;
    /// The interrupt flag from before.
    type GuardState = c_ulong;

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: By this function's contract.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    #[inline]
    unsafe fn lock(ptr: *mut Self::State) -> c_ulong {
        // SAFETY: By this function's contract the lock is initialised.
        unsafe { bindings::_raw_spin_lock_irqsave(raw(ptr)) }
    }

    /// Never succeeds: what C does is inline, and nothing here tries.
    unsafe fn try_lock(_ptr: *mut Self::State) -> Option<c_ulong> {
        None
    }

    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, flags: &c_ulong) {
        // SAFETY: By this function's contract the caller owns the lock and has the flags of when
        // it was taken.
        unsafe { bindings::_raw_spin_unlock_irqrestore(raw(ptr), *flags) }
    }

    /// Asserts nothing, as above.
    #[inline]
    unsafe fn assert_is_held(_ptr: *mut Self::State) {}
}
