// SPDX-License-Identifier: GPL-2.0

//! Locks that have a level.

use crate::{
    context::Context,
    held::Held,
    level::{Before, LockLevel},
};
use core::marker::PhantomData;

/// A lock without a level, for context `C`. The kernel's are
///
/// | `C` | lock |
/// | --- | --- |
/// | `Process`, `NoIo` | `kernel::sync::Mutex` |
/// | `Atomic` | `kernel::sync::SpinLock` |
/// | `Softirq` | `spin_lock::SpinLockBh` |
/// | `HardIrq` | `spin_lock::SpinLockIrq` |
///
/// # Safety
///
/// Until the guard is dropped nobody else may get one, and the guard's owner must be in context
/// `C`: under a lock for an interrupt, that interrupt must be off on this CPU.
pub unsafe trait Primitive<C: Context> {
    /// Access to what the lock protects.
    type Guard<'a>
    where
        Self: 'a;

    /// Takes the lock. The caller may be in context `C`.
    fn lock(&self) -> Self::Guard<'_>;
}

/// The lock `P` at level `L`.
#[repr(transparent)]
pub struct Lock<P, L> {
    primitive: P,
    _level: PhantomData<fn(L) -> L>,
}

impl<P: Primitive<L::Context>, L: LockLevel> Lock<P, L> {
    /// Takes the lock. Returns the access to what it protects, and what the caller holds while it
    /// is there.
    #[inline(always)]
    pub fn lock<'held, Outer>(
        &'held self,
        held: &'held mut Held<'_, Outer>,
    ) -> (P::Guard<'held>, Held<'held, L>)
    where
        Outer: Before<L>,
    {
        let held = held.with();
        (self.primitive.lock(), held)
    }
}

#[cfg(not(MODULE))]
impl<P, L> Lock<P, L> {
    /// Gives the lock `primitive` the level `L`.
    pub const fn new(primitive: P) -> Self {
        Self {
            primitive,
            _level: PhantomData,
        }
    }
}

#[cfg(MODULE)]
impl<P, L> Lock<P, L> {
    /// Gives the lock `primitive` the level `L`.
    pub fn new<E>(primitive: impl pin_init::PinInit<P, E>) -> impl pin_init::PinInit<Self, E> {
        // SAFETY: `Lock` is transparent, and the lock inside it is pinned when it is: it is never
        // moved out, and there is no other way to it than `&self`.
        unsafe { pin_init::cast_pin_init(primitive) }
    }
}
