// SPDX-License-Identifier: GPL-2.0

//! Which of the kernel's locks are made for which context.

use crate::{
    context::{Atomic, Context, HardIrq, NoIo, Process, Softirq},
    lock::Primitive,
    spin_lock::{BottomHalf, Interrupts},
};
use kernel::sync::lock::{mutex::MutexBackend, spinlock::SpinLockBackend, Backend, Guard, Lock};

/// The locks of this backend are made for context `C`.
///
/// # Safety
///
/// Their owner must be in context `C`, as [`Primitive`] has it.
unsafe trait MadeFor<C: Context>: Backend + 'static {}

// SAFETY: Under a mutex code may sleep. What it may wait for is not the mutex's business.
unsafe impl MadeFor<Process> for MutexBackend {}

// SAFETY: As above.
unsafe impl MadeFor<NoIo> for MutexBackend {}

// SAFETY: Under a spin lock nothing sleeps, and no interrupt takes it: that would be another
// context.
unsafe impl MadeFor<Atomic> for SpinLockBackend {}

// SAFETY: Softirqs are off while it is held.
unsafe impl MadeFor<Softirq> for BottomHalf {}

// SAFETY: Interrupts are off while it is held.
unsafe impl MadeFor<HardIrq> for Interrupts {}

// SAFETY: A lock of the kernel excludes others until its guard is dropped; for the context see
// `MadeFor`.
unsafe impl<T, B: MadeFor<C>, C: Context> Primitive<C> for Lock<T, B> {
    type Guard<'a>
        = Guard<'a, T, B>
    where
        T: 'a;

    #[inline(always)]
    fn lock(&self) -> Self::Guard<'_> {
        Self::lock(self)
    }
}
