// SPDX-License-Identifier: GPL-2.0
//! The README's table of figures, from the results that are kept in `benches/results`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::Lab;

use super::report::Report;
use super::table;

/// What is between these lines of the README is made here.
const START: &str = "<!-- Made of benches/results by `make documents`. -->\n";
const END: &str = "<!-- The end of what is made. -->\n";

/// `benches/results/readme.toml`: which of the figures are shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selection {
    part: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// What was measured of whom.
    title: String,
    figures: Vec<Figure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    /// What it is called in the README.
    label: String,
    benchmark: String,
    /// The measure, with its parameter if it has one, as in the table that `lab bench` prints.
    measure: String,
}

/// The README with its table made anew.
///
/// # Errors
/// `Build` where a figure is selected that is not kept, or the README has no place for the table.
pub fn readme(lab: &Lab) -> Result<String> {
    let path = lab.checkout().join("README.md");
    let text = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
    let results = super::results_folder(lab);
    let path = results.join("readme.toml");
    let selection = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
    let selection: Selection = toml::from_str(&selection)
        .map_err(|error| Error::new(Kind::Build, format!("{}: {error}", path.display())))?;
    let wanted = selection.part.iter().flat_map(|part| &part.figures);
    let names: BTreeSet<_> = wanted.map(|figure| figure.benchmark.as_str()).collect();
    let mut reports = Vec::new();
    for name in names {
        reports.extend(Report::read(&results.join(format!("{name}.json")))?);
    }
    replace(&text, &section(&selection, &reports)?)
}

/// Puts what is made into its place.
fn replace(readme: &str, made: &str) -> Result<String> {
    let place = readme.split_once(START).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = place else {
        let message = format!("README.md lacks the lines {START:?} and {END:?}");
        return Err(Error::new(Kind::Build, message));
    };
    Ok([before, START, made, END, after].concat())
}

fn section(selection: &Selection, reports: &[Report]) -> Result<String> {
    let mut out =
        String::from("\n| | unit | ours | theirs | ratio |\n| --- | --- | --- | --- | --- |\n");
    for part in &selection.part {
        let _ = writeln!(out, "| **{}** | | | | |", part.title);
        for figure in &part.figures {
            out.push_str(&line(figure, reports)?);
        }
    }
    let environments = reports.iter().map(|report| &report.environment);
    let of = |pick: fn(&super::Environment) -> String| {
        let all: BTreeSet<_> = environments.clone().map(pick).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(
        out,
        "\nKernel {}; {}; measured at {}.\n",
        of(|environment| environment.kernel.clone()),
        of(|environment| format!("{} × {}", environment.processors, environment.processor)),
        of(|environment| environment.commit.chars().take(12).collect())
    );
    Ok(out)
}

fn line(figure: &Figure, reports: &[Report]) -> Result<String> {
    let report = reports
        .iter()
        .find(|report| report.benchmark == figure.benchmark);
    let found = report.and_then(|report| {
        let row = report
            .figures
            .iter()
            .find(|row| row.label() == figure.measure)?;
        let [ours, theirs] = &report.ratio;
        Some((row, *row.medians.get(ours)?, *row.medians.get(theirs)?))
    });
    let Some((row, ours, theirs)) = found else {
        let (benchmark, measure) = (&figure.benchmark, &figure.measure);
        let message = format!("benches/results has no \"{measure}\" of {benchmark}");
        return Err(Error::new(Kind::Build, message));
    };
    let [ours, theirs] = [ours, theirs].map(table::text);
    let (label, unit, ratio) = (&figure.label, &row.unit, row.ratio);
    Ok(format!(
        "| {label} | {unit} | {ours} | {theirs} | {ratio:.3} |\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn the_table_has_what_is_selected() {
        let reports = [report([9.0; 3], [10.0; 3])];
        let select = |measure: &str| {
            let text = format!(
                "[[part]]\ntitle = \"p\"\n\
                 figures = [{{ label = \"l\", benchmark = \"name\", measure = \"{measure}\" }}]"
            );
            toml::from_str::<Selection>(&text).unwrap()
        };
        let table = section(&select("x"), &reports).unwrap();
        assert!(
            table.contains("| l | ms | 9.00 | 10.0 | 0.900 |"),
            "{table}"
        );
        let error = section(&select("y"), &reports).unwrap_err();
        assert!(error.to_string().contains("\"y\" of name"), "{error}");
    }

    #[test]
    fn only_the_made_part_changes() {
        let readme = format!("a\n{START}old\n{END}b\n");
        assert_eq!(
            replace(&readme, "new\n").unwrap(),
            format!("a\n{START}new\n{END}b\n")
        );
        assert!(replace("a\n", "new\n").is_err());
    }
}
