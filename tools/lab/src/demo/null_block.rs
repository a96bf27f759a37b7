// SPDX-License-Identifier: GPL-2.0
//! The step that compares the null block drivers.

use crate::bench::{self, figure_text};
use crate::error::Result;
use crate::Lab;

use super::page::Page;

/// The benchmark that is shown.
const BENCHMARK: &str = "null-randread";

/// Runs fio on both drivers and prints their figures.
///
/// # Errors
/// Whatever fails in a guest; also drivers that are not configured alike.
pub fn show(lab: &Lab, page: &mut Page) -> Result<()> {
    page.step("Random reads of 4 KiB: rnull beside the kernel's null_blk in C");
    let report = bench::report(lab, BENCHMARK)?;
    for note in &report.notes {
        page.remark(note);
    }
    for row in &report.figures {
        for subject in &report.subjects {
            let median = row.medians.get(&subject.name).copied().unwrap_or(f64::NAN);
            page.result(&subject.name, &figure_text(median), &row.unit);
        }
        let ratio = format!("{:.3}", row.ratio);
        page.result(&report.ratio.join(" / "), &ratio, "");
    }
    let read_back = report
        .subjects
        .first()
        .map_or(0, |subject| subject.configuration.len());
    let equal = read_back.to_string();
    page.result("settings read back", &equal, "the same on both sides");
    Ok(())
}
