// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Extended attributes: sets of names, and values beside them that files can share.

use zerocopy::{FromBytes, IntoBytes};

use crate::{raw, Error, Position, RegionKind, Superblock, PAYLOAD_SIZE};

/// Longest name of an extended attribute with its prefix, in bytes.
pub const XATTR_NAME_MAX: usize = 255;

/// Longest value of an extended attribute, in bytes.
pub const XATTR_SIZE_MAX: u32 = 65536;

/// Alignment of the sets in their region, in bytes.
const ALIGNMENT: u64 = 4;

/// The part of the names of extended attributes that is a number on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// `user.`
    User = 1,
    /// `trusted.`
    Trusted = 2,
    /// `security.`
    Security = 3,
    /// `system.posix_acl_access`: the whole name.
    AclAccess = 4,
    /// `system.posix_acl_default`: the whole name.
    AclDefault = 5,
}

impl Namespace {
    const ALL: [Self; 5] = [
        Self::User,
        Self::Trusted,
        Self::Security,
        Self::AclAccess,
        Self::AclDefault,
    ];

    /// What the names start with; of an access control list, the whole name.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::User => "user.",
            Self::Trusted => "trusted.",
            Self::Security => "security.",
            Self::AclAccess => "system.posix_acl_access",
            Self::AclDefault => "system.posix_acl_default",
        }
    }

    /// Splits a whole name, such as `user.comment`, into its namespace and the rest. `None` where
    /// the format has no place for such a name.
    pub fn split(name: &[u8]) -> Option<(Self, &[u8])> {
        Self::ALL.into_iter().find_map(|namespace| {
            let rest = name.strip_prefix(namespace.prefix().as_bytes())?;
            namespace.has(rest).then_some((namespace, rest))
        })
    }

    /// Whether an attribute can have this name behind the prefix.
    fn has(self, name: &[u8]) -> bool {
        let is_acl = matches!(self, Self::AclAccess | Self::AclDefault);
        let length = name.len().saturating_add(self.prefix().len());
        name.is_empty() == is_acl && length <= XATTR_NAME_MAX && !name.contains(&0)
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|namespace| namespace.number() == number)
    }

    fn number(self) -> u8 {
        // CAST: 1 to 5.
        self as u8
    }
}

/// Where an inode's set of extended attributes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xattrs {
    /// Byte of the xattr region, a multiple of 4.
    pub position: u64,
}

impl Xattrs {
    /// Checks that the set starts within its region. `field` is the wide inode's, 0 for no set.
    pub(crate) fn decode(ino: u32, field: u32, sb: &Superblock) -> Result<Option<Self>, Error> {
        let Some(unit) = field.checked_sub(1) else {
            return Ok(None);
        };
        let xattrs = Self {
            position: u64::from(unit).saturating_mul(ALIGNMENT),
        };
        match sb.xattr_position(&xattrs) {
            Ok(_) => Ok(Some(xattrs)),
            Err(_) => Err(Error::XattrsPosition {
                ino,
                position: xattrs.position,
                xattrs: sb.xattrs.records(),
            }),
        }
    }

    /// The wide inode's field, or the highest number where it has no room for the position.
    pub(crate) fn field(&self) -> u32 {
        let unit = u32::try_from(self.position / ALIGNMENT).unwrap_or(u32::MAX);
        unit.saturating_add(1)
    }
}

/// Returns how many bytes a set of `entries` extended attributes takes whose names without their
/// prefixes have `names` bytes in all; the largest `usize` where that cannot be expressed.
#[inline]
pub fn xattr_set_bytes(entries: usize, names: usize) -> usize {
    entries
        .saturating_mul(size_of::<raw::XattrEntry>())
        .saturating_add(size_of::<raw::XattrSetHeader>())
        .saturating_add(names)
}

/// An extended attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XattrEntry<'a> {
    /// The namespace.
    pub namespace: Namespace,
    /// The name behind the namespace's prefix, without NUL; empty for access control lists.
    pub name: &'a [u8],
    /// Length of the value in bytes, 0 to [`XATTR_SIZE_MAX`]. It ends within the xattr region.
    pub value_length: u32,
    /// Byte of the xattr region at which the value starts; 0 where it is empty. Unlike all else in
    /// an index, a value may cross blocks: see [`Superblock::xattr_value`].
    pub value_position: u32,
}

/// The extended attributes of an inode, or of many that have the same.
#[derive(Clone, Copy)]
pub struct XattrSet<'a> {
    /// The bytes that the set uses, at most a block.
    bytes: &'a [u8],
    entries: &'a [raw::XattrEntry],
    /// Length of the xattr region in bytes.
    region: u64,
}

impl<'a> XattrSet<'a> {
    /// Reads the set at `offset` of an index block (see [`Superblock::xattr_position`]).
    ///
    /// # Errors
    ///
    /// [`Error::XattrSetLength`] where the set does not fit into the block or its entries not into
    /// it, or where it has none.
    #[inline]
    pub fn decode(block: &'a [u8], offset: usize, sb: &Superblock) -> Result<Self, Error> {
        let rest = block.get(offset..).ok_or(Error::OutOfBlock { offset })?;
        let (header, _) =
            raw::XattrSetHeader::ref_from_prefix(rest).map_err(|_| Error::OutOfBlock { offset })?;
        let (count, used) = (header.entries.get(), header.used.get());
        let wrong_length = Error::XattrSetLength {
            offset,
            entries: count,
            used,
        };
        let bytes = rest.get(..usize::from(used)).ok_or(wrong_length)?;
        let after_header = bytes
            .get(size_of::<raw::XattrSetHeader>()..)
            .ok_or(wrong_length)?;
        let (entries, _) =
            <[raw::XattrEntry]>::ref_from_prefix_with_elems(after_header, usize::from(count))
                .map_err(|_| wrong_length)?;
        if entries.is_empty() {
            return Err(wrong_length);
        }
        Ok(Self {
            bytes,
            entries,
            region: sb.xattrs.records(),
        })
    }

    /// Number of extended attributes, at least 1.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // No set is empty.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns extended attribute number `index`, in the order of namespaces and names.
    ///
    /// # Errors
    ///
    /// [`Error::NoXattr`] where `index` is not below [`XattrSet::len`]; otherwise the rule that it
    /// breaks, its place after the one before it included.
    pub fn entry(&self, index: usize) -> Result<XattrEntry<'a>, Error> {
        let entry = self.unordered(index)?;
        if let Some(previous) = index.checked_sub(1) {
            let previous = self.unordered(previous)?;
            if (previous.namespace, previous.name) >= (entry.namespace, entry.name) {
                return Err(Error::XattrOrder { index });
            }
        }
        Ok(entry)
    }

    /// Finds an extended attribute. `name` is what follows the namespace's prefix.
    ///
    /// # Errors
    ///
    /// The rule that one up to it breaks.
    pub fn find(&self, namespace: Namespace, name: &[u8]) -> Result<Option<XattrEntry<'a>>, Error> {
        for index in 0..self.len() {
            let entry = self.entry(index)?;
            if (entry.namespace, entry.name) == (namespace, name) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Writes a set of these entries, which are in the order that the format asks for, to the start
    /// of `out`. Returns the number of bytes, or `None` where they are more than `out` or a block
    /// has.
    pub fn encode<'b>(
        out: &mut [u8],
        entries: impl ExactSizeIterator<Item = XattrEntry<'b>>,
    ) -> Option<usize> {
        let out_length = out.len().min(PAYLOAD_SIZE);
        let out = out.get_mut(..out_length)?;
        let count = entries.len();
        let mut entry_at = size_of::<raw::XattrSetHeader>();
        let mut name_at = xattr_set_bytes(count, 0);
        for entry in entries {
            let record = raw::XattrEntry {
                namespace: entry.namespace.number(),
                name_length: u8::try_from(entry.name.len()).ok()?,
                name_position: u16::try_from(name_at).ok()?.into(),
                value_length: entry.value_length.into(),
                value_position: entry.value_position.into(),
            };
            let name_end = name_at.checked_add(entry.name.len())?;
            record.write_to_prefix(out.get_mut(entry_at..)?).ok()?;
            out.get_mut(name_at..name_end)?.copy_from_slice(entry.name);
            entry_at = entry_at.checked_add(size_of::<raw::XattrEntry>())?;
            name_at = name_end;
        }
        let header = raw::XattrSetHeader {
            entries: u16::try_from(count).ok()?.into(),
            used: u16::try_from(name_at).ok()?.into(),
        };
        header.write_to_prefix(out).ok()?;
        Some(name_at)
    }

    /// Checks an entry by itself.
    fn unordered(&self, index: usize) -> Result<XattrEntry<'a>, Error> {
        let raw = self.entries.get(index).ok_or(Error::NoXattr {
            index,
            entries: self.len(),
        })?;
        let namespace = Namespace::from_number(raw.namespace).ok_or(Error::XattrNamespace {
            index,
            namespace: raw.namespace,
        })?;
        let name = self.name(index, raw)?;
        if !namespace.has(name) {
            return Err(Error::XattrName {
                index,
                length: raw.name_length,
            });
        }
        let (value_length, value_position) = (raw.value_length.get(), raw.value_position.get());
        let end = u64::from(value_position).saturating_add(value_length.into());
        let is_empty_elsewhere = value_length == 0 && value_position != 0;
        if value_length > XATTR_SIZE_MAX || is_empty_elsewhere || end > self.region {
            return Err(Error::XattrValue {
                index,
                length: value_length,
                position: value_position,
            });
        }
        Ok(XattrEntry {
            namespace,
            name,
            value_length,
            value_position,
        })
    }

    fn name(&self, index: usize, raw: &raw::XattrEntry) -> Result<&'a [u8], Error> {
        let start = usize::from(raw.name_position.get());
        let end = start.saturating_add(raw.name_length.into());
        let names_start = xattr_set_bytes(self.len(), 0);
        self.bytes
            .get(start..end)
            .filter(|_| start >= names_start)
            .ok_or(Error::XattrNamePosition {
                index,
                position: raw.name_position.get(),
                length: raw.name_length,
            })
    }
}

impl Superblock {
    /// Where in the index the byte at `offset` of an extended attribute's value is, and how many
    /// bytes of the value stand from there on in the same block; `None` at the value's end.
    ///
    /// # Errors
    ///
    /// [`Error::NoXattrs`] where the value is outside the xattr region.
    #[inline]
    pub fn xattr_value(
        &self,
        entry: &XattrEntry<'_>,
        offset: u32,
    ) -> Result<Option<(Position, usize)>, Error> {
        let byte = u64::from(entry.value_position).saturating_add(offset.into());
        // CAST: at most XATTR_SIZE_MAX of a validated entry.
        let left = entry.value_length.saturating_sub(offset) as usize;
        self.xattrs
            .piece(RegionKind::Xattrs, byte, left)
            .ok_or(Error::NoXattrs {
                position: byte,
                xattrs: self.xattrs.records(),
            })
    }
}
