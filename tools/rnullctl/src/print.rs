// SPDX-License-Identifier: GPL-2.0

//! What people and programs get to read.

use serde_json::{Map, Value};

use crate::disk::Disk;
use crate::error::Error;
use crate::rules::{self, Rule};
use crate::setting::Setting;

/// The columns of the list: headings and attributes. Those that the driver lacks are left out.
const COLUMNS: [(&str, &str); 8] = [
    ("POWER", "power"),
    ("SIZE", "size"),
    ("BLOCK", "blocksize"),
    ("QUEUES", "submit_queues"),
    ("DEPTH", "hw_queue_depth"),
    ("IRQMODE", "irqmode"),
    ("MEMORY", "memory_backed"),
    ("ZONED", "zoned"),
];

/// Settings as a JSON object: numbers and truth values as such, the rest as text.
pub fn json(settings: &[Setting]) -> Map<String, Value> {
    let pairs = settings.iter().map(|Setting { attribute, value }| {
        let text = || Value::from(value.as_str());
        let value = match rules::find(attribute) {
            Some(Rule::Truth) => rules::truth(value).map_or_else(text, Value::from),
            Some(Rule::SectorRange | Rule::Latency) => text(),
            _ => rules::number(value).map_or_else(text, Value::from),
        };
        (attribute.clone(), value)
    });
    pairs.collect()
}

/// The list of disks as a table, a line for each and one above.
///
/// # Errors
/// [`Error::Io`].
pub fn table(disks: &[Disk<'_>]) -> Result<String, Error> {
    let mut rows = Vec::new();
    for disk in disks {
        let settings = disk.settings()?;
        let cells = COLUMNS.iter().map(|(_, attribute)| {
            let setting = settings
                .iter()
                .find(|setting| setting.attribute == *attribute);
            setting.map(cell).unwrap_or_default()
        });
        rows.push([disk.name().to_owned()].into_iter().chain(cells).collect());
    }
    let heading = [("NAME", "")].into_iter().chain(COLUMNS);
    rows.insert(0, heading.map(|(heading, _)| heading.to_owned()).collect());
    Ok(align(&rows))
}

fn cell(setting: &Setting) -> String {
    match (&*setting.attribute, rules::number(&setting.value)) {
        ("size", Some(mib)) if mib >= 1024 && mib % 1024 == 0 => format!("{} GiB", mib / 1024),
        ("size", Some(mib)) => format!("{mib} MiB"),
        ("power", Some(power)) => (if power == 0 { "off" } else { "on" }).to_owned(),
        ("memory_backed" | "zoned", Some(is)) => (if is == 0 { "no" } else { "yes" }).to_owned(),
        _ => setting.value.clone(),
    }
}

/// Puts cells below each other; a column with nothing below its heading is left out.
pub fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let column = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let filled = (0..columns).filter(|&index| {
        index == 0 || rows.len() == 1 || column(index).skip(1).any(|cell| !cell.is_empty())
    });
    let filled: Vec<_> = filled
        .map(|index| (index, column(index).map(String::len).max().unwrap_or(0)))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = filled.iter().map(|&(index, width)| {
            let cell = row.get(index).map_or("", String::as_str);
            format!("{cell:width$}")
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
