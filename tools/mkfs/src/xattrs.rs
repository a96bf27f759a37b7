// SPDX-License-Identifier: GPL-2.0

//! The extended attributes of an archive: what is equal is held once, and placed once.

use layout::{xattr_set_bytes, Namespace, RegionKind, XattrEntry, XattrSet, Xattrs, PAYLOAD_SIZE};

use crate::blocks::BlockWriter;
use crate::interner::{Interner, SequenceId};
use crate::numbering::Numbering;
use crate::tar::{check_and_sort, Rule, Xattr};
use crate::tree::Tree;
use crate::{Error, PAYLOAD};

/// Number of a set of extended attributes.
pub type SetId = SequenceId<Member>;

/// Bytes of different names and values that an archive may have: so many, and more for each entry.
/// They are held in memory.
const BYTES_MAX: u64 = 32 << 20;
const BYTES_MAX_PER_ENTRY: u64 = 32;

/// Alignment of the sets in their region, in bytes.
const ALIGNMENT: u64 = 4;

/// An extended attribute of a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    namespace: Namespace,
    name: SequenceId<u8>,
    value: SequenceId<u8>,
}

/// The sets of extended attributes of an archive's entries, each in order.
#[derive(Default)]
pub struct Sets {
    sets: Interner<Member>,
    /// Names and values.
    strings: Interner<u8>,
}

impl Sets {
    /// Returns the number of a set, which is in order; `None` of the empty one. `entries` is the
    /// number of the archive's entries so far.
    ///
    /// # Errors
    ///
    /// [`Rule::TooManyXattrs`].
    pub fn add(&mut self, xattrs: &[Xattr], entries: u64) -> Result<Option<SetId>, Rule> {
        if xattrs.is_empty() {
            return Ok(None);
        }
        let for_entries = entries.saturating_mul(BYTES_MAX_PER_ENTRY);
        let max = BYTES_MAX.saturating_add(for_entries);
        let set = self.intern(xattrs);
        // CAST: `usize` is at most 64 bits wide.
        match set {
            Some(set) if self.strings.length() as u64 <= max => Ok(Some(set)),
            _ => Err(Rule::TooManyXattrs { max }),
        }
    }

    /// Returns a set.
    pub fn get(&self, set: SetId) -> Vec<Xattr> {
        let members = self.sets.get(set).iter();
        let xattr = |member: &Member| Xattr {
            namespace: member.namespace,
            name: self.strings.get(member.name).to_vec(),
            value: self.strings.get(member.value).to_vec(),
        };
        members.map(xattr).collect()
    }

    /// Returns the number of the set that has `xattr` as well, or in place of the one of its name.
    ///
    /// # Errors
    ///
    /// [`Rule::TooManyXattrs`] and [`Rule::XattrNames`].
    pub fn add_to(
        &mut self,
        set: Option<SetId>,
        xattr: Xattr,
        entries: u64,
    ) -> Result<Option<SetId>, Rule> {
        let mut xattrs = set.map(|set| self.get(set)).unwrap_or_default();
        xattrs.retain(|other| (other.namespace, &other.name) != (xattr.namespace, &xattr.name));
        xattrs.push(xattr);
        check_and_sort(&mut xattrs)?;
        self.add(&xattrs, entries)
    }

    fn intern(&mut self, xattrs: &[Xattr]) -> Option<SetId> {
        let members: Option<Vec<_>> = xattrs
            .iter()
            .map(|xattr| {
                Some(Member {
                    namespace: xattr.namespace,
                    name: self.strings.add(&xattr.name)?,
                    value: self.strings.add(&xattr.value)?,
                })
            })
            .collect();
        self.sets.add(&members?)
    }
}

/// The region of extended attributes: what it has, and where.
pub struct XattrRegion {
    pieces: Vec<Piece>,
    /// By set and by string: the byte at which it starts, if it does.
    sets: Vec<Option<u64>>,
    values: Vec<Option<u32>>,
    length: u64,
}

/// Something in the region, with the byte at which it starts.
enum Piece {
    Set(SetId, u64),
    Value(SequenceId<u8>, u64),
}

impl XattrRegion {
    /// Places the sets that inodes have, in the order of the inodes: each set is followed by those
    /// of its values that no set before it has.
    ///
    /// # Errors
    ///
    /// [`layout::Error::RegionTooLarge`] where a value would be at byte 2^32 or beyond.
    pub fn new(tree: &Tree, numbering: &Numbering) -> Result<Self, layout::Error> {
        let all = tree.xattrs();
        let mut region = Self {
            pieces: Vec::new(),
            sets: vec![None; all.sets.count()],
            values: vec![None; all.strings.count()],
            length: 0,
        };
        for inode in numbering.inodes() {
            if let Some(set) = tree.node(inode.node).xattrs {
                region.place(all, set)?;
            }
        }
        Ok(region)
    }

    /// Length of the region in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the place of a set that an inode has.
    pub fn find(&self, set: SetId) -> Option<Xattrs> {
        let place = self.sets.get(set.place()).copied().flatten();
        place.map(|position| Xattrs { position })
    }

    /// Writes the region.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write<F>(&self, tree: &Tree, out: &mut BlockWriter<F>) -> Result<(), Error>
    where
        F: FnMut(&[u8]) -> Result<(), Error>,
    {
        let all = tree.xattrs();
        let mut bytes = [0; PAYLOAD_SIZE];
        for piece in &self.pieces {
            match *piece {
                Piece::Set(set, place) => {
                    let members = all.sets.get(set).iter();
                    let entries = members.map(|member| self.entry(all, member));
                    // The reader of the archive gives a set what fits into a block.
                    let used = XattrSet::encode(&mut bytes, entries).unwrap_or(0);
                    out.fill_to(place)?;
                    out.write(bytes.get(..used).unwrap_or_default())?;
                }
                Piece::Value(value, place) => {
                    out.fill_to(place)?;
                    out.write(all.strings.get(value))?;
                }
            }
        }
        out.end_region()
    }

    fn place(&mut self, all: &Sets, set: SetId) -> Result<(), layout::Error> {
        let Some(place @ None) = self.sets.get_mut(set.place()) else {
            return Ok(());
        };
        let members = all.sets.get(set);
        let names = members
            .iter()
            .map(|member| all.strings.get(member.name).len())
            .sum();
        // CAST: `usize` is at most 64 bits wide, here and below.
        let size = xattr_set_bytes(members.len(), names) as u64;
        let mut position = self.length.next_multiple_of(ALIGNMENT);
        if (position % PAYLOAD).saturating_add(size) > PAYLOAD {
            position = position.next_multiple_of(PAYLOAD);
        }
        *place = Some(position);
        self.length = position.saturating_add(size);
        self.pieces.push(Piece::Set(set, position));
        for member in members {
            let value = all.strings.get(member.value);
            let too_large = layout::Error::RegionTooLarge {
                region: RegionKind::Xattrs.name(),
                records: self.length,
            };
            if let Some(place @ None) = self.values.get_mut(member.value.place()) {
                *place = match value {
                    b"" => Some(0),
                    _ => Some(u32::try_from(self.length).map_err(|_| too_large)?),
                };
                self.pieces.push(Piece::Value(member.value, self.length));
                self.length = self.length.saturating_add(value.len() as u64);
            }
        }
        Ok(())
    }

    fn entry<'a>(&self, all: &'a Sets, member: &Member) -> XattrEntry<'a> {
        let value = all.strings.get(member.value);
        let place = self.values.get(member.value.place()).copied().flatten();
        XattrEntry {
            namespace: member.namespace,
            name: all.strings.get(member.name),
            // CAST: at most 65536.
            value_length: value.len() as u32,
            // Every value of a set that was placed has a place.
            value_position: place.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattr(value: &[u8]) -> Xattr {
        Xattr {
            namespace: Namespace::User,
            name: b"name".to_vec(),
            value: value.to_vec(),
        }
    }

    /// An archive must not take any amount of memory; what is equal takes it once.
    #[test]
    fn values_that_differ_are_limited() {
        let mut sets = Sets::default();
        let mut value = vec![0; 1 << 16];
        let mut add = |number: u32, entries| {
            value[..4].copy_from_slice(&number.to_le_bytes());
            sets.add(&[xattr(&value)], entries).map(drop)
        };
        for number in 0..511 {
            assert_eq!(add(number, 1), Ok(()));
        }
        for _ in 0..1000 {
            assert_eq!(add(7, 1), Ok(()));
        }
        assert_eq!(add(511, 1), Ok(()));
        let max = (32 << 20) + 32;
        assert_eq!(add(512, 1), Err(Rule::TooManyXattrs { max }));
        assert_eq!(add(513, 1 << 16), Ok(()));
    }

    #[test]
    fn one_more_extended_attribute() {
        let mut sets = Sets::default();
        let set = sets.add(&[xattr(b"1")], 1).unwrap();
        let trusted = Xattr {
            namespace: Namespace::Trusted,
            ..xattr(b"2")
        };
        let two = sets.add_to(set, trusted.clone(), 1).unwrap().unwrap();
        assert_eq!(sets.get(two), [xattr(b"1"), trusted]);
        let replaced = sets.add_to(set, xattr(b"3"), 1).unwrap().unwrap();
        assert_eq!(sets.get(replaced), [xattr(b"3")]);
        assert!(sets.add_to(None, xattr(b"1"), 1) == Ok(set));
    }
}
