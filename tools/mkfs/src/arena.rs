// SPDX-License-Identifier: GPL-2.0

//! Values that are referred to by number: four bytes instead of a pointer's eight.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// Number of a value in an [`Arena`] of `T`.
pub struct Id<T> {
    /// One more than the value's place.
    number: NonZeroU32,
    values: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The number of the first value.
    pub const FIRST: Self = Self {
        number: NonZeroU32::MIN,
        values: PhantomData,
    };

    /// The value's place, counted from 0.
    pub fn place(self) -> usize {
        // CAST: `usize` has at least 32 bits here.
        (self.number.get() as usize).saturating_sub(1)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Id<T> {}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// A growing sequence of values, none of which is ever removed.
pub struct Arena<T> {
    values: Vec<T>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Number of values.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// Adds a value; `None` where it would be number 2^32 or higher.
    pub fn push(&mut self, value: T) -> Option<Id<T>> {
        let number = u32::try_from(self.values.len()).ok()?.checked_add(1)?;
        self.values.push(value);
        Some(Id {
            number: NonZeroU32::new(number)?,
            values: PhantomData,
        })
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "an Id comes from push, and values are not removed"
)]
impl<T> Index<Id<T>> for Arena<T> {
    type Output = T;

    fn index(&self, id: Id<T>) -> &T {
        &self.values[id.place()]
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "an Id comes from push, and values are not removed"
)]
impl<T> IndexMut<Id<T>> for Arena<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.values[id.place()]
    }
}
