// SPDX-License-Identifier: GPL-2.0

//! What someone holds, as a value.

use crate::{
    context::Context,
    level::{Before, Level, LockLevel},
};
use core::marker::PhantomData;

/// Proof that its owner holds no lock that comes after level `L`, and runs in the context of `L`.
///
/// It is empty: to pass it costs nothing. It stays with the thread that it was made for, and a
/// lock is taken with a unique borrow of it, so that of the locks under it one at a time is held.
#[must_use]
pub struct Held<'outer, L: Level> {
    _outer: PhantomData<&'outer mut ()>,
    _level: PhantomData<fn(L) -> L>,
    _thread: PhantomData<*mut ()>,
}

impl<C: Context> Held<'_, C> {
    /// What a callback holds that was called without a lock of the driver.
    ///
    /// # Safety
    ///
    /// The caller must run in context `C` or one that forbids less, with no lock held that a `Held`
    /// stands for, except as a callback from a function that took a `Held` to be called. The
    /// result must not outlive the callback.
    #[inline(always)]
    pub unsafe fn outermost() -> Self {
        Self::new()
    }
}

impl<L: Level> Held<'_, L> {
    #[inline(always)]
    fn new() -> Self {
        Self {
            _outer: PhantomData,
            _level: PhantomData,
            _thread: PhantomData,
        }
    }

    /// What someone holds who takes a lock of level `Inner` now.
    #[inline(always)]
    pub(crate) fn with<Inner: LockLevel>(&mut self) -> Held<'_, Inner>
    where
        L: Before<Inner>,
    {
        Held::new()
    }
}
