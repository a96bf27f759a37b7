// SPDX-License-Identifier: GPL-2.0

//! The bugs of `main.c` that are written in Rust: the sanitizers see code of both compilers.

use core::{cell::UnsafeCell, hint::black_box};

use kernel::{new_mutex, new_spinlock, prelude::*, sync::Mutex};

/// Reads one byte behind an allocation.
#[no_mangle]
pub extern "C" fn rust_out_of_bounds() {
    if let Ok(bytes) = KBox::new([0u8; 40], GFP_KERNEL) {
        // SAFETY: None: the byte is not in the allocation. This is the bug.
        let _ = unsafe { bytes.as_ptr().wrapping_add(40).read_volatile() };
    }
}

/// Reads what was freed.
#[no_mangle]
pub extern "C" fn rust_use_after_free() {
    if let Ok(number) = KBox::new(1u64, GFP_KERNEL) {
        let pointer = &raw const *number;
        drop(number);
        // SAFETY: None: the allocation has ended. This is the bug.
        let _ = unsafe { pointer.read_volatile() };
    }
}

/// Forgets an allocation.
#[no_mangle]
pub extern "C" fn rust_forgotten_allocation() {
    if let Ok(number) = KBox::new([1u64; 8], GFP_KERNEL) {
        core::mem::forget(number);
    }
}

/// Takes two locks in either order.
#[no_mangle]
pub extern "C" fn rust_lock_order() {
    let locks = (
        KBox::pin_init(new_mutex!((), "first"), GFP_KERNEL),
        KBox::pin_init(new_mutex!((), "second"), GFP_KERNEL),
    );
    if let (Ok(first), Ok(second)) = locks {
        take_both(&first, &second);
        take_both(&second, &first);
    }
}

fn take_both(outer: &Mutex<()>, inner: &Mutex<()>) {
    let _outer = outer.lock();
    let _inner = inner.lock();
}

/// Takes a lock that may sleep below one under which nothing may.
#[no_mangle]
pub extern "C" fn rust_sleep_in_atomic() {
    let locks = (
        KBox::pin_init(new_spinlock!((), "atomic"), GFP_KERNEL),
        KBox::pin_init(new_mutex!((), "sleeps"), GFP_KERNEL),
    );
    if let (Ok(atomic), Ok(sleeps)) = locks {
        let _atomic = atomic.lock();
        let _sleeps = sleeps.lock();
    }
}

/// A number that all threads can write.
struct Unlocked(UnsafeCell<u32>);

// SAFETY: None: nothing keeps writes apart. This is the bug of `rust_write_unlocked`.
unsafe impl Sync for Unlocked {}

/// Writes a number under no lock, for as long as another thread takes to start doing so too.
#[no_mangle]
pub extern "C" fn rust_write_unlocked() {
    static NUMBER: Unlocked = Unlocked(UnsafeCell::new(0));
    for value in 0..1_000_000 {
        // SAFETY: The static is always there. That it is written elsewhere at the same time is
        // the bug; that the pointer is not known keeps the compiler from writing once.
        unsafe { *black_box(NUMBER.0.get()) = value };
    }
}
