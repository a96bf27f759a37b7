// SPDX-License-Identifier: GPL-2.0

//! Hostile archives: fields of headers, records of extended headers and maps of sparse files changed
//! to values at the edges, members doubled, moved and left out, with checksums that are right again.

use std::ops::Range;

use fastrand::Rng;

use super::archive_blocks::{members, repair, seal, Member, BLOCK};
use super::hostile_values::{name, number, number_text, pax_value};

/// Fields of headers that have a name or other text: that of the member, its link's, the user's and
/// the group's, and the prefix.
const TEXTS: &[Range<usize>] = &[0..100, 157..257, 265..297, 297..329, 345..500];

/// Fields that have a number: mode, owner, group, size, time, checksum, the device's two; GNU's
/// times and offset; the sizes of a sparse file in GNU's header and in star's.
const NUMBERS: &[Range<usize>] = &[
    100..108,
    108..116,
    116..124,
    124..136,
    136..148,
    148..156,
    329..337,
    337..345,
    345..357,
    357..369,
    369..381,
    483..495,
    452..464,
];

/// Where headers of type `S` have their first part, and whether a block with more follows.
const PARTS: usize = 386;
const IS_EXTENDED: usize = 482;

/// All types that mean something to some program, and some that do not.
const TYPES: &[u8] = b"\x0001234567gxXLKSDMVNAE8 z\xff";

/// Magics with versions: POSIX's, GNU's, none, and mixtures.
const MAGICS: &[&[u8; 8]] = &[
    b"ustar\x0000",
    b"ustar  \0",
    b"\0\0\0\0\0\0\0\0",
    b"ustar\0  ",
    b"ustar 00",
    b"ustar\0\0\0",
];

/// Keywords of records.
const KEYWORDS: &[&str] = &[
    "path",
    "linkpath",
    "size",
    "mtime",
    "atime",
    "ctime",
    "uid",
    "gid",
    "uname",
    "gname",
    "comment",
    "charset",
    "hdrcharset",
    "SCHILY.devmajor",
    "SCHILY.devminor",
    "SCHILY.realsize",
    "SCHILY.xattr.user.a",
    "SCHILY.xattr.security.capability",
    "SCHILY.acl.access",
    "SCHILY.acl.default",
    "LIBARCHIVE.xattr.user.a",
    "RHT.security.selinux",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.name",
    "GNU.sparse.realsize",
    "GNU.sparse.size",
    "GNU.sparse.numblocks",
    "GNU.sparse.offset",
    "GNU.sparse.numbytes",
    "GNU.sparse.map",
    "GNU.dumpdir",
    "GNU.volume.label",
    "GNU.volume.filename",
    "unknown.keyword",
    "",
    "a b",
    "with\nnewline",
];

/// Changes an archive in one to four places. Checksums are made right, most of the time.
pub fn mutate(archive: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(1..=4) {
        let members = members(archive);
        let Some(member) = rng.choice(&members).cloned() else {
            return;
        };
        let header = member.start..member.start + BLOCK;
        match rng.u8(0..32) {
            0..=5 => put(archive, &header, rng.choice(NUMBERS), |length| {
                number_text(rng.fork(), length)
            }),
            6..=8 => {
                let names = existing_names(archive, &members);
                let field = rng.choice(TEXTS);
                put(archive, &header, field, |_| name(rng.fork(), &names));
            }
            9..=10 => archive[header.start + 156] = rng.choice(TYPES).copied().unwrap_or(0),
            11 => {
                let magic = rng.choice(MAGICS).map_or(&[0; 8], |magic| magic);
                archive[header.start + 257..][..8].copy_from_slice(magic);
            }
            12..=17 => change_records(archive, &members, rng),
            18..=19 => change_sparse_header(archive, &members, rng),
            20..=21 => insert_extension(archive, &members, &member, rng),
            22..=25 => move_member(archive, &members, &member, rng),
            26..=27 => change_digits(archive, &member, rng),
            28..=30 => {
                let byte = rng.u8(..);
                let length = archive.len();
                // The first bytes of a block say more than the others.
                let at = rng.usize(0..length) / BLOCK * BLOCK + rng.usize(0..BLOCK);
                if let Some(place) = archive.get_mut(at) {
                    *place = byte;
                }
            }
            _ => cut(archive, rng),
        }
    }
    if rng.u8(0..16) > 0 {
        repair(archive);
    }
}

/// Writes a value to a field of a header; the rest of the field is as it was, or NUL.
fn put(
    archive: &mut [u8],
    header: &Range<usize>,
    field: Option<&Range<usize>>,
    value: impl FnOnce(usize) -> Vec<u8>,
) {
    let Some(field) = field else {
        return;
    };
    let place = &mut archive[header.clone()][field.clone()];
    let value = value(place.len());
    place.fill(0);
    place
        .iter_mut()
        .zip(&value)
        .for_each(|(place, byte)| *place = *byte);
}

/// The names that the headers have.
fn existing_names(archive: &[u8], members: &[Member]) -> Vec<Vec<u8>> {
    let names = members.iter().map(|member| &archive[member.start..][..100]);
    names
        .map(|name| {
            name.split(|&byte| byte == 0)
                .next()
                .unwrap_or_default()
                .to_vec()
        })
        .collect()
}

/// Changes, adds, doubles or removes a record of an extended header; where there is none, adds one.
fn change_records(archive: &mut Vec<u8>, members: &[Member], rng: &mut Rng) {
    let extended = members
        .iter()
        .filter(|member| matches!(archive[member.start + 156], b'x' | b'g' | b'X'));
    let extended: Vec<&Member> = extended.collect();
    let names = existing_names(archive, members);
    let Some(&member) = rng.choice(&extended) else {
        let at = rng.choice(members).map_or(0, |member| member.start);
        let records = new_record(rng, &names);
        insert(archive, at, &extension(b'x', &records));
        return;
    };
    let data = archive[member.start + BLOCK..member.end].to_vec();
    let mut records = split_records(&data);
    let place = rng.usize(0..=records.len());
    match rng.u8(0..8) {
        0..=3 => records.insert(place, new_record(rng, &names)),
        4 if place < records.len() => {
            records.remove(place);
        }
        5 if place < records.len() => {
            let record = records[place].clone();
            records.insert(rng.usize(0..=place), record);
        }
        // The length, the keyword or the value.
        _ if place < records.len() && !records[place].is_empty() => {
            let record = &mut records[place];
            let at = rng.usize(0..record.len());
            record[at] = rng.choice(b"0123456789 =\n\0.-").copied().unwrap_or(0);
        }
        _ => records.push(new_record(rng, &names)),
    }
    let typeflag = archive[member.start + 156];
    let changed = extension(typeflag, &records.concat());
    archive.splice(member.clone(), changed);
}

/// The records of an extended header; what is none, as one.
fn split_records(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while data.first().is_some_and(|byte| *byte != 0) {
        let digits = data.iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |number: usize, digit| {
            number
                .saturating_mul(10)
                .saturating_add((digit - b'0').into())
        });
        let (record, rest) = data.split_at(length.clamp(1, data.len()));
        records.push(record.to_vec());
        data = rest;
    }
    records
}

fn new_record(rng: &mut Rng, names: &[Vec<u8>]) -> Vec<u8> {
    let keyword = rng.choice(KEYWORDS).copied().unwrap_or("path");
    record(keyword, &pax_value(keyword, rng, names))
}

/// A record, whose length counts its own digits.
fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = keyword.len() + value.len() + 3;
    let length = (rest..).find(|length| rest + length.to_string().len() == *length);
    let start = format!("{} {keyword}=", length.unwrap_or(rest));
    [start.as_bytes(), value, b"\n"].concat()
}

/// An extended header with its data.
fn extension(typeflag: u8, contents: &[u8]) -> Vec<u8> {
    let mut member = vec![0; BLOCK];
    member[..8].copy_from_slice(b"extended");
    member[100..124].copy_from_slice(b"0000644\x000000000\x000000000\0");
    member[124..136].copy_from_slice(format!("{:011o}\0", contents.len()).as_bytes());
    member[136..148].copy_from_slice(b"00000000000\0");
    member[156] = typeflag;
    member[257..265].copy_from_slice(if matches!(typeflag, b'L' | b'K') {
        b"ustar  \0"
    } else {
        b"ustar\x0000"
    });
    seal(&mut member);
    member.extend_from_slice(contents);
    member.resize(member.len().next_multiple_of(BLOCK), 0);
    member
}

fn insert(archive: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    archive.splice(at..at, bytes.iter().copied());
}

/// Puts a long name, a label or records before a member.
fn insert_extension(archive: &mut Vec<u8>, members: &[Member], before: &Member, rng: &mut Rng) {
    let names = existing_names(archive, members);
    let typeflag = rng.choice(b"LKxgXVA").copied().unwrap_or(b'x');
    let contents = match typeflag {
        b'L' | b'K' => {
            let mut name = name(rng.fork(), &names);
            if rng.u8(0..4) > 0 {
                name.push(0);
            }
            name
        }
        b'V' => Vec::new(),
        _ => (0..rng.usize(0..4))
            .flat_map(|_| new_record(rng, &names))
            .collect(),
    };
    insert(archive, before.start, &extension(typeflag, &contents));
}

/// Doubles a member, leaves it out, or puts it where another one is.
fn move_member(archive: &mut Vec<u8>, members: &[Member], member: &Member, rng: &mut Rng) {
    let bytes = archive[member.clone()].to_vec();
    let target = rng.choice(members).map_or(0, |member| member.start);
    match rng.u8(0..4) {
        0 => {
            archive.drain(member.clone());
        }
        1 => insert(archive, member.end, &bytes),
        _ => insert(archive, target, &bytes),
    }
}

/// Changes a part of a sparse file in a header, or in a block that follows it.
fn change_sparse_header(archive: &mut Vec<u8>, members: &[Member], rng: &mut Rng) {
    let sparse = members
        .iter()
        .filter(|member| archive[member.start + 156] == b'S');
    let sparse: Vec<&Member> = sparse.collect();
    let Some(&member) = rng.choice(&sparse) else {
        // A file becomes one.
        if let Some(member) = rng.choice(members) {
            archive[member.start + 156] = b'S';
        }
        return;
    };
    match rng.u8(0..8) {
        0 => archive[member.start + IS_EXTENDED] = rng.u8(0..3),
        1 => {
            let block = vec![0; BLOCK];
            insert(archive, member.start + BLOCK, &block);
        }
        _ => {
            let is_header = rng.u8(0..3) > 0 || member.len() < 2 * BLOCK;
            let start = if is_header {
                member.start + PARTS
            } else {
                member.start + BLOCK
            };
            let field = rng.usize(0..8) * 12;
            let value = number_text(rng.fork(), 12);
            let place = &mut archive[start + field..][..12];
            place.fill(0);
            place
                .iter_mut()
                .zip(&value)
                .for_each(|(place, byte)| *place = *byte);
        }
    }
}

/// Changes a number in a member's data: in a map, or in records, whose lengths stay.
fn change_digits(archive: &mut [u8], member: &Member, rng: &mut Rng) {
    let data = &mut archive[member.start + BLOCK..member.end];
    let digits: Vec<usize> = (0..data.len().min(2 * BLOCK))
        .filter(|&at| data[at].is_ascii_digit())
        .collect();
    if let Some(&at) = rng.choice(&digits) {
        let digits = number(rng).to_string();
        data[at..]
            .iter_mut()
            .zip(digits.bytes())
            .take(rng.usize(1..=4))
            .for_each(|(place, byte)| *place = byte);
    }
}

/// Cuts the archive, or makes it longer.
fn cut(archive: &mut Vec<u8>, rng: &mut Rng) {
    let length = archive.len();
    match rng.u8(0..4) {
        0 => archive.truncate(rng.usize(0..length)),
        1 => archive.truncate(rng.usize(0..length) / BLOCK * BLOCK),
        2 => insert(archive, rng.usize(0..length) / BLOCK * BLOCK, &[0; BLOCK]),
        _ => archive.resize(length + rng.usize(0..3 * BLOCK), rng.u8(..)),
    }
}
