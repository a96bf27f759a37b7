// SPDX-License-Identifier: GPL-2.0

//! An entry, put together from its header and what extended headers say.

use layout::SYMLINK_MAX;

use super::header::{number, unsigned, until_nul, Header};
use super::pax::{Merged, ID_MAX};
use super::sparse::Sparse;
use super::xattr::{Attributes, Owner};
use super::{Difference, NotKept, Reason, Rule, Xattr};
use crate::options::ReadOptions;

/// Highest device numbers that an inode has room for.
const MAJOR_MAX: u64 = (1 << 12) - 1;
const MINOR_MAX: u64 = (1 << 20) - 1;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A regular file.
    Regular,
    /// One more name of an earlier entry.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// An entry of an archive. Names are as the archive has them, not yet normalised.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Byte of the archive at which its first header starts, extended headers included.
    pub offset: u64,
    /// The name.
    pub name: &'a [u8],
    /// Target of a symbolic or hard link, otherwise empty.
    pub target: &'a [u8],
    /// What it is.
    pub entry_type: Type,
    /// Permissions, 12 bits.
    pub permissions: u16,
    /// User id of the owner.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Time of the last change, in seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Size of the data that follows the header, in bytes: the contents of a regular file that is
    /// not sparse.
    pub size: u64,
    /// Byte of the archive at which the data starts, a multiple of 512.
    pub data_offset: u64,
    /// Of a sparse file, where its data belongs.
    pub sparse: Option<Sparse>,
    /// Major and minor number of a device, otherwise 0.
    pub device: (u32, u32),
    /// Extended attributes, in the order of namespaces and names.
    pub xattrs: Vec<Xattr>,
    /// What else it has, and an image has no place for.
    pub not_kept: Vec<NotKept>,
    /// What about it other programs read differently.
    pub differences: Vec<Difference>,
}

impl Entry<'_> {
    /// Moves the archive to byte `start` of a space in which it is not the first. Both are below
    /// 2^63.
    pub(crate) fn move_by(&mut self, start: u64) {
        self.offset = self.offset.saturating_add(start);
        self.data_offset = self.data_offset.saturating_add(start);
        for extent in self
            .sparse
            .iter_mut()
            .flat_map(|sparse| &mut sparse.extents)
        {
            extent.position = extent.position.saturating_add(start);
        }
    }
}

/// What an entry is, and the data that follows its headers.
pub(super) struct Data {
    pub(super) entry_type: Type,
    /// As in [`Entry`].
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) sparse: Option<Sparse>,
    pub(super) differences: Vec<Difference>,
}

impl Data {
    /// Finds out what the entry called `name` is, whose headers end at byte `offset`. A sparse
    /// file's map is not read.
    pub(super) fn new(
        name: &[u8],
        header: &Header,
        pax: &Merged<'_>,
        offset: u64,
    ) -> Result<Self, Rule> {
        let (entry_type, has_data) = entry_type(header.typeflag, name)?;
        if pax.is_star_sparse() {
            return Err(Rule::StarSparse);
        }
        let size = match pax.size() {
            _ if !has_data => 0,
            Some(size) => size,
            None => header.size()?,
        };
        Ok(Self {
            entry_type,
            size,
            offset,
            sparse: None,
            differences: differences(name, header, pax, entry_type),
        })
    }
}

/// What other programs read differently of an entry's own header and records.
fn differences(
    name: &[u8],
    header: &Header,
    pax: &Merged<'_>,
    entry_type: Type,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    // A size that is no number is none to those who do not look at it.
    let has_size = pax.size().or(header.size().ok()).unwrap_or(0) > 0;
    match entry_type {
        Type::HardLink if has_size => differences.push(Difference::HardLinkSize),
        // Of the oldest type, which is that of files too.
        Type::Directory if has_size && header.typeflag == 0 => {
            differences.push(Difference::Size);
        }
        Type::Directory | Type::Regular | Type::HardLink => {}
        _ if has_size => differences.push(Difference::Size),
        _ => {}
    }
    match header.typeflag {
        b'D' => differences.push(Difference::DirectoryList),
        // Python knows this of the oldest type, and then of the name in the header itself.
        0 if name.ends_with(b"/") == until_nul(&header.name).ends_with(b"/") => {}
        0 => differences.push(Difference::Slash),
        b'0' | b'7' | b'S' if name.ends_with(b"/") => differences.push(Difference::Slash),
        _ => {}
    }
    if header.has_bytes_for_prefix() {
        differences.push(Difference::Prefix);
    }
    if !header.has_plain_numbers() {
        differences.push(Difference::NumberForm);
    }
    let is_device = matches!(entry_type, Type::CharDevice | Type::BlockDevice);
    if is_device && !header.has_magic() {
        differences.push(Difference::OldDevice);
    }
    if pax.has_empty_name() {
        differences.push(Difference::EmptyName);
    }
    differences
}

/// What stands before an entry's own header. Absent names are empty.
pub(super) struct Extensions<'a> {
    pub(super) pax: Merged<'a>,
    /// GNU tar's long name.
    pub(super) long_name: &'a [u8],
    /// GNU tar's long target.
    pub(super) long_target: &'a [u8],
    /// How many of the global records that are not known were reported with an entry before.
    pub(super) reported: usize,
    pub(super) options: ReadOptions,
}

impl<'a> Extensions<'a> {
    /// Returns the name of the entry whose header itself has `name`.
    pub(super) fn name(&self, name: &'a [u8]) -> &'a [u8] {
        self.pax.path().unwrap_or(first_of(self.long_name, name))
    }

    /// What else the entry has, as extended attributes where they are asked for.
    fn further_xattrs(&self, owner: &Owner<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        if !self.options.tar_xattrs {
            return Vec::new();
        }
        let (global, own) = self.pax.unknown();
        let records = global.iter().chain(own);
        let records = records.map(|record| (record.keyword.as_slice(), record.value.as_slice()));
        let names = [(&b"uname"[..], owner.uname), (b"gname", owner.gname)];
        let names = names.into_iter().filter(|(_, name)| !name.is_empty());
        names
            .chain(records)
            .map(|(keyword, value)| ([b"user.tar.", keyword].concat(), value.to_vec()))
            .collect()
    }

    /// What else the entry has, and the image will not have.
    fn not_kept(&self) -> Vec<NotKept> {
        if self.options.tar_xattrs {
            return Vec::new();
        }
        let (global, own) = self.pax.unknown();
        let records = global.iter().skip(self.reported).chain(own);
        records
            .map(|record| NotKept {
                name: record.keyword.clone(),
                reason: Reason::UnknownRecord,
            })
            .collect()
    }

    /// Whether GNU tar's names and those of records are not the same.
    fn has_two_names(&self) -> bool {
        let differ = |long: &[u8], record: Option<&[u8]>| {
            !long.is_empty() && record.is_some_and(|record| record != long)
        };
        differ(self.long_name, self.pax.path()) || differ(self.long_target, self.pax.linkpath())
    }

    fn target(&self, target: &'a [u8]) -> &'a [u8] {
        self.pax
            .linkpath()
            .unwrap_or(first_of(self.long_target, target))
    }
}

fn first_of<'a>(long: &'a [u8], short: &'a [u8]) -> &'a [u8] {
    if long.is_empty() {
        short
    } else {
        long
    }
}

impl<'a> Entry<'a> {
    /// Puts together the entry called `name`, whose first header is at byte `offset`.
    pub(super) fn new(
        name: &'a [u8],
        header: &'a Header,
        extensions: &Extensions<'a>,
        offset: u64,
        data: Data,
    ) -> Result<Self, Rule> {
        let pax = &extensions.pax;
        let entry_type = data.entry_type;
        let mut differences = data.differences;
        if extensions.has_two_names() {
            differences.push(Difference::TwoNames);
        }
        let target = match entry_type {
            Type::HardLink => extensions.target(until_nul(&header.linkname)),
            Type::Symlink => check_symlink(extensions.target(until_nul(&header.linkname)))?,
            _ => b"",
        };
        let mtime = match pax.mtime() {
            Some(mtime) => mtime,
            None => (number("mtime", &header.mtime)?, 0),
        };
        let device = match entry_type {
            Type::CharDevice | Type::BlockDevice => {
                let (device, is_header_s) = device(header, pax)?;
                if !is_header_s {
                    differences.push(Difference::DeviceRecord);
                }
                device
            }
            _ => (0, 0),
        };
        let uid = pax.uid().map_or_else(|| id("uid", &header.uid), Ok)?;
        let gid = pax.gid().map_or_else(|| id("gid", &header.gid), Ok)?;
        let owner = Owner {
            entry_type,
            uid,
            gid,
            uname: pax.uname().unwrap_or(until_nul(&header.uname)),
            gname: pax.gname().unwrap_or(until_nul(&header.gname)),
        };
        let (global, own) = pax.xattrs();
        let further = extensions.further_xattrs(&owner);
        let mut attributes = Attributes::new(global, own, &further, &owner)?;
        attributes.not_kept.extend(extensions.not_kept());
        if attributes.has_two_values {
            differences.push(Difference::XattrValues);
        }
        // CAST: 12 bits are left.
        let permissions = (number("mode", &header.mode)? & 0o7777) as u16;
        let listed = attributes.permissions;
        if listed.is_some_and(|bits| bits != permissions & 0o777) {
            differences.push(Difference::AclPermissions);
        }
        Ok(Self {
            offset,
            name,
            target,
            entry_type,
            permissions: match listed {
                Some(bits) => permissions & 0o7000 | bits,
                None => permissions,
            },
            uid,
            gid,
            mtime,
            size: data.size,
            data_offset: data.offset,
            sparse: data.sparse,
            device,
            xattrs: attributes.xattrs,
            not_kept: attributes.not_kept,
            differences,
        })
    }
}

/// Returns what an entry is and whether its data follows its header. The links, devices and
/// directories of old archives have sizes, but no data.
fn entry_type(typeflag: u8, name: &[u8]) -> Result<(Type, bool), Rule> {
    Ok(match typeflag {
        // Archives older than the type for directories mark them by a slash.
        b'0' | 0 | b'7' if name.ends_with(b"/") => (Type::Directory, true),
        b'0' | 0 | b'7' => (Type::Regular, true),
        b'1' => (Type::HardLink, false),
        b'2' => (Type::Symlink, false),
        b'3' => (Type::CharDevice, false),
        b'4' => (Type::BlockDevice, false),
        b'5' => (Type::Directory, false),
        b'6' => (Type::Fifo, false),
        // A directory of an incremental archive, with a list of its files as data.
        b'D' => (Type::Directory, true),
        b'S' => (Type::Regular, true),
        b'M' => return Err(Rule::MultiVolume),
        _ => {
            return Err(Rule::UnknownType {
                value: typeflag.into(),
            })
        }
    })
}

fn check_symlink(target: &[u8]) -> Result<&[u8], Rule> {
    match target.len() {
        0 => Err(Rule::TargetEmpty),
        1..=SYMLINK_MAX if target.contains(&0) => Err(Rule::TargetNul),
        1..=SYMLINK_MAX => Ok(target),
        length => Err(Rule::TargetTooLong { length }),
    }
}

fn id(name: &'static str, field: &[u8]) -> Result<u32, Rule> {
    // CAST: ID_MAX is below 2^32.
    unsigned(name, field, ID_MAX).map(|id| id as u32)
}

/// Returns a device's numbers, and whether the header has the same.
fn device(header: &Header, pax: &Merged<'_>) -> Result<((u32, u32), bool), Rule> {
    let own_major = unsigned("devmajor", &header.devmajor, u64::MAX);
    let own_minor = unsigned("devminor", &header.devminor, u64::MAX);
    let major = pax.devmajor().map_or_else(|| own_major.clone(), Ok)?;
    let minor = pax.devminor().map_or_else(|| own_minor.clone(), Ok)?;
    let is_header_s = (own_major, own_minor) == (Ok(major), Ok(minor));
    if major > MAJOR_MAX || minor > MINOR_MAX {
        return Err(Rule::Device { major, minor });
    }
    // CAST: both were just compared.
    Ok(((major as u32, minor as u32), is_header_s))
}
