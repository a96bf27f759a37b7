// SPDX-License-Identifier: GPL-2.0
//! Benchmarks: each is a file in the folder `benches`, measured here.

mod definition;
mod environment;
mod figures;
mod files;
mod fio;
mod html;
mod in_guest;
mod likeness;
mod measure;
mod on_host;
mod plot;
pub mod profile;
mod report;
mod slower;
mod subject_guest;
mod table;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::progress::{Step, Unit};
use crate::Lab;

use definition::Definition;
use environment::Environment;
pub use figures::readme;
pub use report::{Report, Row};
pub use table::text as figure_text;

/// What to run, and where the reports go besides the terminal.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The benchmarks' names; none: all.
    pub names: Vec<String>,
    /// Whether to run only those that are marked as quick (unless there are names), with fewer
    /// repetitions.
    pub quick: bool,
    /// The file for JSON.
    pub json: Option<PathBuf>,
    /// Whether each report becomes the one that is kept in `benches/results`.
    pub keep: bool,
    /// The file for HTML.
    pub html: Option<PathBuf>,
    /// A file of JSON that was written before: what got slower since is printed.
    pub compare: Option<PathBuf>,
}

/// Measures benchmarks and prints their tables.
///
/// # Errors
/// `Usage` for a name that is no benchmark; whatever a benchmark fails with; `Build` where a figure
/// got slower by more than 1 %, after all is written.
pub fn run(lab: &Lab, options: &Options) -> Result<()> {
    // A wrong file is found before the work is done.
    let old = options.compare.as_deref().map(Report::read).transpose()?;
    let mut definitions = Definition::load(&folder(lab), &options.names)?;
    if options.quick {
        definitions.retain(|definition| definition.quick || !options.names.is_empty());
        definitions = definitions.into_iter().map(Definition::shortened).collect();
    }
    let mut reports = Vec::new();
    for definition in definitions {
        let report = measure(lab, &definition)?;
        print(&table::table(&report))?;
        if options.keep {
            let path = results_folder(lab).join(format!("{}.json", report.benchmark));
            write(&path, &Report::to_json(std::slice::from_ref(&report))?)?;
        }
        reports.push(report);
        // After each one: what is measured is not lost where a later one fails.
        if let Some(path) = &options.json {
            write(path, &Report::to_json(&reports)?)?;
        }
    }
    if let Some(path) = &options.html {
        write(path, &html::page(&reports)?)?;
    }
    let Some(old) = old else {
        return Ok(());
    };
    let found = slower::compare(&old, &reports);
    print(&found.text)?;
    let summary = format!("{} of {} figures got slower", found.slower, found.compared);
    if found.slower > 0 {
        return Err(Error::new(Kind::Build, summary + " by more than 1 %"));
    }
    print(&(summary + "\n"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| Error::io("write", path, error))
}

/// Measures the two subjects of one benchmark's ratio.
pub fn report(lab: &Lab, name: &str) -> Result<Report> {
    let names = [name.to_owned()];
    match Definition::load(&folder(lab), &names)?.pop() {
        Some(definition) => measure(lab, &definition.of_ratio()),
        None => Err(Error::new(Kind::Usage, format!("no benchmark {name}"))),
    }
}

fn folder(lab: &Lab) -> PathBuf {
    lab.checkout().join("benches")
}

/// The folder of the results that are kept.
fn results_folder(lab: &Lab) -> PathBuf {
    folder(lab).join("results")
}

fn measure(lab: &Lab, definition: &Definition) -> Result<Report> {
    // What costs time is made here, with its own display, and not in the threads of guests.
    let environment = Environment::of(lab)?;
    provide_modules(lab, definition)?;
    let tars = tars(lab, definition)?;
    let step = Step::start(format!("measuring {}", definition.name));
    let subjects = definition.subjects.len().saturating_mul(tars.len());
    let runs = definition.runs().saturating_mul(subjects);
    // CAST: usize is at most 64 bits wide on every platform Rust has.
    step.set_total(runs as u64, Unit::Items);
    let samples = match &definition.guest {
        Some(part) => {
            let tar = tars.first().and_then(Option::as_ref);
            in_guest::run(lab, definition, part, tar, &step)?
        }
        None => on_host::run(lab, definition, &tars, &step)?,
    };
    step.finish();
    Ok(Report::new(definition, &samples, environment))
}

/// Builds the modules of all subjects.
fn provide_modules(lab: &Lab, definition: &Definition) -> Result<()> {
    for subject in &definition.subjects {
        for module in &subject.modules {
            lab.module(module)?;
        }
        for module in &subject.in_tree {
            module.provide(lab)?;
        }
    }
    Ok(())
}

/// The archives of the definition's parameters.
fn tars(lab: &Lab, definition: &Definition) -> Result<Vec<Option<PathBuf>>> {
    let mut tars = Vec::new();
    for parameter in definition.parameters() {
        let sample = definition.tar_for(parameter.as_ref())?;
        tars.push(sample.map(|sample| sample.provide(lab)).transpose()?);
    }
    Ok(tars)
}

fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::io("write to", "the standard output", error)),
    }
}
