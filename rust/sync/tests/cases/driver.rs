// SPDX-License-Identifier: GPL-2.0
//! A driver with a lock of each kind, for the cases.

use std::marker::PhantomData;
use sync::context::{Context, HardIrq, Process};
use sync::lock::{Lock, Primitive};

sync::levels! {
    /// What users change.
    Settings: Process;
    /// The names of all disks.
    Names: Process;
    /// What requests wait for, asleep.
    Store: NoIo;
    /// What requests spin for.
    Queue: Atomic;
    /// What a timer spins for.
    Deadlines: HardIrq;
}

/// Stands for the kernel's lock that is made for context `C`.
pub struct LockFor<C>(PhantomData<C>);

// SAFETY: It protects nothing.
unsafe impl<C: Context> Primitive<C> for LockFor<C> {
    type Guard<'a>
        = Guard<'a>
    where
        Self: 'a;

    fn lock(&self) -> Guard<'_> {
        Guard(PhantomData)
    }
}

/// As a guard of the kernel's: it does something when it is dropped.
pub struct Guard<'a>(PhantomData<&'a ()>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {}
}

pub struct Driver {
    pub settings: Lock<LockFor<Process>, Settings>,
    pub names: Lock<LockFor<Process>, Names>,
    pub store: Lock<LockFor<sync::context::NoIo>, Store>,
    pub queue: Lock<LockFor<sync::context::Atomic>, Queue>,
    pub deadlines: Lock<LockFor<HardIrq>, Deadlines>,
}
