// SPDX-License-Identifier: GPL-2.0

//! A picture of a disk's zones, from `blkzone report` (util-linux).

use std::fmt::Write;
use std::process::Command;

use crate::error::Error;

/// The picture: a character for each zone, `C{N}` for a run of N equal ones.
///
/// # Errors
/// [`Error::NoZones`].
pub fn picture(disk: &str) -> Result<String, Error> {
    let no_zones = |reason: String| Error::NoZones {
        disk: disk.to_owned(),
        reason,
    };
    let output = Command::new("blkzone")
        .arg("report")
        .arg(format!("/dev/{disk}"))
        .output()
        .map_err(|error| no_zones(format!("blkzone of util-linux: {error}")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(no_zones(reason));
    }
    Ok(draw(&String::from_utf8_lossy(&output.stdout)))
}

/// Runs of up to this length are written out.
const WRITTEN_OUT: usize = 8;

fn draw(report: &str) -> String {
    let zones: Vec<char> = report.lines().map(character).collect();
    let mut picture = String::new();
    for run in zones.chunk_by(|a, b| a == b) {
        match run {
            [zone, ..] if run.len() > WRITTEN_OUT => {
                // Writing to a string does not fail.
                let _ = write!(picture, "{zone}{{{}}}", run.len());
            }
            _ => picture.extend(run),
        }
    }
    picture
}

/// The character for a line of the report, by the two letters of the condition.
fn character(line: &str) -> char {
    let condition = line
        .split_once("zcond:")
        .and_then(|(_, rest)| rest.split_once('('))
        .and_then(|(_, rest)| rest.get(..2));
    match condition {
        Some("nw") => '=',
        Some("em") => '.',
        Some("oi") => 'o',
        Some("oe") => 'O',
        Some("cl") => 'c',
        Some("fu") => '#',
        Some("ro") => 'r',
        Some("of") => 'x',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn zones_are_drawn_in_order() {
        let line = |condition| {
            format!(
                "  start: 0x000000000, len 0x000800, cap 0x000800, wptr 0x000000 reset:0 \
                 non-seq:0, zcond: 1({condition}) [type: 2(SEQ_WRITE_REQUIRED)]\n"
            )
        };
        let conditions = ["nw", "nw", "fu", "oi", "oe", "cl", "ro", "of", "zz"];
        let report: String = conditions.map(line).concat() + &line("em").repeat(120);
        assert_eq!(super::draw(&report), "==#oOcrx?.{120}");
    }
}
