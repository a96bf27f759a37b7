// SPDX-License-Identifier: GPL-2.0

//! Names by directory and text.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use super::{LinkId, NodeId};

/// Spreads 32 bits over 64: the table looks at the lowest and the highest.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hash of a name in a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct NameHash(u32);

impl NameHash {
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(SPREAD)
    }
}

/// A name. Its hash is held, for a table that grows needs those of all.
struct Slot {
    hash: NameHash,
    link: LinkId,
}

/// Finds names.
#[derive(Default)]
pub(super) struct Names {
    table: HashTable<Slot>,
    /// Seeded at random, so that no archive can make names collide.
    hasher: foldhash::fast::RandomState,
}

impl Names {
    /// Bytes that a name takes here at most, room for more included.
    pub(super) const COST: usize = 2 * (size_of::<Slot>() + 1);

    /// Returns the hash of a name in a directory.
    pub(super) fn hash(&self, directory: NodeId, name: &[u8]) -> NameHash {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_usize(directory.place());
        hasher.write(name);
        // CAST: 32 bits are kept.
        NameHash(hasher.finish() as u32)
    }

    /// Returns the name of this hash for which `is_it` holds.
    pub(super) fn find(&self, hash: NameHash, is_it: impl Fn(LinkId) -> bool) -> Option<LinkId> {
        let slot = self
            .table
            .find(hash.spread(), |slot| slot.hash == hash && is_it(slot.link));
        slot.map(|slot| slot.link)
    }

    /// Adds a name.
    pub(super) fn insert(&mut self, hash: NameHash, link: LinkId) {
        let slot = Slot { hash, link };
        self.table
            .insert_unique(hash.spread(), slot, |slot| slot.hash.spread());
    }

    /// Takes a name out.
    pub(super) fn remove(&mut self, hash: NameHash, link: LinkId) {
        let entry = self
            .table
            .find_entry(hash.spread(), |slot| slot.link == link);
        if let Ok(entry) = entry {
            entry.remove();
        }
    }
}
