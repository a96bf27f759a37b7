// SPDX-License-Identifier: GPL-2.0

//! Where code runs, which decides what it may do to take a lock.
//!
//! The contexts are ordered, each forbidding more than the one before: [`Process`], [`NoIo`],
//! [`Atomic`], [`Softirq`], [`HardIrq`]. A lock is declared for the strictest context it is taken
//! in, and whoever holds it is in that context: interrupts are off under the lock of an interrupt.

use crate::level::Level;

/// A context. It is a [`Level`] too: that of code that holds no lock.
pub trait Context: Level<Context = Self> + sealed::Sealed {}

/// The context forbids what `Other` forbids, at least.
#[diagnostic::on_unimplemented(
    message = "a lock for context `{Self}` cannot be taken in context `{Other}`",
    label = "takes a lock that is not made for context `{Other}`",
    note = "declare the level for the strictest context that its locks are taken in"
)]
pub trait AtLeast<Other: Context>: Context {}

/// Process context: code may sleep, and may wait for requests to end.
pub enum Process {}

/// Code that requests wait for, in process context: it may sleep, but not wait for requests, and
/// memory it allocates must not come from writing pages back (`GFP_NOIO`).
pub enum NoIo {}

/// Code that may not sleep, outside interrupts. Its locks are spin locks that interrupts do not
/// take (`spin_lock()`).
pub enum Atomic {}

/// Softirqs. Under their locks softirqs are off (`spin_lock_bh()`).
pub enum Softirq {}

/// Hard interrupts. Under their locks interrupts are off (`spin_lock_irqsave()`).
pub enum HardIrq {}

mod sealed {
    /// Keeps the contexts to those of this file.
    pub trait Sealed {}
}

/// Orders contexts: each is at least itself and those before it.
macro_rules! order {
    ($($context:ident: $($before:ident)*;)*) => {$(
        impl sealed::Sealed for $context {}
        impl Context for $context {}
        impl Level for $context {
            type Context = Self;
        }
        impl AtLeast<$context> for $context {}
        $(impl AtLeast<$before> for $context {})*
    )*};
}

order! {
    Process: ;
    NoIo: Process;
    Atomic: Process NoIo;
    Softirq: Process NoIo Atomic;
    HardIrq: Process NoIo Atomic Softirq;
}
