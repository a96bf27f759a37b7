// SPDX-License-Identifier: GPL-2.0

//! What a disk has done, as the driver counts it, and how long that took.

use std::fs;

use serde_json::{json, Map, Value};

use crate::disk::Disk;
use crate::error::Error;
use crate::print;

/// The attribute that says whether the driver counts.
pub const ENABLED: &str = "statistics/enabled";

/// The kinds of requests, which have a file each.
const NAMES: [&str; 7] = [
    "read",
    "write",
    "flush",
    "discard",
    "write_zeroes",
    "zone_append",
    "zone_management",
];

/// What was counted of a kind of requests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Operation {
    name: &'static str,
    count: u64,
    /// Of those that succeeded.
    bytes: u64,
    errors: u64,
    latency: Vec<Range>,
}

/// How many requests took how long.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    /// The shortest time, in nanoseconds.
    from: u64,
    /// The longest.
    to: u64,
    count: u64,
}

/// Reads what the driver has counted; `None` if it does not count.
///
/// # Errors
/// [`Error::Io`].
pub fn read(disk: &Disk<'_>) -> Result<Option<Vec<Operation>>, Error> {
    if !disk.has(ENABLED) || disk.get(ENABLED)?.as_deref() != Some("1") {
        return Ok(None);
    }
    let mut operations = Vec::new();
    for name in NAMES {
        let path = disk.path().join("statistics").join(name);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        operations.push(Operation::parse(name, &text));
    }
    Ok(Some(operations))
}

/// The counters as JSON: a member for each kind of requests.
pub fn json(operations: &[Operation]) -> Value {
    let members = operations.iter().map(|operation| {
        let range = |Range { from, to, count }: &Range| json!([from, to, count]);
        let latency: Vec<_> = operation.latency.iter().map(range).collect();
        let value = json!({
            "count": operation.count,
            "bytes": operation.bytes,
            "errors": operation.errors,
            "p50_ns": operation.percentile(50),
            "p99_ns": operation.percentile(99),
            "latency_ns": latency,
        });
        (operation.name.to_owned(), value)
    });
    Value::from(members.collect::<Map<_, _>>())
}

/// The counters as a table, a line for each kind of requests that there were any of.
pub fn table(operations: &[Operation]) -> String {
    let heading = ["OPERATION", "COUNT", "BYTES", "ERRORS", "P50", "P99"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for operation in operations.iter().filter(|operation| operation.count > 0) {
        let time = |percent| operation.percentile(percent).map(time).unwrap_or_default();
        rows.push(vec![
            operation.name.to_owned(),
            operation.count.to_string(),
            operation.bytes.to_string(),
            operation.errors.to_string(),
            time(50),
            time(99),
        ]);
    }
    print::align(&rows)
}

/// A time to two digits or more.
fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0..10_000 => format!("{nanoseconds} ns"),
        10_000..10_000_000 => format!("{} us", nanoseconds / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", nanoseconds / 1_000_000),
        _ => format!("{} s", nanoseconds / 1_000_000_000),
    }
}

impl Operation {
    /// Reads a file of the driver's. Lines that it does not know are those of a later driver.
    fn parse(name: &'static str, text: &str) -> Self {
        let mut operation = Self {
            name,
            ..Self::default()
        };
        for line in text.lines() {
            let mut words = line.split(' ');
            let field = words.next();
            let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
            match (field, numbers.as_slice()) {
                (Some("count"), [count]) => operation.count = *count,
                (Some("bytes"), [bytes]) => operation.bytes = *bytes,
                (Some("errors"), [errors]) => operation.errors = *errors,
                (Some("latency"), [from, to, count]) => operation.latency.push(Range {
                    from: *from,
                    to: *to,
                    count: *count,
                }),
                _ => {}
            }
        }
        operation
    }

    /// Estimates the time in nanoseconds that `percent` of the requests took at most, as if those
    /// of a range were spread over it evenly. It is in the range that the true one is in.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let all = self.latency.iter().map(|range| u128::from(range.count));
        let all = all.fold(0_u128, u128::saturating_add);
        let rank = all.saturating_mul(percent.into()).div_ceil(100).max(1);
        let mut before = 0_u128;
        for Range { from, to, count } in &self.latency {
            let count = u128::from(*count);
            let within = rank.saturating_sub(before);
            if within <= count {
                // The last range has no end.
                let width = u128::from(if *to == u64::MAX {
                    0
                } else {
                    to.saturating_sub(*from)
                });
                let along = width.saturating_mul(within).checked_div(count)?;
                return Some(from.saturating_add(u64::try_from(along).ok()?));
            }
            before = before.saturating_add(count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
count 100
bytes 409600
errors 1
latency 64 127 50
latency 1024 2047 49
latency 4398046511104 18446744073709551615 1
later 5
";

    #[test]
    fn percentiles_are_in_the_range_of_the_true_one() {
        let read = Operation::parse("read", TEXT);
        assert_eq!((read.count, read.bytes, read.errors), (100, 409_600, 1));
        for (percent, expected) in [
            (0, 65),
            (25, 95),
            (50, 127),
            (51, 1024 + 1023 / 49),
            (99, 2047),
            (100, 4_398_046_511_104),
        ] {
            assert_eq!(read.percentile(percent), Some(expected), "{percent}");
        }
        assert_eq!(Operation::parse("read", "").percentile(50), None);
    }

    #[test]
    fn the_table_has_what_there_was() {
        let operations = [
            Operation::parse("read", TEXT),
            Operation::parse("write", ""),
        ];
        let expected = "\
OPERATION  COUNT  BYTES   ERRORS  P50     P99
read       100    409600  1       127 ns  2047 ns
";
        assert_eq!(table(&operations), expected);
        let object = json(&operations);
        assert_eq!(object["read"]["p99_ns"], 2047);
        assert_eq!(object["read"]["latency_ns"][0], json!([64, 127, 50]));
        assert_eq!(object["write"]["p50_ns"], Value::Null);
    }
}
