// SPDX-License-Identifier: GPL-2.0

//! Rules by which requests of a disk fail, or reads lie.

use std::fmt;

use clap::Args;

use crate::disk::Disk;
use crate::error::Error;
use crate::rules::{self, Rule};
use crate::setting::Setting;

/// The file with the rules, and the one with the number from which on it lists them.
const RULES: &str = "rules/rules";
const FROM: &str = "rules/from";

/// What a rule can be about.
const OPERATIONS: [&str; 8] = [
    "any",
    "read",
    "write",
    "flush",
    "discard",
    "write_zeroes",
    "zone_append",
    "zone_management",
];

/// How requests can fail, by the names of the block layer.
const STATUSES: [&str; 17] = [
    "notsupp",
    "timeout",
    "nospc",
    "transport",
    "target",
    "resv_conflict",
    "medium",
    "protection",
    "resource",
    "ioerr",
    "again",
    "dev_resource",
    "zone_open_resource",
    "zone_active_resource",
    "offline",
    "duration_limit",
    "inval",
];

/// A rule, as options.
#[derive(Args)]
pub struct ErrorRule {
    /// What it is about
    #[arg(long, value_delimiter = ',', value_name = "OPERATION", value_parser = OPERATIONS)]
    op: Vec<String>,

    /// The sectors of 512 bytes that it is about, FIRST-LAST
    #[arg(long, value_name = "RANGE", value_parser = sectors)]
    sectors: Option<String>,

    /// How requests fail
    #[arg(long, value_parser = STATUSES, required_unless_present = "corrupt")]
    status: Option<String>,

    /// Reads succeed, with a bit of each sector flipped
    #[arg(long, conflicts_with = "status")]
    corrupt: bool,

    /// How likely it is, in percent with up to four decimals
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    probability: Option<String>,

    /// How often it can happen
    #[arg(long)]
    times: Option<u32>,

    /// A write heals the sectors it writes
    #[arg(long)]
    heal: bool,
}

/// As the driver reads it.
impl fmt::Display for ErrorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if !self.op.is_empty() && !self.op.iter().any(|name| name == "any") {
            words.push(format!("op={}", self.op.join(",")));
        }
        let pairs = [
            ("sectors", &self.sectors),
            ("status", &self.status),
            ("probability", &self.probability),
            ("times", &self.times.map(|times| times.to_string())),
        ];
        for (key, value) in pairs {
            words.extend(value.iter().map(|value| format!("{key}={value}")));
        }
        for (word, is) in [("corrupt", self.corrupt), ("heal", self.heal)] {
            words.extend(is.then(|| word.to_owned()));
        }
        f.write_str(&words.join(" "))
    }
}

fn sectors(text: &str) -> Result<String, String> {
    match Rule::SectorRange.broken_by(&format!("+{text}")) {
        None => Ok(text.to_owned()),
        Some(_) => Err("it must be FIRST-LAST, in sectors of 512 bytes".to_owned()),
    }
}

fn percent(text: &str) -> Result<String, String> {
    match rules::is_percentage(text) {
        true => Ok(text.to_owned()),
        false => Err("it must be a number from 0 to 100 with at most four decimals".to_owned()),
    }
}

/// Adds a rule.
///
/// # Errors
/// Those of [`Disk::set`].
pub fn add(disk: &Disk<'_>, rule: &ErrorRule) -> Result<(), Error> {
    disk.set(&setting(RULES, format!("+{rule}")))
}

/// Removes a rule, by its number, or `all`.
///
/// # Errors
/// Those of [`Disk::set`].
pub fn remove(disk: &Disk<'_>, number: &str) -> Result<(), Error> {
    disk.set(&setting(RULES, format!("-{number}")))
}

/// All rules, a line for each. The driver shows some at a time.
///
/// # Errors
/// Those of [`Disk::get`] and [`Disk::set`].
pub fn list(disk: &Disk<'_>) -> Result<String, Error> {
    let from = |number: u64| disk.set(&setting(FROM, number.to_string()));
    let before = disk.get(FROM)?.and_then(|value| rules::number(&value));
    let mut all = String::new();
    let mut next = 0;
    loop {
        from(next)?;
        let some = disk.get(RULES)?.unwrap_or_default();
        let last = some.lines().last().and_then(|line| line.split_once(':'));
        let Some(last) = last.and_then(|(number, _)| rules::number(number)) else {
            break;
        };
        all += &some;
        all += "\n";
        next = last.saturating_add(1);
    }
    from(before.unwrap_or(0))?;
    Ok(all)
}

fn setting(attribute: &str, value: String) -> Setting {
    Setting {
        attribute: attribute.to_owned(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in quotes between two marks of a file of the driver.
    fn names<'a>(file: &'a str, from: &str, to: &str) -> Vec<&'a str> {
        let (_, rest) = file.split_once(from).unwrap();
        let (list, _) = rest.split_once(to).unwrap();
        list.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_driver_knows_the_same_names() {
        let operations = include_str!("../../../block/rnull/operation.rs");
        assert_eq!(
            OPERATIONS[1..],
            names(operations, "pub(crate) const NAMES", "];")
        );
        let statuses = include_str!("../../../rust/blk/status.rs");
        assert_eq!(STATUSES[..], names(statuses, "const FAILURES", "];"));
    }
}
