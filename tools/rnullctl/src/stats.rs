// SPDX-License-Identifier: GPL-2.0

//! What a disk has done, as the block layer counts it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;

/// The fields of `/sys/block/DISK/stat` in their order (Documentation/block/stat.rst).
const FIELDS: [&str; 17] = [
    "reads",
    "reads_merged",
    "sectors_read",
    "read_ms",
    "writes",
    "writes_merged",
    "sectors_written",
    "write_ms",
    "in_flight",
    "busy_ms",
    "queue_ms",
    "discards",
    "discards_merged",
    "sectors_discarded",
    "discard_ms",
    "flushes",
    "flush_ms",
];

/// The counters of a disk by name; times are in milliseconds, sectors of 512 bytes.
///
/// # Errors
/// [`Error::Missing`] if the disk is off, [`Error::Io`].
pub fn read(sysfs: &Path, disk: &str) -> Result<Map<String, Value>, Error> {
    let path = sysfs.join("block").join(disk).join("stat");
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Missing {
            disk: disk.to_owned(),
            attribute: "statistics".to_owned(),
            reason: "the disk is off, and the block layer counts for disks that are on",
        },
        _ => Error::io("read", &path)(error),
    })?;
    let values = text.split_ascii_whitespace().map(|value| {
        let number = value.parse::<u64>();
        number.map_or_else(|_| Value::from(value), Value::from)
    });
    Ok(FIELDS.map(str::to_owned).into_iter().zip(values).collect())
}
