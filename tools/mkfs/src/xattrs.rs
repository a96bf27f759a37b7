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
    /// Returns the number of a set, which is in order; `Some(None)` of the empty one. `None` where
    /// there are too many.
    pub fn add(&mut self, xattrs: &[Xattr]) -> Option<Option<SetId>> {
        if xattrs.is_empty() {
            return Some(None);
        }
        self.intern(xattrs).map(Some)
    }

    /// Bytes of memory that they take, and that their places in the index will take.
    pub fn memory(&self) -> u64 {
        self.sets.memory().saturating_add(self.strings.memory())
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
    /// [`Rule::XattrNames`] and [`Rule::TooManyFiles`].
    pub fn add_to(&mut self, set: Option<SetId>, xattr: Xattr) -> Result<Option<SetId>, Rule> {
        let mut xattrs = set.map(|set| self.get(set)).unwrap_or_default();
        xattrs.retain(|other| (other.namespace, &other.name) != (xattr.namespace, &xattr.name));
        xattrs.push(xattr);
        check_and_sort(&mut xattrs)?;
        self.add(&xattrs).ok_or(Rule::TooManyFiles)
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

    /// What is equal takes memory once.
    #[test]
    fn memory_of_what_differs() {
        let mut sets = Sets::default();
        let mut value = vec![0; 1 << 16];
        let mut add = |number: u32| {
            value[..4].copy_from_slice(&number.to_le_bytes());
            assert!(sets.add(&[xattr(&value)]).is_some());
            sets.memory()
        };
        let one = add(1);
        assert_eq!(add(1), one);
        let two = add(2);
        assert!(two > 2 << 16 && two < (2 << 16) + 1000, "{two}");
    }

    #[test]
    fn one_more_extended_attribute() {
        let mut sets = Sets::default();
        let set = sets.add(&[xattr(b"1")]).unwrap();
        let trusted = Xattr {
            namespace: Namespace::Trusted,
            ..xattr(b"2")
        };
        let two = sets.add_to(set, trusted.clone()).unwrap().unwrap();
        assert_eq!(sets.get(two), [xattr(b"1"), trusted]);
        let replaced = sets.add_to(set, xattr(b"3")).unwrap().unwrap();
        assert_eq!(sets.get(replaced), [xattr(b"3")]);
        assert!(sets.add_to(None, xattr(b"1")) == Ok(set));
    }
}
