// SPDX-License-Identifier: GPL-2.0
//! Reports as one page of HTML, which needs nothing else to be shown.

use std::fmt::Write as _;

use crate::error::Result;

use super::plot;
use super::report::Report;
use super::table;

const STYLE: &str = "\
body { font: 15px sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { border-bottom: 1px solid #ccc; padding: .2em .8em; text-align: right; }
td:first-child, th:first-child, td:nth-child(2), th:nth-child(2) { text-align: left; }
pre { background: #f4f4f4; padding: .5em; overflow-x: auto; font-size: 12px; }
svg { max-width: 100%; height: auto; }";

/// The page.
///
/// # Errors
/// `Other` where a plot cannot be drawn.
pub fn page(reports: &[Report]) -> Result<String> {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <title>Benchmarks</title>\n<style>\n{STYLE}\n</style></head><body>\n<h1>Benchmarks</h1>\n"
    );
    if let Some(report) = reports.first() {
        let _ = writeln!(page, "<pre>{}</pre>", escape(&report.environment.text()));
    }
    for report in reports {
        section(&mut page, report)?;
    }
    page.push_str("</body></html>\n");
    Ok(page)
}

fn section(page: &mut String, report: &Report) -> Result<()> {
    let (name, title) = (escape(&report.benchmark), escape(&report.title));
    let _ = writeln!(page, "<h2 id=\"{name}\">{name}: {title}</h2>");
    let mut cell = "th";
    page.push_str("<table>\n");
    for row in table::rows(report) {
        page.push_str("<tr>");
        for text in row {
            let _ = write!(page, "<{cell}>{}</{cell}>", escape(&text));
        }
        page.push_str("</tr>\n");
        cell = "td";
    }
    let _ = writeln!(
        page,
        "</table>\n<p>{}</p>",
        escape(&report.notes.join("\n"))
    );
    let _ = writeln!(page, "<pre>{}</pre>", escape(&table::method(report)));
    for svg in plot::plots(report)? {
        let _ = writeln!(page, "<figure>{svg}</figure>");
    }
    details(page, "Definition", &report.definition);
    for subject in &report.subjects {
        let lines = [subject.machine.join(" "), subject.configuration.join("\n")];
        details(
            page,
            &format!("{}: machine and settings", subject.name),
            &lines.join("\n"),
        );
    }
    Ok(())
}

fn details(page: &mut String, title: &str, text: &str) {
    if !text.trim().is_empty() {
        let (title, text) = (escape(title), escape(text));
        let _ = writeln!(
            page,
            "<details><summary>{title}</summary><pre>{text}</pre></details>"
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn the_page_needs_nothing_else() {
        let mut report = report([9.0, 18.0, 27.0], [10.0, 20.0, 50.0]);
        report.title = "a < b".to_owned();
        let page = page(&[report]).unwrap();
        assert!(page.contains("a &lt; b") && page.contains("<svg"), "{page}");
        // The name of SVG's namespace is no address that anything is loaded from.
        let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
