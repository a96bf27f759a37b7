// SPDX-License-Identifier: GPL-2.0

//! What values an attribute can have: the one table of it.
//!
//! The driver itself takes nearly everything when an attribute is written, and says at power-on
//! that something is wrong, but not what. So values are judged here first. An attribute that is
//! not in the table is left to the driver.

use std::fmt;

use crate::latency_model::LatencyModel;

/// What an attribute's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A truth value.
    Truth,
    /// A number from the first to the second.
    Number(u64, u64),
    /// A power of two from the first to the second.
    PowerOfTwo(u64, u64),
    /// One of these numbers.
    OneOf(&'static [u64]),
    /// A plus or minus sign and a range of sectors.
    SectorRange,
    /// A model of how long requests take.
    Latency,
    /// What of a cache is lost.
    Loss,
    /// A rule that is added, or the number of one that is removed.
    Edit,
}

use Rule::{Edit, Latency, Loss, Number, OneOf, PowerOfTwo, SectorRange, Truth};

/// Any `unsigned int`.
const UINT: Rule = Number(0, u32::MAX as u64);

/// Any `unsigned long`.
const ULONG: Rule = Number(0, u64::MAX);

/// The attributes and their rules, by name.
pub const RULES: &[(&str, Rule)] = &[
    ("badblocks", SectorRange),
    ("badblocks_once", Truth),
    ("badblocks_partial_io", Truth),
    ("blocking", Truth),
    ("blocksize", PowerOfTwo(512, 65536)),
    ("cache_size", ULONG),
    ("completion_nsec", ULONG),
    ("crash/lose", Loss),
    ("crash/now", OneOf(&[1])),
    ("crash/seed", ULONG),
    ("crash/torn", Truth),
    ("discard", Truth),
    ("fua", Truth),
    ("home_node", UINT),
    ("hw_queue_depth", Number(1, 10240)),
    ("index", UINT),
    ("irqmode", Number(0, 2)),
    ("latency/discard", Latency),
    ("latency/flush", Latency),
    ("latency/read", Latency),
    ("latency/seed", ULONG),
    ("latency/write", Latency),
    ("latency/write_zeroes", Latency),
    ("latency/zone_append", Latency),
    ("latency/zone_management", Latency),
    ("max_sectors", UINT),
    ("mbps", Number(0, 40960)),
    ("memory_backed", Truth),
    ("no_sched", Truth),
    ("poll_queues", UINT),
    ("power", Truth),
    ("queue_mode", OneOf(&[0, 2])),
    ("rotational", Truth),
    ("rules/from", UINT),
    ("rules/prepared", Truth),
    ("rules/rules", Edit),
    ("rules/seed", ULONG),
    ("shared_tag_bitmap", Truth),
    ("shared_tags", Truth),
    // In MiB: 2^64 bytes do not fit.
    ("size", Number(0, (1 << 44) - 1)),
    ("statistics/enabled", Truth),
    ("statistics/reset", Truth),
    ("submit_queues", Number(1, u32::MAX as u64)),
    ("use_per_node_hctx", Truth),
    ("virt_boundary", Truth),
    ("zone_append_max_sectors", UINT),
    ("zone_capacity", ULONG),
    ("zone_full", Truth),
    ("zone_max_active", UINT),
    ("zone_max_open", UINT),
    ("zone_nr_conv", UINT),
    ("zone_offline", ULONG),
    ("zone_readonly", ULONG),
    ("zone_size", PowerOfTwo(1, 1 << 43)),
    ("zoned", Truth),
];

/// The rule of an attribute, if it is known.
pub fn find(attribute: &str) -> Option<Rule> {
    RULES
        .iter()
        .find(|(name, _)| *name == attribute)
        .map(|(_, rule)| *rule)
}

impl Rule {
    /// What a value must be, if it is not.
    pub fn broken_by(self, value: &str) -> Option<String> {
        match self {
            Self::Latency => LatencyModel::parse(value).err().map(str::to_owned),
            _ if self.allows(value) => None,
            _ => Some(self.to_string()),
        }
    }

    /// Whether a disk can have the value.
    fn allows(self, value: &str) -> bool {
        match self {
            Self::Latency => LatencyModel::parse(value).is_ok(),
            Self::Truth => truth(value).is_some(),
            Self::Number(min, max) => number(value).is_some_and(|n| (min..=max).contains(&n)),
            Self::PowerOfTwo(min, max) => {
                number(value).is_some_and(|n| (min..=max).contains(&n) && n.is_power_of_two())
            }
            Self::OneOf(numbers) => number(value).is_some_and(|n| numbers.contains(&n)),
            Self::SectorRange => value.strip_prefix(['+', '-']).is_some_and(sector_range),
            Self::Loss => match value.split_once(' ') {
                Some((how, percent)) => how == "random" && is_percentage(percent),
                None => matches!(value, "all" | "none") || value.split(',').all(sector_range),
            },
            // Its words are the driver's to judge.
            Self::Edit => match value.strip_prefix('-') {
                Some(which) => which == "all" || number(which).is_some(),
                None => value.starts_with('+'),
            },
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth => write!(f, "1, y, t, on, or 0, n, f, off"),
            Self::Number(min, max) => write!(f, "a number from {min} to {max}"),
            Self::PowerOfTwo(min, max) => write!(f, "a power of two from {min} to {max}"),
            Self::OneOf(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
                write!(f, "{}", numbers.join(" or "))
            }
            Self::Latency => write!(f, "a model of latencies (Documentation/rnull.rst)"),
            Self::SectorRange => write!(f, "+FIRST-LAST or -FIRST-LAST, in sectors of 512 bytes"),
            Self::Loss => write!(
                f,
                "all, none, random PERCENT, or FIRST-LAST[,FIRST-LAST]... in sectors of 512 bytes"
            ),
            Self::Edit => write!(
                f,
                "+ and the words of a rule (such as op=read sectors=0-7 status=medium), -NUMBER or \
                 -all"
            ),
        }
    }
}

/// A truth value, as the kernel's `kstrtobool()` reads it.
pub fn truth(value: &str) -> Option<bool> {
    let lower = value.to_ascii_lowercase();
    match lower.as_bytes() {
        [b'1' | b'y' | b't', ..] | [b'o', b'n', ..] => Some(true),
        [b'0' | b'n' | b'f', ..] | [b'o', b'f', ..] => Some(false),
        _ => None,
    }
}

/// A number in decimal, hexadecimal (`0x`) or octal (`0`), as the kernel's `kstrtoull()` reads it.
pub fn number(value: &str) -> Option<u64> {
    let digits = value.strip_prefix('+').unwrap_or(value);
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    // `from_str_radix()` takes a sign, which was taken above.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// Whether the text is a percentage as the driver reads it: with at most four decimals.
pub fn is_percentage(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && digits(decimals)
        && decimals.len() <= 4
        && text.parse::<f64>().is_ok_and(|percent| percent <= 100.0)
}

fn sector_range(range: &str) -> bool {
    let ends = range.split_once('-');
    match ends.map(|(first, last)| (number(first), number(last))) {
        Some((Some(first), Some(last))) => first <= last,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_kernel_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("010", Some(8)),
            ("0x1F", Some(31)),
            ("+5", Some(5)),
            ("09", None),
            ("-1", None),
            ("++1", None),
            ("", None),
            ("1x", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
        for (text, value) in [("oN", Some(true)), ("off", Some(false)), ("x", None)] {
            assert_eq!(truth(text), value, "{text}");
        }
        for (text, value) in [
            ("+1-2", true),
            ("-7-7", true),
            ("1-2", false),
            ("+2-1", false),
        ] {
            assert_eq!(SectorRange.allows(text), value, "{text}");
        }
        for (text, value) in [
            ("none", true),
            ("random 12.5", true),
            ("random 100", true),
            ("random 100.0001", false),
            ("random .5", false),
            ("random 0.00001", false),
            ("all 1", false),
            ("0-0x7,9-9", true),
            ("9-8", false),
            ("", false),
        ] {
            assert_eq!(Loss.allows(text), value, "{text}");
        }
    }

    #[test]
    fn every_option_of_the_driver_has_a_rule() {
        let table = include_str!("../../../block/rnull/options.rs");
        let (_, table) = table.split_once("\noptions! {\n").unwrap();
        let (table, _) = table.split_once("\n}\n").unwrap();
        // A line of the table begins at the first indentation.
        let lines = table.lines().filter_map(|line| line.strip_prefix("    "));
        let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let names: Vec<_> = names.map(|line| line.split(end).next().unwrap()).collect();
        assert!(names.contains(&"blocksize"));
        for name in names {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
