// SPDX-License-Identifier: GPL-2.0

//! The bugs of `main.c` that are written in Rust: the sanitizers see code of both compilers.

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
