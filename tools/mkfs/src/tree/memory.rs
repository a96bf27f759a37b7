// SPDX-License-Identifier: GPL-2.0

//! How much memory a tree may take: an archive must not take any amount of it.

use layout::{Directory, SparseExtent};

use super::names::Names;
use super::node::{Link, Node, SparseFile};
use super::Tree;
use crate::tar::Rule;

/// What any archive may take, and more for each of its entries, in bytes. Together with what the
/// program takes by itself, that is less than 100 MB and 200 bytes an entry.
const MAX: u64 = 64 << 20;
const MAX_PER_ENTRY: u64 = 200;

/// Bytes of a file and of a name, with what laying out the index takes for each or finding it did;
/// and of a directory with a leaf.
const FILE: usize = size_of::<Node>() + 24;
const NAME: usize = size_of::<Link>() + Names::COST;
const DIRECTORY: usize = size_of::<Directory>() + 24;

/// What there is that takes memory, and how much of it may be taken.
pub(super) struct Memory {
    more: u64,
    entries: u64,
    directories: u64,
}

impl Memory {
    /// Starts with no entry. `more` bytes are allowed than usual.
    pub(super) fn new(more: u64) -> Self {
        Self {
            more,
            entries: 0,
            directories: 0,
        }
    }

    /// Counts an entry.
    pub(super) fn count_entry(&mut self) {
        self.entries = self.entries.saturating_add(1);
    }

    /// Counts a directory.
    pub(super) fn count_directory(&mut self) {
        self.directories = self.directories.saturating_add(1);
    }

    /// Checks that the tree does not take too much.
    ///
    /// # Errors
    ///
    /// [`Rule::TooMuchMemory`].
    pub(super) fn check(&self, tree: &Tree) -> Result<(), Rule> {
        let for_entries = self.entries.saturating_mul(MAX_PER_ENTRY);
        let max = MAX.saturating_add(for_entries).saturating_add(self.more);
        if self.taken(tree) > max {
            return Err(Rule::TooMuchMemory { max });
        }
        Ok(())
    }

    fn taken(&self, tree: &Tree) -> u64 {
        // CAST: `usize` is at most 64 bits wide.
        let of = |count: usize, size: usize| (count as u64).saturating_mul(size as u64);
        [
            of(tree.nodes.count(), FILE),
            of(tree.links.count(), NAME),
            of(tree.text.len(), 1),
            of(tree.sparse.count(), size_of::<SparseFile>()),
            of(tree.extents.len(), size_of::<SparseExtent>()),
            self.directories.saturating_mul(DIRECTORY as u64),
            tree.xattrs.memory(),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}
