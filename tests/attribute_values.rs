// SPDX-License-Identifier: GPL-2.0
//! Values for the files of a disk in configfs: good ones, ones that are wrong in one place, and bytes
//! that are nothing at all, up to more than a page.

use fastrand::Rng;

/// What the values of a file look like.
#[derive(Clone, Copy)]
pub enum Grammar {
    /// A number; of what size, the file says.
    Number,
    /// A truth value.
    Truth,
    /// Sectors that become bad or good.
    BadBlocks,
    /// A model of latencies.
    Latency,
    /// What a crash loses.
    Loss,
    /// An error rule, or a change of their list.
    Rule,
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "8",
    "64",
    "511",
    "512",
    "4096",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
];
const OPERATIONS: &[&str] = &[
    "read",
    "write",
    "flush",
    "discard",
    "write_zeroes",
    "zone_append",
    "zone_management",
    "any",
    "no",
    "",
];
const STATUSES: &[&str] = &["ioerr", "medium", "timeout", "nospc", "ok", "bad", ""];
const PERCENTS: &[&str] = &[
    "0",
    "100",
    "50",
    "0.0001",
    "99.9999",
    "100.0001",
    "0.00001",
    ".5",
    "5.",
    "-1",
    "1e1",
    "4294967296",
    "",
];

fn one(rng: &mut Rng, of: &[&str]) -> String {
    rng.choice(of).copied().unwrap_or("").to_string()
}

fn number(rng: &mut Rng) -> String {
    let number = match rng.u8(0..4) {
        0 => rng.u32(0..20).to_string(),
        1 => rng.u64(..).to_string(),
        _ => one(rng, NUMBERS),
    };
    match rng.u8(0..12) {
        0 => format!("-{number}"),
        1 => format!("+{number}"),
        2 => format!("0x{number}"),
        3 => format!("0{number}"),
        4 => format!(" {number}"),
        5 => format!("{number} "),
        6 => format!("{number}k"),
        _ => number,
    }
}

fn range(rng: &mut Rng) -> String {
    let first = rng.u64(0..5000);
    match rng.u8(0..6) {
        0 => format!("{}-{}", number(rng), number(rng)),
        1 => number(rng),
        2 => format!("{}-{first}", first + 1),
        _ => format!("{first}-{}", first + rng.u64(0..100)),
    }
}

fn words(rng: &mut Rng, count: usize, word: impl Fn(&mut Rng) -> String) -> String {
    let words: Vec<String> = (0..count).map(|_| word(rng)).collect();
    words.join(" ")
}

fn latency(rng: &mut Rng) -> String {
    let time = |rng: &mut Rng| match rng.u8(0..6) {
        0 => number(rng),
        1 => "3600000000000".into(),
        2 => "3600000000001".into(),
        _ => rng.u32(0..2_000_000).to_string(),
    };
    match rng.u8(0..6) {
        0 => "off".into(),
        1 => format!("constant {}", time(rng)),
        2 => format!("uniform {} {}", time(rng), time(rng)),
        3 => format!("normal {} {} {}", time(rng), time(rng), time(rng)),
        4 => {
            let count = rng.usize(0..18);
            let points: Vec<String> = (1..=count)
                .map(|point| format!("{}.{}:{}", point * 5, rng.u8(0..100), point * 1000))
                .collect();
            format!("table {}", points.join(" "))
        }
        _ => {
            let count = rng.usize(1..4);
            let points = words(rng, count, |rng| {
                format!("{}:{}", one(rng, PERCENTS), time(rng))
            });
            format!("table {points}")
        }
    }
}

fn loss(rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => "all".into(),
        1 => "none".into(),
        2 => format!("random {}", one(rng, PERCENTS)),
        _ => {
            let ranges: Vec<String> = (0..rng.usize(1..70)).map(|_| range(rng)).collect();
            ranges.join(",")
        }
    }
}

fn rule(rng: &mut Rng) -> String {
    let word = |rng: &mut Rng| match rng.u8(0..8) {
        0 => {
            let names: Vec<String> = (0..rng.usize(1..4)).map(|_| one(rng, OPERATIONS)).collect();
            format!("op={}", names.join(","))
        }
        1 => format!("sectors={}", range(rng)),
        2 => format!("status={}", one(rng, STATUSES)),
        3 => "corrupt".into(),
        4 => format!("probability={}", one(rng, PERCENTS)),
        5 => format!("times={}", number(rng)),
        6 => "heal".into(),
        _ => one(
            rng,
            &[
                "",
                "x",
                "=",
                "op",
                "status=",
                "heal=1",
                "times",
                "op=read op=write",
            ],
        ),
    };
    let count = rng.usize(0..6);
    match rng.u8(0..10) {
        0 => format!("-{}", number(rng)),
        1 => "-all".into(),
        2 => words(rng, count, word),
        3..=6 => format!("+status=medium {}", words(rng, count / 2, word)),
        _ => format!("+{}", words(rng, count, word)),
    }
}

/// Bytes that are nothing in particular.
fn raw(rng: &mut Rng) -> Vec<u8> {
    let length = match rng.u8(0..4) {
        0 => rng.usize(0..4),
        1 => rng.usize(4090..4200),
        _ => rng.usize(0..200),
    };
    match rng.u8(0..4) {
        0 => vec![rng.choice(*b"0 9+-=:,.\n\0\xff").unwrap_or(0); length],
        1 => (0..length).map(|_| rng.u8(b' '..=b'~')).collect(),
        _ => (0..length).map(|_| rng.u8(..)).collect(),
    }
}

/// A value for a file of this kind.
pub fn value(grammar: Grammar, rng: &mut Rng) -> Vec<u8> {
    let text = match grammar {
        Grammar::Number => number(rng),
        Grammar::Truth => one(
            rng,
            &["0", "1", "y", "N", "on", "oFf", "t", "F", "2", "o", ""],
        ),
        Grammar::BadBlocks => format!("{}{}", one(rng, &["+", "-", "+", "-", ""]), range(rng)),
        Grammar::Latency => latency(rng),
        Grammar::Loss => loss(rng),
        Grammar::Rule => rule(rng),
    };
    let mut bytes = text.into_bytes();
    match rng.u8(0..10) {
        0 => bytes = raw(rng),
        1 => bytes.extend(raw(rng)),
        2 if !bytes.is_empty() => {
            let at = rng.usize(0..bytes.len());
            bytes[at] = rng.u8(..);
        }
        3 => bytes.insert(
            rng.usize(0..=bytes.len()),
            rng.choice(*b"\0 \n\t-+0").unwrap_or(0),
        ),
        4 if !bytes.is_empty() => {
            bytes.remove(rng.usize(0..bytes.len()));
        }
        5..=6 => bytes.push(b'\n'),
        _ => {}
    }
    // Of nothing at all, no driver hears.
    if bytes.is_empty() {
        bytes.push(b'\n');
    }
    bytes
}
