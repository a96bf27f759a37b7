// SPDX-License-Identifier: GPL-2.0
//! Benchmarks: each is a file in the folder `benches`, measured here.

mod definition;
mod environment;
mod files;
mod fio;
mod in_guest;
mod measure;
mod on_host;
mod report;
mod subject_guest;
mod table;

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::progress::{Step, Unit};
use crate::Lab;

use definition::Definition;
use environment::Environment;
use files::Files;
pub use report::{Report, Row};
pub use table::text as figure_text;

/// Measures the benchmarks of those names, all where there are no names, and prints their tables;
/// writes the reports to `json` as well.
///
/// # Errors
/// `Usage` for a name that is no benchmark; whatever a benchmark fails with.
pub fn run(lab: &Lab, names: &[String], json: Option<&Path>) -> Result<()> {
    let mut reports = Vec::new();
    for definition in Definition::load(&folder(lab), names)? {
        let report = measure(lab, &definition)?;
        print(&table::table(&report))?;
        reports.push(report);
    }
    let Some(path) = json else {
        return Ok(());
    };
    let text = serde_json::to_string_pretty(&reports)
        .map_err(|error| Error::new(Kind::Other, format!("cannot write JSON: {error}")))?;
    fs::write(path, text + "\n").map_err(|error| Error::io("write", path, error))
}

/// Measures one benchmark.
pub fn report(lab: &Lab, name: &str) -> Result<Report> {
    let names = [name.to_owned()];
    match Definition::load(&folder(lab), &names)?.first() {
        Some(definition) => measure(lab, definition),
        None => Err(Error::new(Kind::Usage, format!("no benchmark {name}"))),
    }
}

fn folder(lab: &Lab) -> std::path::PathBuf {
    lab.checkout().join("benches")
}

fn measure(lab: &Lab, definition: &Definition) -> Result<Report> {
    // What costs time is made here, with its own display, and not in the threads of guests.
    let environment = Environment::of(lab)?;
    for module in definition
        .subjects
        .iter()
        .flat_map(|subject| &subject.modules)
    {
        lab.module(module)?;
    }
    let tar = definition
        .tar
        .map(|sample| sample.provide(lab))
        .transpose()?;
    let files = definition
        .subjects
        .iter()
        .map(|_| Files::new(lab, tar.clone()));
    let files = files.collect::<Result<Vec<_>>>()?;

    let step = Step::start(format!("measuring {}", definition.name));
    let runs = definition.runs().saturating_mul(definition.subjects.len());
    // CAST: usize is at most 64 bits wide on every platform Rust has.
    step.set_total(runs as u64, Unit::Items);
    let samples = match &definition.guest {
        Some(part) => in_guest::run(lab, definition, part, &files, &step)?,
        None => on_host::run(lab, definition, &files, &step)?,
    };
    step.finish();
    Ok(Report::new(definition, &samples, environment))
}

fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::io("write to", "the standard output", error)),
    }
}
