// SPDX-License-Identifier: GPL-2.0
//! `Documentation/locking.rst` has the levels of the driver's locks.

use std::fs;
use std::path::Path;

/// The levels that a `levels!` declares: name, context, documentation.
fn declared(source: &str) -> Vec<[String; 3]> {
    let (_, levels) = source.split_once("sync::levels! {\n").unwrap();
    let (levels, _) = levels.split_once("\n}\n").unwrap();
    let mut found = Vec::new();
    let mut text = Vec::new();
    for line in levels.lines().map(str::trim) {
        if let Some(part) = line.strip_prefix("/// ") {
            text.push(part);
        } else {
            let (level, context) = line.trim_end_matches(';').split_once(": ").unwrap();
            found.push([level, context, &text.join(" ")].map(str::to_owned));
            text.clear();
        }
    }
    found
}

/// The rows of the first table in a section.
fn documented(page: &str, section: &str) -> Vec<[String; 3]> {
    let heading = format!("\n{section}\n{}\n", "=".repeat(section.len()));
    let (_, section) = page.split_once(&heading).unwrap();
    let mut parts = section.split("\n====");
    let columns = parts.nth(1).unwrap();
    let widths: Vec<usize> = columns
        .lines()
        .next()
        .unwrap()
        .split("  ")
        .map(str::len)
        .collect();
    // The first rule lost four characters to the split.
    let second = widths[0] + 4 + 2;
    let third = second + widths[1] + 2;
    let mut rows: Vec<[String; 3]> = Vec::new();
    let rows_text = parts.next().unwrap();
    for line in rows_text.lines().skip(1) {
        let cell = |from, to: usize| line.get(from..to.min(line.len())).unwrap_or("").trim();
        let cells = [
            cell(0, second),
            cell(second, third),
            cell(third, usize::MAX),
        ];
        if cells[0].is_empty() {
            let last = &mut rows.last_mut().unwrap()[2];
            last.push(' ');
            last.push_str(cells[2]);
        } else {
            rows.push(cells.map(|cell| cell.replace('`', "")));
        }
    }
    rows
}

#[test]
fn every_level_is_documented_in_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("Documentation/locking.rst")).unwrap();
    let declared = declared(&fs::read_to_string(root.join("block/rnull/locks.rs")).unwrap());
    assert!(!declared.is_empty());
    assert_eq!(documented(&page, "rnull"), declared);
}
