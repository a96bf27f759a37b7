// SPDX-License-Identifier: GPL-2.0

//! POSIX access control lists: the text of pax records, and the value that Linux has for them.

use super::pax::{parse_decimal, ID_MAX};

/// Version of the value, its first four bytes.
const VERSION: u32 = 2;

/// What stands for an id in entries that have none.
const NO_ID: u32 = u32::MAX;

/// Bytes of an entry in the value.
const ENTRY_SIZE: usize = 8;

/// Whom an entry is for, in the order and with the numbers of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    Owner = 0x01,
    User = 0x02,
    OwningGroup = 0x04,
    Group = 0x08,
    Mask = 0x10,
    Other = 0x20,
}

/// An entry; `id` is that of a user or group, otherwise [`NO_ID`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    tag: Tag,
    id: u32,
    permissions: u16,
}

/// A list that the kernel accepts, its entries in the kernel's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acl(Vec<Entry>);

/// Why a text or value is no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem<'a> {
    /// This part of it is wrong.
    Malformed(&'a [u8]),
    /// It has a user or group name, and nothing says whose number that is.
    UnknownName(&'a [u8]),
}

impl Acl {
    /// Parses a text: entries such as `user:name:rwx:1000` or `u::rwx`, separated by commas or
    /// newlines; from a `#` up to the end of a line is a comment. The number in the last field is
    /// star's, so that names need not be known; otherwise `id_of` returns that of a name.
    pub(super) fn parse<'a>(
        text: &'a [u8],
        id_of: impl Fn(Tag, &[u8]) -> Option<u32>,
    ) -> Result<Self, Problem<'a>> {
        let mut entries = Vec::new();
        for line in text.split(|&byte| byte == b'\n') {
            let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
            for entry in line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                if !entry.is_empty() {
                    entries.push(parse_entry(entry, &id_of)?);
                }
            }
        }
        Self::new(entries).ok_or(Problem::Malformed(text))
    }

    /// Parses the value that Linux has.
    pub(crate) fn from_value(value: &[u8]) -> Option<Self> {
        let entries = value.strip_prefix(&VERSION.to_le_bytes())?;
        let chunks = entries.chunks_exact(ENTRY_SIZE);
        if !chunks.remainder().is_empty() {
            return None;
        }
        Self::new(chunks.map(Entry::from_bytes).collect::<Option<_>>()?)
    }

    /// Returns the value that Linux has.
    pub(super) fn value(&self) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for entry in &self.0 {
            // CAST: at most 0x20.
            value.extend_from_slice(&(entry.tag as u16).to_le_bytes());
            value.extend_from_slice(&entry.permissions.to_le_bytes());
            value.extend_from_slice(&entry.id.to_le_bytes());
        }
        value
    }

    /// The nine permission bits of a file with this list, as `chmod` and `stat` know them.
    pub(super) fn permissions(&self) -> u16 {
        let of = |tag| self.0.iter().find(|entry| entry.tag == tag);
        let bits = |tag| of(tag).map_or(0, |entry| entry.permissions);
        let group = of(Tag::Mask).map_or(Tag::OwningGroup, |mask| mask.tag);
        bits(Tag::Owner) << 6 | bits(group) << 3 | bits(Tag::Other)
    }

    /// Whether it says no more than the permission bits do.
    pub(super) fn is_minimal(&self) -> bool {
        self.0.len() == 3
    }

    /// Puts the entries into their order. `None` where the kernel would refuse them: owner, owning
    /// group and others have one entry each, nobody two, and names need a mask.
    fn new(mut entries: Vec<Entry>) -> Option<Self> {
        entries.sort_unstable();
        let count = |tag| entries.iter().filter(|entry| entry.tag == tag).count();
        let has_one = |tag| count(tag) == 1;
        let has_names = count(Tag::User) > 0 || count(Tag::Group) > 0;
        let is_unique = entries
            .windows(2)
            .all(|pair| !matches!(pair, [a, b] if (a.tag, a.id) == (b.tag, b.id)));
        let is_good = has_one(Tag::Owner)
            && has_one(Tag::OwningGroup)
            && has_one(Tag::Other)
            && (has_one(Tag::Mask) || !has_names)
            && is_unique;
        is_good.then_some(Self(entries))
    }
}

impl Entry {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk()?;
        let (permissions, rest) = rest.split_first_chunk()?;
        let tag = match u16::from_le_bytes(*tag) {
            0x01 => Tag::Owner,
            0x02 => Tag::User,
            0x04 => Tag::OwningGroup,
            0x08 => Tag::Group,
            0x10 => Tag::Mask,
            0x20 => Tag::Other,
            _ => return None,
        };
        let permissions = Some(u16::from_le_bytes(*permissions)).filter(|bits| *bits <= 7)?;
        let id = u32::from_le_bytes(rest.try_into().ok()?);
        let has_id = matches!(tag, Tag::User | Tag::Group);
        if has_id && id == NO_ID {
            return None;
        }
        Some(Self {
            tag,
            id: if has_id { id } else { NO_ID },
            permissions,
        })
    }
}

/// Parses an entry. Programs that write two lists as one text put `default` before the entries of
/// the second.
fn parse_entry<'a>(
    text: &'a [u8],
    id_of: impl Fn(Tag, &[u8]) -> Option<u32>,
) -> Result<Entry, Problem<'a>> {
    let malformed = Problem::Malformed(text);
    let mut fields: Vec<&[u8]> = text
        .split(|&byte| byte == b':')
        .map(<[u8]>::trim_ascii)
        .collect();
    if matches!(fields.first(), Some(&(b"default" | b"d"))) {
        fields.remove(0);
    }
    let (kind, name, permissions, number) = match *fields.as_slice() {
        [kind @ (b"mask" | b"m" | b"other" | b"o"), permissions] => {
            (kind, &b""[..], permissions, &b""[..])
        }
        [kind, name, permissions] => (kind, name, permissions, &b""[..]),
        [kind, name, permissions, number] => (kind, name, permissions, number),
        _ => return Err(malformed),
    };
    let tag = match (kind, name.is_empty()) {
        (b"user" | b"u", true) => Tag::Owner,
        (b"user" | b"u", false) => Tag::User,
        (b"group" | b"g", true) => Tag::OwningGroup,
        (b"group" | b"g", false) => Tag::Group,
        (b"mask" | b"m", true) => Tag::Mask,
        (b"other" | b"o", true) => Tag::Other,
        _ => return Err(malformed),
    };
    let permissions = parse_permissions(permissions).ok_or(malformed)?;
    let id = match tag {
        Tag::User | Tag::Group => match parse_id(number).or_else(|| parse_id(name)) {
            Some(id) => id,
            None => id_of(tag, name).ok_or(Problem::UnknownName(name))?,
        },
        _ => NO_ID,
    };
    Ok(Entry {
        tag,
        id,
        permissions,
    })
}

fn parse_id(text: &[u8]) -> Option<u32> {
    let number = parse_decimal(text).filter(|number| *number <= ID_MAX)?;
    u32::try_from(number).ok()
}

fn parse_permissions(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0, |permissions, letter| {
        let bit = match letter {
            b'r' => 4,
            b'w' => 2,
            b'x' => 1,
            b'-' => 0,
            _ => return None,
        };
        Some(permissions | bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Acl, Problem<'_>> {
        Acl::parse(text.as_bytes(), |tag, name| {
            (tag == Tag::User && name == b"known").then_some(77)
        })
    }

    fn entry(tag: Tag, id: u32, permissions: u16) -> Entry {
        Entry {
            tag,
            id,
            permissions,
        }
    }

    #[test]
    fn texts_of_programs() {
        let expected = Acl(vec![
            entry(Tag::Owner, NO_ID, 7),
            entry(Tag::User, 9, 5),
            entry(Tag::User, 77, 0),
            entry(Tag::OwningGroup, NO_ID, 5),
            entry(Tag::Group, 4, 7),
            entry(Tag::Mask, NO_ID, 5),
            entry(Tag::Other, NO_ID, 4),
        ]);
        for text in [
            "user::rwx\nuser:known:---\nuser:9:r-x\ngroup::r-x\ngroup:x:rwx:4\t#effective:r-x\n\
             mask::r-x\nother::r--\n",
            "user::rwx,user:known:---,user:lisa:r-x:9,group::r-x,group:toolies:rwx:4,mask::r-x,\
             other::r--",
            "u::xrw, u:9:rx,u:known:,g::rx,g:4:rwx,m:rx,o:r",
            "# a comment, with a comma\ndefault:user::rwx\nd:u:known:-\nu:00009:r-x\ng::r-x\n\
             g:y:rwx:4\nm::rx\nother:r--",
        ] {
            assert_eq!(parse(text), Ok(expected.clone()), "{text}");
        }
        assert_eq!(Acl::from_value(&expected.value()), Some(expected.clone()));
        assert_eq!(expected.permissions(), 0o754);
        assert!(!expected.is_minimal());
        let minimal = parse("u::rw,g::r,o::-").unwrap();
        assert_eq!(minimal.permissions(), 0o640);
        assert!(minimal.is_minimal());
    }

    #[test]
    fn what_is_no_list() {
        let rest = ",u::rw,g::r,m::r,o::-";
        for part in [
            "x::r",
            "u",
            "u:",
            "u:1:q",
            "u:1:r:2:3",
            "m:1:r",
            "o:1:r",
            "user",
            ":::",
            "u:1:r8",
        ] {
            let text = format!("{part}{rest}");
            let error = Err(Problem::Malformed(part.as_bytes()));
            assert_eq!(parse(&text).map(drop), error, "{part}");
        }
        for text in [
            "",
            "u::rw,g::r",
            "u::rw,g::r,o::r,o::r",
            "u::rw,u:5:r,g::r,o::r",
            "u::rw,u:5:r,u:5:w,g::r,m::r,o::r",
        ] {
            let error = Err(Problem::Malformed(text.as_bytes()));
            assert_eq!(parse(text).map(drop), error, "{text}");
        }
        for (text, name) in [
            ("u:who:r,u::rw,g::r,m::r,o::-", "who"),
            ("g:known:r:,u::rw,g::r,m::r,o::-", "known"),
            ("u:4294967295:r,u::rw,g::r,m::r,o::-", "4294967295"),
        ] {
            assert_eq!(parse(text), Err(Problem::UnknownName(name.as_bytes())));
        }
    }

    #[test]
    fn what_is_no_value() {
        let good = parse("u::rw,u:5:r,g::r,m::r,o::-").unwrap().value();
        assert!(Acl::from_value(&good).is_some());
        let with = |at: usize, byte: u8| {
            let mut value = good.clone();
            value[at] = byte;
            Acl::from_value(&value)
        };
        // Version; tag and permissions of the first entry; no id for the second; a missing byte.
        assert_eq!(with(0, 1), None);
        assert_eq!(with(4, 3), None);
        assert_eq!(with(6, 8), None);
        let mut no_id = good.clone();
        no_id[16..20].fill(0xff);
        assert_eq!(Acl::from_value(&no_id), None);
        assert_eq!(Acl::from_value(&good[..good.len() - 1]), None);
        assert_eq!(Acl::from_value(b""), None);
    }
}
