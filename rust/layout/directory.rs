// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Directories: leaves of entries, ordered by the hash of the name.

use core::ops::Range;

use zerocopy::{FromBytes, IntoBytes};

use crate::{mode, raw, Error, Superblock, NAME_MAX, PAYLOAD, PAYLOAD_SIZE};

/// Where a directory's leaves are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Inode number of the parent directory; the root's is its own.
    pub parent: u32,
    /// Number of leaves; 0 for an empty directory.
    pub leaves: u32,
    /// Byte in the leaf region at which the first leaf starts, a multiple of 4.
    pub first: u64,
}

impl Directory {
    /// Checks a directory's parent and that all its leaves start in the leaf region.
    pub(crate) fn decode(
        ino: u32,
        parent: u32,
        leaves: u64,
        data: u64,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        let is_root = ino == crate::ROOT_INO;
        if parent < crate::ROOT_INO || (parent >= ino && !is_root) || (is_root && parent != ino) {
            return Err(Error::Parent { ino, parent });
        }
        let outside = Error::Leaves { ino, leaves, data };
        let leaves = u32::try_from(leaves).map_err(|_| outside)?;
        let first = data.checked_mul(4).ok_or(outside)?;
        let directory = Self {
            parent,
            leaves,
            first,
        };
        let whole_blocks = first % PAYLOAD == 0;
        match leaves.checked_sub(1) {
            None if data != 0 => return Err(outside),
            Some(last) => {
                if last > 0 && !whole_blocks {
                    return Err(outside);
                }
                sb.leaf_position(&directory, last).map_err(|_| outside)?;
            }
            None => {}
        }
        Ok(directory)
    }
}

/// Returns which of a directory's `leaves` leaves has the names with this hash.
#[inline]
pub fn leaf_of(hash: u32, leaves: u32) -> u32 {
    // CAST: the product is below leaves << 32.
    (u64::from(hash).wrapping_mul(u64::from(leaves)) >> 32) as u32
}

/// Returns how many bytes a leaf of `entries` entries takes whose names have `names` bytes in all;
/// the largest `usize` where that cannot be expressed.
#[inline]
pub fn leaf_bytes(entries: usize, names: usize) -> usize {
    entries
        .saturating_mul(size_of::<raw::LeafEntry>())
        .saturating_add(size_of::<raw::LeafHeader>())
        .saturating_add(names)
}

/// A directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Inode number, one that the image has.
    pub ino: u32,
    /// 1 to [`NAME_MAX`] bytes without `/` or NUL; not `.` or `..`.
    pub name: &'a [u8],
    /// One of the `DT_*` values that [`crate::d_type`] returns.
    pub file_type: u8,
    /// The name's hash under the image's seed.
    pub hash: u32,
}

/// A leaf: the part of a directory whose hashes fall into one interval.
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    /// The bytes that the leaf uses, at most a block.
    bytes: &'a [u8],
    entries: &'a [raw::LeafEntry],
    inodes: u32,
}

impl<'a> Leaf<'a> {
    /// Reads the leaf at `offset` of an index block (see [`Superblock::leaf_position`]).
    ///
    /// # Errors
    ///
    /// [`Error::LeafLength`] where the leaf does not fit into the block or its entries not into it;
    /// [`Error::LeafEmpty`] where it has no entry although it is its directory's only leaf.
    #[inline]
    pub fn decode(
        block: &'a [u8],
        offset: usize,
        directory: &Directory,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        let rest = block.get(offset..).ok_or(Error::OutOfBlock { offset })?;
        let (header, _) =
            raw::LeafHeader::ref_from_prefix(rest).map_err(|_| Error::OutOfBlock { offset })?;
        let (count, used) = (header.entries.get(), header.used.get());
        let wrong_length = Error::LeafLength {
            offset,
            entries: count,
            used,
        };
        let bytes = rest.get(..usize::from(used)).ok_or(wrong_length)?;
        let after_header = bytes
            .get(size_of::<raw::LeafHeader>()..)
            .ok_or(wrong_length)?;
        let (entries, _) =
            <[raw::LeafEntry]>::ref_from_prefix_with_elems(after_header, usize::from(count))
                .map_err(|_| wrong_length)?;
        if entries.is_empty() && directory.leaves <= 1 {
            return Err(Error::LeafEmpty { offset });
        }
        Ok(Self {
            bytes,
            entries,
            inodes: sb.inode_count(),
        })
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the leaf has no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns entry number `index`, in the order of the hashes.
    ///
    /// # Errors
    ///
    /// [`Error::NoEntry`] where `index` is not below [`Leaf::len`]; otherwise the rule that the
    /// entry breaks.
    #[inline]
    pub fn entry(&self, index: usize) -> Result<Entry<'a>, Error> {
        let raw = self.entries.get(index).ok_or(Error::NoEntry {
            index,
            entries: self.len(),
        })?;
        let name = self.name(index, raw)?;
        let has_bad_byte = name.iter().any(|&byte| byte == b'/' || byte == 0);
        if has_bad_byte || matches!(name, b"" | b"." | b"..") {
            return Err(Error::EntryName {
                index,
                length: raw.name_length,
            });
        }
        self.checked(index, raw, name)
    }

    /// Finds the entry of a name. `hash` is the name's; `name` is a legal name.
    ///
    /// # Errors
    ///
    /// The rule that an entry with this hash breaks.
    #[inline]
    pub fn find(&self, hash: u32, name: &[u8]) -> Result<Option<Entry<'a>>, Error> {
        let mut index = self
            .entries
            .partition_point(|entry| entry.hash.get() < hash);
        while let Some(raw) = self.entries.get(index).filter(|raw| raw.hash.get() == hash) {
            let found = self.name(index, raw)?;
            if found == name {
                return self.checked(index, raw, found).map(Some);
            }
            index = index.saturating_add(1);
        }
        Ok(None)
    }

    /// Writes a leaf of these entries, which are in the order that the format asks for, to the
    /// start of `out`. Returns the number of bytes, or `None` where they are more than `out` or a
    /// block has.
    pub fn encode<'b>(
        out: &mut [u8],
        entries: impl ExactSizeIterator<Item = Entry<'b>>,
    ) -> Option<usize> {
        let out_length = out.len().min(PAYLOAD_SIZE);
        let out = out.get_mut(..out_length)?;
        let count = entries.len();
        let mut entry_at = size_of::<raw::LeafHeader>();
        let mut name_at = leaf_bytes(count, 0);
        for entry in entries {
            let record = raw::LeafEntry {
                hash: entry.hash.into(),
                ino: entry.ino.into(),
                name_position: u16::try_from(name_at).ok()?.into(),
                name_length: u8::try_from(entry.name.len()).ok()?,
                file_type: entry.file_type,
            };
            let name_end = name_at.checked_add(entry.name.len())?;
            record.write_to_prefix(out.get_mut(entry_at..)?).ok()?;
            out.get_mut(name_at..name_end)?.copy_from_slice(entry.name);
            entry_at = entry_at.checked_add(size_of::<raw::LeafEntry>())?;
            name_at = name_end;
        }
        let header = raw::LeafHeader {
            entries: u16::try_from(count).ok()?.into(),
            used: u16::try_from(name_at).ok()?.into(),
        };
        header.write_to_prefix(out).ok()?;
        Some(name_at)
    }

    #[inline]
    fn name(&self, index: usize, raw: &raw::LeafEntry) -> Result<&'a [u8], Error> {
        let start = usize::from(raw.name_position.get());
        let length = usize::from(raw.name_length);
        let range = Range {
            start,
            end: start.saturating_add(length),
        };
        let names_start = leaf_bytes(self.len(), 0);
        self.bytes
            .get(range)
            .filter(|_| start >= names_start && length > 0)
            .ok_or(Error::EntryPosition {
                index,
                position: raw.name_position.get(),
                length: raw.name_length,
            })
    }

    fn checked(
        &self,
        index: usize,
        raw: &raw::LeafEntry,
        name: &'a [u8],
    ) -> Result<Entry<'a>, Error> {
        let (ino, file_type) = (raw.ino.get(), raw.file_type);
        if ino < crate::ROOT_INO || ino > self.inodes {
            return Err(Error::EntryInode {
                index,
                ino,
                inodes: self.inodes,
            });
        }
        if !mode::is_d_type(file_type) {
            return Err(Error::EntryType { index, file_type });
        }
        Ok(Entry {
            ino,
            name,
            file_type,
            hash: raw.hash.get(),
        })
    }
}

const _: () = assert!(NAME_MAX == u8::MAX as usize);
