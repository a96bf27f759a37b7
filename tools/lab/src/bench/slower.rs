// SPDX-License-Identifier: GPL-2.0
//! Compares reports with earlier ones: what got slower.

use std::fmt::Write as _;

use super::definition::Mode;
use super::report::{Report, Row};
use super::table;

/// A median that grew by more than this part of it counts.
const LIMIT: f64 = 0.01;

/// What a comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many figures both have.
    pub compared: usize,
    /// How many got slower.
    pub slower: usize,
    /// A line for each of these.
    pub text: String,
}

/// Compares the figures that are in both, by benchmark, measure, parameter and subject. Every
/// figure is a cost, so more of it is slower. Times have to differ by more than they vary, too: the
/// least of the new ones is above the greatest of the old.
pub fn compare(old: &[Report], new: &[Report]) -> Comparison {
    let mut found = Comparison::default();
    for report in new {
        let Some(earlier) = old.iter().find(|old| old.benchmark == report.benchmark) else {
            continue;
        };
        for row in &report.figures {
            let same = |old: &&Row| old.measure == row.measure && old.parameter == row.parameter;
            if let Some(earlier) = earlier.figures.iter().find(same) {
                compare_rows(report, earlier, row, &mut found);
            }
        }
    }
    found
}

fn compare_rows(report: &Report, old: &Row, new: &Row, found: &mut Comparison) {
    for (subject, &after) in &new.medians {
        let Some(&before) = old.medians.get(subject) else {
            continue;
        };
        found.compared += 1;
        let [_, most] = old.range(subject);
        let [least, _] = new.range(subject);
        let certain = report.mode == Mode::Instructions || least > most;
        if after > before * (1.0 + LIMIT) && certain {
            found.slower += 1;
            let percent = (after / before - 1.0) * 100.0;
            let _ = writeln!(
                found.text,
                "slower by {percent:.1} %: {}, {} of {subject}: {} {}, was {}",
                report.benchmark,
                new.label(),
                table::text(after),
                new.unit,
                table::text(before)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn more_than_one_percent_is_slower() {
        let counted = |a: [f64; 3]| {
            let mut report = report(a, [50.0; 3]);
            report.mode = Mode::Instructions;
            [report]
        };
        let old = counted([100.0; 3]);
        let found = compare(&old, &counted([101.0, 101.0, 100.0]));
        assert_eq!((found.compared, found.slower), (2, 0), "{}", found.text);
        let found = compare(&old, &counted([100.0, 102.0, 103.0]));
        assert_eq!(found.slower, 1);
        assert!(
            found
                .text
                .contains("2.0 %: name, x of a: 102.0 ms, was 100.0"),
            "{}",
            found.text
        );
        assert_eq!(compare(&old, &counted([90.0; 3])).slower, 0);
    }

    #[test]
    fn times_that_overlap_are_the_same() {
        let old = [report([100.0, 110.0, 120.0], [50.0; 3])];
        assert_eq!(
            compare(&old, &[report([119.0, 130.0, 140.0], [50.0; 3])]).slower,
            0
        );
        assert_eq!(
            compare(&old, &[report([121.0, 130.0, 140.0], [50.0; 3])]).slower,
            1
        );
    }
}
