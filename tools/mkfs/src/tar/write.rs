// SPDX-License-Identifier: GPL-2.0

//! Writing headers.

use layout::SECTOR_SIZE;

use super::header::{size_field, write_field, Header, USTAR};

/// Largest numbers that header fields of 8 and 12 bytes express in octal digits.
const OCTAL_8_MAX: u32 = 0o7_777_777;
const OCTAL_12_MAX: i64 = 0o77_777_777_777;

/// Name of extended headers.
const EXTENDED_NAME: &[u8] = b"PaxHeaders/mkfs.tarfs";

/// What a header says of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) typeflag: u8,
    pub(crate) permissions: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: (i64, u32),
    /// Bytes of data that follow the header.
    pub(crate) size: u64,
    pub(crate) device: (u32, u32),
}

impl Member<'_> {
    /// Returns the headers: an extended one with `records`, and those of what its own has no room
    /// for, if there are any, and its own.
    pub(crate) fn headers(&self, mut records: Vec<u8>) -> Vec<u8> {
        let mut header = Header::zero();
        let mut text = |field: &mut [u8], keyword, value: &[u8]| {
            if value.len() > field.len() {
                records.extend(record(keyword, value));
            }
            write_field(field, value);
        };
        text(&mut header.name, b"path", self.name);
        text(&mut header.linkname, b"linkpath", self.target);
        let mut id = |field: &mut [u8], keyword, id: u32| {
            let octal = if id <= OCTAL_8_MAX { id } else { 0 };
            write_field(field, format!("{octal:07o}").as_bytes());
            if octal != id {
                records.extend(record(keyword, id.to_string().as_bytes()));
            }
        };
        id(&mut header.uid, b"uid", self.uid);
        id(&mut header.gid, b"gid", self.gid);
        let (seconds, nanoseconds) = self.mtime;
        let has_room = (0..=OCTAL_12_MAX).contains(&seconds);
        let octal = if has_room { seconds } else { 0 };
        write_field(&mut header.mtime, format!("{octal:011o}").as_bytes());
        if !has_room || nanoseconds > 0 {
            records.extend(record(b"mtime", &decimal_time(seconds, nanoseconds)));
        }
        let permissions = self.permissions & 0o7777;
        write_field(&mut header.mode, format!("{permissions:07o}").as_bytes());
        let (major, minor) = self.device;
        write_field(&mut header.devmajor, format!("{major:07o}").as_bytes());
        write_field(&mut header.devminor, format!("{minor:07o}").as_bytes());
        header.size = size_field(self.size);
        header.typeflag = self.typeflag;
        header.magic = USTAR;
        header.version = *b"00";
        header.seal();
        match records.as_slice() {
            b"" => header.as_bytes().to_vec(),
            _ => [extended_header(records), header.as_bytes().to_vec()].concat(),
        }
    }
}

/// Returns an extended header with these records.
fn extended_header(mut records: Vec<u8>) -> Vec<u8> {
    let header = Member {
        name: EXTENDED_NAME,
        target: b"",
        typeflag: b'x',
        permissions: 0o644,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        // CAST: `usize` is at most 64 bits wide.
        size: records.len() as u64,
        device: (0, 0),
    };
    let header = header.headers(Vec::new());
    records.resize(records.len().next_multiple_of(SECTOR_SIZE), 0);
    [header, records].concat()
}

/// Returns a record, which begins with its own length.
pub(crate) fn record(keyword: &[u8], value: &[u8]) -> Vec<u8> {
    // What is besides the length's digits: a space, an equals sign and a newline.
    let rest = keyword.len().saturating_add(value.len()).saturating_add(3);
    let mut length = rest;
    // Each digit may make one more necessary, once.
    for _ in 0..2 {
        length = rest.saturating_add(length.to_string().len());
    }
    let digits = length.to_string();
    [digits.as_bytes(), b" ", keyword, b"=", value, b"\n"].concat()
}

/// Returns a time in seconds with a decimal fraction; `nanoseconds` count forward in any case.
fn decimal_time(seconds: i64, nanoseconds: u32) -> Vec<u8> {
    let text = match (seconds, nanoseconds) {
        (_, 0) => seconds.to_string(),
        (0.., _) => format!("{seconds}.{nanoseconds:09}"),
        _ => {
            let whole = seconds.saturating_add(1).unsigned_abs();
            let fraction = 1_000_000_000u32.saturating_sub(nanoseconds);
            format!("-{whole}.{fraction:09}")
        }
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_records() {
        for length in [0, 1, 5, 80, 90, 91, 92, 93, 980, 990, 991, 992, 993, 9990] {
            let record = record(b"key", &vec![b'v'; length]);
            let text = String::from_utf8(record.clone()).unwrap();
            let (digits, _) = text.split_once(' ').unwrap();
            assert_eq!(digits.parse(), Ok(record.len()), "{length}");
        }
    }

    #[test]
    fn times() {
        for (time, text) in [
            ((5, 0), "5"),
            ((5, 50), "5.000000050"),
            ((-1, 999_999_999), "-0.000000001"),
            ((-2, 500_000_000), "-1.500000000"),
            ((-2, 0), "-2"),
        ] {
            assert_eq!(decimal_time(time.0, time.1), text.as_bytes());
        }
    }
}
