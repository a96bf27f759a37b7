// SPDX-License-Identifier: GPL-2.0

//! Values as attackers choose them for an archive's fields and records: at an edge, or close to one.

use fastrand::Rng;

/// Numbers at which something changes for some field or some program.
const EDGES: &[u64] = &[
    0,
    1,
    7,
    8,
    511,
    512,
    513,
    0o7777,
    0o177777,
    1 << 20,
    0o7777777,
    0o10000000,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64 - 1,
    u32::MAX as u64,
    1 << 32,
    0o77777777777,
    0o100000000000,
    253_402_300_800,
    (1 << 56) + 1,
    i64::MAX as u64 - 511,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 511,
    u64::MAX,
];

/// Names with something about them.
const NAMES: &[&[u8]] = &[
    b"",
    b".",
    b"..",
    b"/",
    b"./",
    b"a",
    b"a/",
    b"a/.",
    b"./a",
    b"a//b",
    b"a/b",
    b"a/b/",
    b"../a",
    b"a/../b",
    b"/a",
    b"//a",
    b"a\0b",
    b"\0a",
    b"a\nb",
    b"a\\b",
    b"a\"b",
    b" a",
    b"a ",
    b"\xff\xfe",
    "ä€".as_bytes(),
    b"\xc3",
    b".wh.a",
    b".wh..wh..opq",
    b".wh.",
    b"a -> b",
];

/// A number, mostly from [`EDGES`] or next to one.
pub fn number(rng: &mut Rng) -> u64 {
    let edge = rng.choice(EDGES).copied().unwrap_or(0);
    match rng.u8(0..4) {
        0 => rng.u64(0..2000),
        1 => edge,
        2 => edge.wrapping_add(rng.u64(0..3)).wrapping_sub(1),
        _ => rng.u64(..) >> rng.u8(0..64),
    }
}

/// A number as a header's field of `length` bytes has it: in octal or base 256, or wrongly.
pub fn number_text(mut rng: Rng, length: usize) -> Vec<u8> {
    let number = number(&mut rng);
    let octal = format!("{number:o}");
    // Where it does not fit, its last digits.
    let digits = |width: usize| {
        let start = octal.len().saturating_sub(width);
        octal.as_bytes()[start..].to_vec()
    };
    match rng.u8(0..16) {
        0..=5 => {
            let mut text = format!("{octal:0>width$}", width = length - 1).into_bytes();
            text.drain(..text.len() - (length - 1));
            text
        }
        6 => digits(length),
        7 => [b" ", digits(length - 2).as_slice(), b" "].concat(),
        8 => [digits(length - 1).as_slice(), b" "].concat(),
        9 | 10 => base256(number as i64, length),
        11 => base256((number as i64).wrapping_neg(), length),
        12 => vec![rng.u8(..); length],
        13 => Vec::new(),
        14 => {
            let wrong: [&[u8]; 8] = [
                b"-1", b"+1", b"0x1f", b"8", b"1 2", b"7x", b"\x001", b"\x80",
            ];
            rng.choice(wrong).unwrap_or_default().to_vec()
        }
        _ => (0..length).map(|_| rng.u8(..)).collect(),
    }
}

/// A number in GNU's base 256.
fn base256(number: i64, length: usize) -> Vec<u8> {
    let bytes = i128::from(number).to_be_bytes();
    let mut field = bytes[bytes.len() - length..].to_vec();
    field[0] |= 0x80;
    field
}

/// A name: one with something about it, a long one, or one of those that the archive has.
pub fn name(mut rng: Rng, existing: &[Vec<u8>]) -> Vec<u8> {
    let known = |rng: &mut Rng| rng.choice(existing).cloned().unwrap_or_default();
    match rng.u8(0..8) {
        0..=2 => rng.choice(NAMES).map_or(Vec::new(), |name| name.to_vec()),
        3 => known(&mut rng),
        4 => [known(&mut rng).as_slice(), b"/"].concat(),
        5 => [known(&mut rng).as_slice(), b"/x"].concat(),
        6 => {
            let lengths = [99, 100, 101, 155, 254, 255, 256, 257];
            vec![b'n'; rng.choice(lengths).unwrap_or(100)]
        }
        _ => {
            let length = [4094, 4095, 4096, 5000, 70_000];
            let length = rng.choice(length).unwrap_or(4095);
            b"d/".iter().copied().cycle().take(length).collect()
        }
    }
}

/// A value for a record with this keyword.
pub fn pax_value(keyword: &str, rng: &mut Rng, existing: &[Vec<u8>]) -> Vec<u8> {
    let is_number = [
        "size", "id", "dev", "major", "minor", "num", "offset", "time",
    ]
    .iter()
    .any(|part| keyword.contains(part));
    match rng.u8(0..8) {
        // Empty, or what another keyword would have.
        0 => Vec::new(),
        1 => number(rng).to_string().into(),
        2 => name(rng.fork(), existing),
        _ if keyword.ends_with("time") => time(rng).into(),
        _ if is_number => decimal(rng).into(),
        _ if keyword == "GNU.sparse.map" => {
            let numbers: Vec<String> = (0..rng.usize(0..7)).map(|_| decimal(rng)).collect();
            numbers.join(",").into()
        }
        _ if keyword.starts_with("SCHILY.acl") => acl(rng).into(),
        _ if keyword == "hdrcharset" => b"BINARY".to_vec(),
        _ => name(rng.fork(), existing),
    }
}

fn decimal(rng: &mut Rng) -> String {
    let number = number(rng);
    match rng.u8(0..12) {
        0 => format!("-{number}"),
        1 => format!("+{number}"),
        2 => format!("0{number}"),
        3 => format!(" {number}"),
        4 => format!("{number} "),
        5 => format!("{number}x"),
        6 => format!("{}", number % 100 * 512),
        _ => number.to_string(),
    }
}

fn time(rng: &mut Rng) -> String {
    let (whole, nanoseconds) = (decimal(rng), rng.u32(0..1_000_000_000));
    match rng.u8(0..6) {
        0 => format!("{whole}."),
        1 => format!("{whole}.{nanoseconds:09}{nanoseconds}"),
        2 => format!(".{nanoseconds}"),
        3 => whole,
        4 => format!("{whole}e2"),
        _ => format!("{whole}.{nanoseconds:09}"),
    }
}

fn acl(rng: &mut Rng) -> String {
    let entries = [
        "user::rwx",
        "group::r-x",
        "other::---",
        "mask::rwx",
        "user:7:r--",
        "group:8:rwx:8",
        "user:name:rwx:12",
        "user:name:rwx",
        "default:user::rwx",
        "user::rwz",
        "u::7",
        "#",
        "",
    ];
    let chosen: Vec<&str> = (0..rng.usize(0..7))
        .filter_map(|_| rng.choice(entries))
        .collect();
    chosen.join(if rng.bool() { "," } else { "\n" })
}
