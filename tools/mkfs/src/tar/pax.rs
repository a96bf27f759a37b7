// SPDX-License-Identifier: GPL-2.0

//! Pax extended headers: records of `length keyword=value` that override header fields.

use super::header::{number, until_nul, wrong_number};
use super::xattr::Records;
use super::{sparse, Difference, Rule};

/// Highest user and group id. The next number means *no id* to the kernel.
pub(super) const ID_MAX: u64 = u32::MAX as u64 - 1;

/// What the keywords of GNU tar's records of a sparse file start with.
const SPARSE: &[u8] = b"GNU.sparse.";

/// Bytes that the records of an entry, or all global ones, may take; and what one takes besides its
/// text. An entry may have any number of extended headers.
const RECORDS_MAX: usize = 1 << 20;
const RECORD_COST: usize = 100;

/// The character sets that POSIX knows.
const CHARACTER_SETS: [&[u8]; 2] = [b"BINARY", b"ISO-IR 10646 2000 UTF-8"];

/// An overridden field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Field<T> {
    /// No record.
    #[default]
    Absent,
    /// A record without a value: what global headers say is void.
    Void,
    /// A record.
    Value(T),
}

impl<T> Field<T> {
    fn is_there(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    fn or<'a>(&'a self, global: &'a Self) -> Option<&'a T> {
        match (self, global) {
            (Self::Value(value), _) | (Self::Absent, Self::Value(value)) => Some(value),
            _ => None,
        }
    }
}

/// What the extended headers of an entry, or the global ones, say.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    path: Field<Vec<u8>>,
    linkpath: Field<Vec<u8>>,
    size: Field<u64>,
    mtime: Field<(i64, u32)>,
    uid: Field<u32>,
    gid: Field<u32>,
    devmajor: Field<u64>,
    devminor: Field<u64>,
    uname: Field<Vec<u8>>,
    gname: Field<Vec<u8>>,
    xattrs: Records,
    unknown: Vec<Unknown>,
    /// Whether the next entry goes on with a file of another volume.
    continues_file: bool,
    /// GNU tar's records of a sparse file.
    sparse: Option<Box<sparse::Records>>,
    /// Whether star has written a sparse file.
    is_star_sparse: bool,
    /// Bytes that the records take of which there can be any number.
    kept: usize,
    /// What other programs read differently, each once.
    differences: Vec<Difference>,
}

/// A record whose keyword is not known.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    pub(super) keyword: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// The attributes of one entry: its own records before the global ones.
pub(super) struct Merged<'a> {
    own: &'a Attributes,
    global: &'a Attributes,
}

impl Attributes {
    /// Adds the records of an extended header. A later record replaces an earlier one.
    pub(super) fn add(&mut self, header: &[u8]) -> Result<(), Rule> {
        let mut at = 0;
        let mut rest = header;
        while !rest.is_empty() {
            let (record, after) = split_record(rest).ok_or(Rule::PaxRecord { at })?;
            let (keyword, value) = split_at_byte(record, b'=').ok_or(Rule::PaxRecord { at })?;
            self.compare(keyword, value);
            self.set(keyword, value)?;
            at = header.len().saturating_sub(after.len());
            rest = after;
        }
        Ok(())
    }

    /// Notes what other programs read differently of a record that comes after those that are set.
    fn compare(&mut self, keyword: &[u8], value: &[u8]) {
        let difference = match keyword {
            b"" => Difference::Keyword,
            _ if keyword.contains(&0) => Difference::Keyword,
            b"GNU.sparse.name" if value.is_empty() => Difference::EmptyName,
            b"GNU.sparse.map" if value.is_empty() => Difference::RecordNumber,
            b"hdrcharset" if !CHARACTER_SETS.contains(&value) => Difference::CharacterSet,
            b"atime" | b"ctime" if parse_time(value).is_none() => Difference::RecordNumber,
            b"size" | b"mtime" | b"uid" | b"gid" if value.is_empty() => Difference::RecordNumber,
            b"path"
                if self
                    .sparse
                    .as_ref()
                    .is_some_and(|map| !map.name().is_empty()) =>
            {
                Difference::NameAfterSparse
            }
            _ => return,
        };
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
    }

    /// Takes out what other programs read differently.
    pub(super) fn take_differences(&mut self) -> Vec<Difference> {
        std::mem::take(&mut self.differences)
    }

    fn set(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Rule> {
        match keyword {
            b"path" => self.path = field(value, |value| Ok(value.to_vec()))?,
            b"linkpath" => self.linkpath = field(value, |value| Ok(value.to_vec()))?,
            b"size" => self.size = field(value, |value| decimal("size", value, i64::MAX as u64))?,
            b"mtime" => self.mtime = field(value, time)?,
            b"uid" => self.uid = field(value, |value| id("uid", value))?,
            b"gid" => self.gid = field(value, |value| id("gid", value))?,
            b"SCHILY.devmajor" => {
                self.devmajor = field(value, |value| decimal("devmajor", value, u64::MAX))?;
            }
            b"SCHILY.devminor" => {
                self.devminor = field(value, |value| decimal("devminor", value, u64::MAX))?;
            }
            b"uname" => self.uname = field(value, |value| Ok(value.to_vec()))?,
            b"gname" => self.gname = field(value, |value| Ok(value.to_vec()))?,
            // An image has no place for these, and tar itself does not miss them.
            b"atime" | b"ctime" | b"comment" | b"charset" | b"hdrcharset" => {}
            b"GNU.dumpdir" | b"GNU.volume.label" | b"GNU.volume.size" | b"GNU.volume.offset" => {}
            b"GNU.volume.filename" => self.continues_file = true,
            b"SCHILY.realsize" => self.is_star_sparse = true,
            _ if keyword.starts_with(SPARSE) => {
                self.count(keyword, value, 0)?;
                if !self.add_sparse(keyword, value)? {
                    self.add_unknown(keyword, value);
                }
            }
            _ => {
                self.count(keyword, value, RECORD_COST)?;
                if !self.xattrs.add(keyword, value)? {
                    self.add_unknown(keyword, value);
                }
            }
        }
        Ok(())
    }

    /// Counts a record that takes memory: its text, and so much besides.
    fn count(&mut self, keyword: &[u8], value: &[u8], besides: usize) -> Result<(), Rule> {
        let record = keyword.len().saturating_add(value.len());
        self.kept = self.kept.saturating_add(record).saturating_add(besides);
        if self.kept > RECORDS_MAX {
            return Err(Rule::TooManyRecords { max: RECORDS_MAX });
        }
        Ok(())
    }

    fn add_unknown(&mut self, keyword: &[u8], value: &[u8]) {
        self.unknown.push(Unknown {
            keyword: keyword.to_vec(),
            value: value.to_vec(),
        });
    }

    fn add_sparse(&mut self, keyword: &[u8], value: &[u8]) -> Result<bool, Rule> {
        match keyword.strip_prefix(SPARSE) {
            Some(keyword) => self.sparse.get_or_insert_default().add(keyword, value),
            None => Ok(false),
        }
    }

    /// Takes out the records of a sparse file. The name that they have becomes the entry's.
    pub(super) fn take_sparse(&mut self) -> Option<Box<sparse::Records>> {
        let records = self.sparse.take()?;
        if !records.name().is_empty() {
            self.path = Field::Value(records.name().to_vec());
        }
        Some(records)
    }

    /// Adds the contents of Solaris's header for an access control list: its type, which has a
    /// number for the list's kind and the number of its entries, and its text, each up to a NUL.
    pub(super) fn add_solaris_acl(&mut self, contents: &[u8]) -> Result<(), Rule> {
        /// The kind that is as others have it; there are NFSv4's too.
        const POSIX: i64 = 0o1_000_000;
        const COUNT: i64 = 0o777_777;
        let (kind, text) = split_at_byte(contents, 0).unwrap_or((contents, b""));
        if number("type of the access control list", kind)? & !COUNT == POSIX {
            self.xattrs.set_access(until_nul(text));
            return Ok(());
        }
        self.count(b"", contents, RECORD_COST)?;
        self.add_unknown(b"NFSv4 access control list", contents);
        Ok(())
    }

    /// Whether a record is about files, not about the archive.
    pub(super) fn is_about_files(&self) -> bool {
        let Self {
            path,
            linkpath,
            size,
            mtime,
            uid,
            gid,
            devmajor,
            devminor,
            ..
        } = self;
        let texts = [path, linkpath].iter().any(|field| field.is_there());
        let numbers = [size, devmajor, devminor]
            .iter()
            .any(|field| field.is_there());
        let ids = [uid, gid].iter().any(|field| field.is_there());
        texts || numbers || ids || mtime.is_there() || !self.xattrs.is_empty()
    }

    /// Whether the next entry goes on with a file of another volume.
    pub(super) fn continues_file(&self) -> bool {
        self.continues_file
    }

    /// Number of records whose keyword is not known.
    pub(super) fn unknown_count(&self) -> usize {
        self.unknown.len()
    }

    /// Returns the attributes of an entry with these records, where `global` ones are in force.
    pub(super) fn over<'a>(&'a self, global: &'a Self) -> Merged<'a> {
        Merged { own: self, global }
    }
}

impl<'a> Merged<'a> {
    pub(super) fn path(&self) -> Option<&'a [u8]> {
        self.own.path.or(&self.global.path).map(Vec::as_slice)
    }

    /// Whether a record says that one of the header's own names is void.
    pub(super) fn has_empty_name(&self) -> bool {
        self.own.path == Field::Void || self.own.linkpath == Field::Void
    }

    pub(super) fn linkpath(&self) -> Option<&'a [u8]> {
        self.own
            .linkpath
            .or(&self.global.linkpath)
            .map(Vec::as_slice)
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.own.size.or(&self.global.size).copied()
    }

    pub(super) fn mtime(&self) -> Option<(i64, u32)> {
        self.own.mtime.or(&self.global.mtime).copied()
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.own.uid.or(&self.global.uid).copied()
    }

    pub(super) fn gid(&self) -> Option<u32> {
        self.own.gid.or(&self.global.gid).copied()
    }

    pub(super) fn devmajor(&self) -> Option<u64> {
        self.own.devmajor.or(&self.global.devmajor).copied()
    }

    pub(super) fn devminor(&self) -> Option<u64> {
        self.own.devminor.or(&self.global.devminor).copied()
    }

    pub(super) fn uname(&self) -> Option<&'a [u8]> {
        self.own.uname.or(&self.global.uname).map(Vec::as_slice)
    }

    pub(super) fn gname(&self) -> Option<&'a [u8]> {
        self.own.gname.or(&self.global.gname).map(Vec::as_slice)
    }

    /// The records of extended attributes: the global ones, and the entry's own.
    pub(super) fn xattrs(&self) -> (&'a Records, &'a Records) {
        (&self.global.xattrs, &self.own.xattrs)
    }

    /// The records whose keyword is not known: the global ones, and the entry's own.
    pub(super) fn unknown(&self) -> (&'a [Unknown], &'a [Unknown]) {
        (&self.global.unknown, &self.own.unknown)
    }

    pub(super) fn is_star_sparse(&self) -> bool {
        self.own.is_star_sparse || self.global.is_star_sparse
    }
}

/// Splits off the first record, without its length and its newline.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let (digits, _) = split_at_byte(records, b' ')?;
    let length = usize::try_from(parse_decimal(digits)?).ok()?;
    let (record, after) = records.split_at_checked(length)?;
    let text = record.get(digits.len().checked_add(1)?..)?;
    Some((text.strip_suffix(b"\n")?, after))
}

/// Splits at the first `separator`, which is in neither half.
fn split_at_byte(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    let (before, from) = bytes.split_at_checked(at)?;
    Some((before, from.get(1..)?))
}

fn field<T>(value: &[u8], parse: impl Fn(&[u8]) -> Result<T, Rule>) -> Result<Field<T>, Rule> {
    if value.is_empty() {
        return Ok(Field::Void);
    }
    parse(value).map(Field::Value)
}

fn id(name: &'static str, value: &[u8]) -> Result<u32, Rule> {
    let number = decimal(name, value, ID_MAX)?;
    u32::try_from(number).map_err(|_| wrong_number(name, value))
}

fn decimal(name: &'static str, value: &[u8], max: u64) -> Result<u64, Rule> {
    parse_decimal(value)
        .filter(|number| *number <= max)
        .ok_or_else(|| wrong_number(name, value))
}

pub(super) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Parses a time of seconds with a decimal fraction, which is cut to nanoseconds towards the past.
fn time(value: &[u8]) -> Result<(i64, u32), Rule> {
    parse_time(value).ok_or_else(|| wrong_number("mtime", value))
}

fn parse_time(value: &[u8]) -> Option<(i64, u32)> {
    let (is_negative, value) = match value.strip_prefix(b"-") {
        Some(value) => (true, value),
        None => (false, value),
    };
    let (whole, fraction) = split_at_byte(value, b'.').unwrap_or((value, b""));
    let seconds = i64::try_from(parse_decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (kept, cut) = fraction.split_at_checked(9).unwrap_or((fraction, b""));
    let missing = u32::try_from(9usize.checked_sub(kept.len())?).ok()?;
    let kept = if kept.is_empty() {
        0
    } else {
        parse_decimal(kept)?
    };
    let nanoseconds = u32::try_from(kept)
        .ok()?
        .checked_mul(10u32.checked_pow(missing)?)?;
    if !is_negative {
        return Some((seconds, nanoseconds));
    }
    let is_cut = cut.iter().any(|&digit| digit != b'0');
    let distance = nanoseconds.checked_add(u32::from(is_cut))?;
    match 1_000_000_000u32.checked_sub(distance)? {
        1_000_000_000 => Some((seconds.checked_neg()?, 0)),
        nanoseconds => Some((seconds.checked_neg()?.checked_sub(1)?, nanoseconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(records: &[u8]) -> Result<Attributes, Rule> {
        let mut attributes = Attributes::default();
        attributes.add(records)?;
        Ok(attributes)
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("0", Some((0, 0))),
            ("1350244992.023960108", Some((1350244992, 23960108))),
            ("1.5", Some((1, 500_000_000))),
            ("1.", Some((1, 0))),
            ("1.0000000019", Some((1, 1))),
            ("-1", Some((-1, 0))),
            ("-1.5", Some((-2, 500_000_000))),
            ("-0.0000000001", Some((-1, 999_999_999))),
            ("-0.9999999999", Some((-1, 0))),
            ("-2.0000000000", Some((-2, 0))),
            (".5", None),
            ("", None),
            ("1e9", None),
            ("1.x", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(parse_time(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn records_are_taken_by_their_length() {
        let records = b"16 path=a\nb c=d\n9 path=x\n";
        let attributes = attributes(records).unwrap();
        assert_eq!(attributes.path, Field::Value(b"x".to_vec()));
    }

    #[test]
    fn newline_in_a_value() {
        let attributes = attributes(b"16 path=a\nb c=d\n").unwrap();
        assert_eq!(attributes.path, Field::Value(b"a\nb c=d".to_vec()));
    }

    #[test]
    fn an_empty_value_voids_the_global_one() {
        let global = attributes(b"11 path=ab\n8 uid=7\n").unwrap();
        let own = attributes(b"8 path=\n").unwrap();
        assert_eq!(own.over(&global).path(), None);
        assert_eq!(own.over(&global).uid(), Some(7));
    }

    #[test]
    fn malformed_records() {
        for records in [
            &b"path=a\n"[..],
            b"11 path=a\n",
            b"8 path=a\n",
            b"0 path=a\n",
            b"10 path=a ",
            b"10 patha_\n",
            b"99999999999999999999 path=a\n",
            b"\0\0\0",
            b" ",
        ] {
            let result = attributes(records).map(drop);
            assert_eq!(result, Err(Rule::PaxRecord { at: 0 }), "{records:?}");
        }
    }
}
