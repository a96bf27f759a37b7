// SPDX-License-Identifier: GPL-2.0
//! A report as a table for a terminal.

use std::fmt::Write as _;

use indicatif::HumanCount;

use super::definition::Mode;
use super::report::{Report, Row};

/// Repetitions of counted instructions that differ by more are called unstable.
const UNSTABLE: f64 = 0.005;

/// The cells of the table: the header, then a row for each measure; a column for each subject, the
/// ratio last.
pub fn rows(report: &Report) -> Vec<Vec<String>> {
    let mut header = vec![String::new(), String::new()];
    header.extend(report.subjects.iter().map(|subject| subject.name.clone()));
    header.push(report.ratio.join(" / "));
    let mut rows = vec![header];
    for row in &report.figures {
        let mut cells = vec![row.label(), row.unit.clone()];
        let subjects = report.subjects.iter();
        cells.extend(subjects.map(|subject| cell(report.mode, row, &subject.name)));
        cells.push(format!("{:.3}", row.ratio));
        rows.push(cells);
    }
    rows
}

/// The table, with what a reader must know.
pub fn table(report: &Report) -> String {
    let rows = rows(report);
    let mut out = format!("\n{}: {}\n", report.benchmark, report.title);
    align(&mut out, &rows, 2);
    for note in &report.notes {
        let _ = writeln!(out, "  {note}");
    }
    out.push_str(&method(report));
    out
}

/// A subject's median; where it is of times, with half of the range.
fn cell(mode: Mode, row: &Row, subject: &str) -> String {
    let Some(&median) = row.medians.get(subject) else {
        return String::new();
    };
    match mode {
        Mode::Instructions => text(median),
        Mode::WallClock => format!("{} ±{:.1}%", text(median), row.spread(subject) * 100.0),
    }
}

/// How far the figures can be trusted.
pub fn method(report: &Report) -> String {
    let mut out = String::new();
    if report.mode == Mode::WallClock {
        let environment = &report.environment;
        let (processors, load) = (environment.processors, environment.load);
        let _ = writeln!(
            out,
            "  Time; medians, ± half of the range; ratio: the median of the repetitions'.\n  \
             {processors} processors, load before {load:.1}."
        );
        if let Some(guest) = report
            .subjects
            .iter()
            .find(|guest| !guest.machine.is_empty())
        {
            let _ = writeln!(out, "  Guests: {}", guest.machine.join(" "));
        }
        return out;
    }
    for row in &report.figures {
        for subject in &report.subjects {
            let spread = row.spread(&subject.name) * 2.0;
            if spread > UNSTABLE {
                let (measure, name) = (row.label(), &subject.name);
                let percent = spread * 100.0;
                let _ = writeln!(
                    out,
                    "  Unstable: \"{measure}\" of {name}: repetitions differ by {percent:.1} %"
                );
            }
        }
    }
    out
}

/// Adds rows of cells: columns as wide as they need, the first `left` of them flush left, the others
/// flush right.
pub fn align(out: &mut String, rows: &[Vec<String>], left: usize) {
    let widths = widths(rows);
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column < left {
                true => write!(line, "  {cell:<width$}"),
                false => write!(line, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// The width that each column needs.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

/// A number without a fraction, its thousands apart.
pub fn count(figure: f64) -> String {
    // CAST: figures are times and sizes, far below 2^53.
    HumanCount(figure.round() as u64).to_string()
}

/// A figure with about four digits.
pub fn text(figure: f64) -> String {
    if figure >= 1000.0 {
        count(figure)
    } else if figure >= 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(text(4790.4), "4,790");
        assert_eq!(text(533.24), "533.2");
        assert_eq!(text(7.256), "7.26");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["a".to_owned(), "bcd".to_owned()],
            vec!["ef".to_owned()],
        ];
        assert_eq!(widths(&rows), [2, 3]);
    }
}
