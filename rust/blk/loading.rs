// SPDX-License-Identifier: GPL-2.0

//! The thread that loads the module.

use core::sync::atomic::{AtomicBool, Ordering};
use kernel::prelude::*;
use sync::{context::Process, held::Held};

/// Runs the part of a module's `init` that takes locks, with what the thread that loads the module
/// holds: nothing.
///
/// # Errors
///
/// Those of `init`, and `EBUSY` for all but the first call: only a call from `init` is in time.
pub fn init<T>(init: impl FnOnce(&mut Held<'_, Process>) -> Result<T>) -> Result<T> {
    static DONE: AtomicBool = AtomicBool::new(false);

    if DONE.swap(true, Ordering::Relaxed) {
        return Err(EBUSY);
    }
    // SAFETY: The first code of a module to run is its `init`, in process context without locks.
    init(&mut unsafe { Held::outermost() })
}
