// SPDX-License-Identifier: GPL-2.0
//! Where a benchmark's instructions go: by layer of the stack, and by function.
//!
//! A plugin of QEMU counts what a guest executes, from its start to its end. Two guests of each
//! subject differ only in that the second takes the measure once more, so the difference is that of
//! one measure: as both count the same instructions, nothing else differs by much.

mod counts;
mod layers;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::guest::Accelerator;
use crate::progress::{Step, Unit};
use crate::{process, Lab};

use super::definition::{Definition, GuestPart, Mode};
use super::files::Files;
use super::measure::{Measure, Method};
use super::subject_guest::SubjectGuest;
use super::table;

use counts::Counts;

/// How many functions are shown of each subject.
const FUNCTIONS: usize = 25;

/// Profiles the benchmark of that name: the measure whose name and parameter are `label`, or its
/// first.
///
/// # Errors
/// `Usage` for a name that is no benchmark, and for one that counts no instructions.
pub fn run(lab: &Lab, name: &str, label: Option<&str>) -> Result<()> {
    let definitions = Definition::load(&super::folder(lab), &[name.to_owned()])?;
    let usage = |message: String| Error::new(Kind::Usage, message);
    let part = |definition: &Definition| definition.guest.clone();
    let found = definitions.first().and_then(|one| Some((one, part(one)?)));
    let Some((definition, part)) = found.filter(|(_, part)| part.mode == Mode::Instructions) else {
        return Err(usage(format!("{name} counts no instructions of guests")));
    };
    let mut measures = definition.measures.iter().filter(|measure| taken(measure));
    let measure = match label {
        Some(label) => measures.find(|measure| measure.label() == label),
        None => measures.next(),
    };
    let measure = measure.ok_or_else(|| {
        let labels = definition.measures.iter().filter(|measure| taken(measure));
        let labels: Vec<_> = labels.map(Measure::label).collect();
        usage(format!(
            "{name} has no such measure; it has: {}",
            labels.join("; ")
        ))
    })?;

    super::provide_modules(lab, definition)?;
    let profiler = Profiler {
        lab,
        definition,
        part: &part,
        measure,
        plugin: plugin(lab)?,
        tar: super::tars(lab, definition)?.into_iter().next().flatten(),
    };
    let step = Step::start(format!("profiling {name}"));
    // CAST: a definition has a handful of subjects.
    step.set_total(definition.subjects.len() as u64 * 2, Unit::Items);
    let mut columns = Vec::new();
    for number in 0..definition.subjects.len() {
        columns.extend(profiler.subject(number, &step)?);
    }
    step.finish();
    super::print(&text(&profiler, &columns))
}

/// Differences and what a script prints have no instructions of their own.
fn taken(measure: &Measure) -> bool {
    matches!(measure.method, Method::Fio { .. } | Method::Command(_))
}

/// The plugin, compiled.
fn plugin(lab: &Lab) -> Result<PathBuf> {
    const SOURCE: &str = include_str!("plugin.c");
    let toolbox = lab.toolbox()?;
    let mut inputs = vec!["recipe 1".to_owned(), SOURCE.to_owned()];
    inputs.extend(toolbox.compilers()?);
    let entry = Entry::new(
        lab.cache(),
        "profile-plugin",
        inputs,
        vec!["plugin.so".into()],
    );
    let folder = entry.get(|folder| {
        let source = folder.join("plugin.c");
        fs::write(&source, SOURCE).map_err(|error| Error::io("write", &source, error))?;
        let place = toolbox.place(folder, Path::new("/plugin"));
        let mut command = toolbox.command(&[(folder, place)], place);
        command.args([
            "x86_64-linux-gnu-gcc-14",
            "-O2",
            "-Wall",
            "-shared",
            "-fPIC",
        ]);
        command.args(["-fvisibility=hidden", "-o", "plugin.so", "plugin.c"]);
        process::output(command, Kind::Build).map(drop)
    })?;
    Ok(folder.join("plugin.so"))
}

struct Profiler<'a> {
    lab: &'a Lab,
    definition: &'a Definition,
    part: &'a GuestPart,
    measure: &'a Measure,
    plugin: PathBuf,
    tar: Option<PathBuf>,
}

impl Profiler<'_> {
    /// A subject's name and its instructions, of one I/O where the measure is of I/Os.
    fn subject(&self, number: usize, step: &Step) -> Result<Option<(&str, Counts)>> {
        let Some(subject) = self.definition.subjects.get(number) else {
            return Ok(None);
        };
        let files = Files::new(self.lab, self.tar.clone())?;
        let guest = SubjectGuest {
            lab: self.lab,
            definition: self.definition,
            part: self.part,
            accelerator: Accelerator::Icount,
            subject,
            files: &files,
        };
        // The first time differs from the others.
        let less = self.counts(&guest, 1)?;
        step.advance();
        let more = self.counts(&guest, 2)?;
        step.advance();
        let parts = match self.measure.method {
            // CAST: a number of I/Os is far below 2^53.
            Method::Fio { ios, .. } => ios as f64,
            _ => 1.0,
        };
        Ok(Some((
            &subject.name,
            counts::difference(more, &less, parts),
        )))
    }

    /// All instructions of a guest that takes the measure so often.
    fn counts(&self, guest: &SubjectGuest<'_>, times: usize) -> Result<Counts> {
        let failed = |error| Error::io("create a file in", self.lab.cache(), error);
        let out = tempfile::NamedTempFile::new_in(self.lab.cache()).map_err(failed)?;
        let mut running = guest.start_with(|boot| boot.plugin(&self.plugin, out.path()))?;
        for _ in 0..times {
            running.take(self.measure)?;
        }
        let symbols = running.symbols()?;
        running.shutdown()?;
        let blocks = fs::read_to_string(out.path());
        let blocks = blocks.map_err(|error| Error::io("read", out.path(), error))?;
        if blocks.is_empty() {
            let message = "QEMU's plugin counted nothing; it may be another version's";
            return Err(Error::new(Kind::Guest, message));
        }
        Ok(counts::counts(&blocks, &symbols))
    }
}

/// The layers of all subjects side by side, then each one's functions.
fn text(profiler: &Profiler<'_>, columns: &[(&str, Counts)]) -> String {
    let (definition, measure) = (profiler.definition, profiler.measure);
    let unit = match measure.method {
        Method::Fio { .. } => "instructions per I/O",
        _ => "instructions",
    };
    let mut out = format!("\n{}: {}, {unit}\n", definition.name, measure.label());
    let sums: Vec<_> = columns
        .iter()
        .map(|(_, counts)| counts::by_layer(counts))
        .collect();
    let layers: BTreeSet<_> = sums.iter().flat_map(|sums| sums.keys()).collect();
    let mut rows = vec![vec![String::new()]];
    if let Some(header) = rows.first_mut() {
        header.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
    }
    for layer in layers {
        let mut row = vec![(*layer).to_owned()];
        let of = sums.iter().map(|sums| sums.get(layer).copied());
        row.extend(of.map(|sum| sum.map_or_else(String::new, table::count)));
        rows.push(row);
    }
    let mut total = vec!["all".to_owned()];
    total.extend(sums.iter().map(|sums| table::count(sums.values().sum())));
    rows.push(total);
    table::align(&mut out, &rows, 1);
    for (name, counts) in columns {
        let all: f64 = counts.values().sum();
        let mut functions: Vec<_> = counts.iter().collect();
        functions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let _ = writeln!(out, "\n{name}:");
        let shown = functions.iter().take(FUNCTIONS);
        let rows: Vec<_> = shown
            .map(|((layer, function), count)| {
                let percent = format!("{:.1} %", *count / all * 100.0);
                vec![
                    function.clone(),
                    layer.clone(),
                    table::count(**count),
                    percent,
                ]
            })
            .collect();
        table::align(&mut out, &rows, 2);
    }
    out
}
