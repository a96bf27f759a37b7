// SPDX-License-Identifier: GPL-2.0

//! Sequences of values, such as strings of bytes, each of which is held once.

use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use hashbrown::HashTable;

use crate::arena::{Arena, Id};

/// Number of a sequence in an [`Interner`] of `T`.
pub type SequenceId<T> = Id<Sequence<T>>;

/// Where a sequence is among the values.
pub struct Sequence<T> {
    start: usize,
    length: usize,
    values: PhantomData<fn() -> T>,
}

/// Bytes that a sequence takes at most: where it is, here and elsewhere, and its number in the table.
const SEQUENCE: usize = 2 * (size_of::<Sequence<u8>>() + 8) + 16;

/// Sequences by number, equal ones with equal numbers.
pub struct Interner<T> {
    sequences: Arena<Sequence<T>>,
    values: Vec<T>,
    by_values: HashTable<SequenceId<T>>,
    /// Seeded at random, so that no archive can make sequences collide.
    hasher: foldhash::fast::RandomState,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            sequences: Arena::default(),
            values: Vec::new(),
            by_values: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl<T: Copy + Eq + Hash> Interner<T> {
    /// Number of different sequences.
    pub fn count(&self) -> usize {
        self.sequences.count()
    }

    /// Bytes of memory that they take, and that as many places of theirs elsewhere do.
    pub fn memory(&self) -> u64 {
        let sequences = self.count().saturating_mul(SEQUENCE);
        let values = self.values.len().saturating_mul(size_of::<T>());
        // CAST: `usize` is at most 64 bits wide.
        sequences.saturating_add(values) as u64
    }

    /// Returns the number of a sequence; `None` where it is new and there are 2^32 - 1 others.
    pub fn add(&mut self, values: &[T]) -> Option<SequenceId<T>> {
        let hash = self.hasher.hash_one(values);
        let is_it = |&id: &SequenceId<T>| self.get(id) == values;
        if let Some(&known) = self.by_values.find(hash, is_it) {
            return Some(known);
        }
        let id = self.sequences.push(Sequence {
            start: self.values.len(),
            length: values.len(),
            values: PhantomData,
        })?;
        self.values.extend_from_slice(values);
        // The table needs the hashes of what it holds when it grows.
        let mut table = std::mem::take(&mut self.by_values);
        table.insert_unique(hash, id, |&other| self.hasher.hash_one(self.get(other)));
        self.by_values = table;
        Some(id)
    }

    /// Returns a sequence.
    pub fn get(&self, id: SequenceId<T>) -> &[T] {
        let Sequence { start, length, .. } = self.sequences[id];
        let range = start..start.saturating_add(length);
        self.values.get(range).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn equal_sequences_have_one_number() {
        let mut interner = Interner::<u8>::default();
        let texts: Vec<String> = (0..1000).map(|i| (i % 300).to_string()).collect();
        let ids: Vec<_> = texts
            .iter()
            .map(|text| interner.add(text.as_bytes()).unwrap())
            .collect();
        assert_eq!(interner.count(), 300);
        assert_eq!(interner.values.len(), 10 + 90 * 2 + 200 * 3);
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(ids[i].place(), i % 300);
            assert_eq!(interner.get(ids[i]), text.as_bytes());
        }
    }
}
