// SPDX-License-Identifier: GPL-2.0
//! What a benchmark is: a file of the folder `benches`, in TOML.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::in_tree::InTree;
use crate::samples::Sample;

use super::likeness;
use super::measure::{expanded, operand, Measure, Method, Parameter};

/// A benchmark: the same things measured of several subjects.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The name, that of its file.
    #[serde(skip)]
    pub name: String,
    /// All that it says, in TOML.
    #[serde(skip)]
    pub source: String,
    /// What is measured, for the table's heading.
    pub title: String,
    /// How often each measure is taken; its median counts.
    pub repetitions: usize,
    /// How often it is taken before, to no effect.
    #[serde(default)]
    pub warm_up: usize,
    /// Which two subjects are divided.
    pub ratio: Ratio,
    /// The archive for `{tar}` in commands, by the name of a [`Sample`], which may have the
    /// parameter of a measure in it.
    pub tar: Option<String>,
    /// Whether it belongs to the short run of `--quick`.
    #[serde(default)]
    pub quick: bool,
    /// What a reader of the figures must know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The guest that each subject gets; without it, they run on this machine.
    pub guest: Option<GuestPart>,
    /// What is measured, in this order.
    #[serde(rename = "measure", deserialize_with = "expanded")]
    pub measures: Vec<Measure>,
    /// What is compared.
    #[serde(rename = "subject")]
    pub subjects: Vec<Subject>,
}

/// A quotient of two subjects' figures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// The subject whose figure is divided.
    pub of: String,
    /// The subject by whose figure it is divided.
    pub to: String,
}

/// What a guest's clock counts, and so what its figures are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Instructions, 1 ns each (QEMU's `-icount`): one CPU, and the same figures on each machine.
    #[default]
    Instructions,
    /// Time. The subjects' guests all run, and take their measures in turns; the repetitions' ratios
    /// say more than their figures, which are those of this machine, at that load.
    WallClock,
}

/// What all subjects' guests have in common. Scripts are for `sh`, stop at the first failure, and
/// see nothing of each other but what they leave in the guest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestPart {
    /// What their clocks count.
    #[serde(default)]
    pub mode: Mode,
    /// Virtual CPUs, at least 1; where instructions are counted, 1.
    #[serde(default = "default_cpus")]
    pub cpus: u32,
    /// Where instructions are counted: how long a guest sleeps before it is prepared, until what the
    /// kernel does after a boot, the calibration of its clock above all, is over.
    #[serde(default = "default_settle")]
    pub settle_seconds: u32,
    /// Memory in MiB.
    #[serde(default = "default_memory")]
    pub memory_mib: u32,
    /// Programs of the toolbox.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Modules of the stock kernel.
    #[serde(default)]
    pub stock_modules: Vec<String>,
    /// A script that runs after each subject's own `setup`.
    #[serde(default)]
    pub setup: String,
    /// A script that must print the same in each guest: the configuration, read back.
    #[serde(default)]
    pub equal: String,
}

fn default_cpus() -> u32 {
    1
}

fn default_settle() -> u32 {
    10
}

fn default_memory() -> u32 {
    1024
}

/// One of the things that are compared.
///
/// In commands on this machine, `{tar}` is the archive, `{copy}` a copy of it that may be changed
/// (before each run it gets its old length back), and `{image}` a file to be made. Their words are
/// separated by spaces; the first is `mkfs.tarfs` or a program of the toolbox. `prepare` may end in
/// `<{tar}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// On this machine: the command that is measured.
    #[serde(default)]
    pub command: String,
    /// A command on this machine before the guest starts.
    #[serde(default)]
    pub prepare: String,
    /// Images of the guest's disks, `/dev/vda` first: `{tar}`, `{copy}` or `{image}`.
    #[serde(default)]
    pub disks: Vec<String>,
    /// Modules of ours.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Modules of the stock kernel.
    #[serde(default)]
    pub stock_modules: Vec<String>,
    /// Modules of the kernel's source that its packages lack.
    #[serde(default)]
    pub in_tree: Vec<InTree>,
    /// A script that prepares the guest.
    #[serde(default)]
    pub setup: String,
}

impl Definition {
    /// Reads the definitions of a folder with those names, in the order of the alphabet; all where
    /// there are no names.
    ///
    /// # Errors
    /// `Usage` for a name that has no file, and for a file that is no definition.
    pub fn load(folder: &Path, names: &[String]) -> Result<Vec<Self>> {
        let failed = |error| Error::io("list", folder, error);
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|suffix| suffix == "toml") {
                found.extend(
                    path.file_stem()
                        .and_then(|stem| stem.to_str())
                        .map(str::to_owned),
                );
            }
        }
        if let Some(name) = names.iter().find(|name| !found.contains(*name)) {
            let known: Vec<_> = found.iter().map(String::as_str).collect();
            let message = format!("no benchmark {name}; there are: {}", known.join(", "));
            return Err(Error::new(Kind::Usage, message));
        }
        let wanted = |name: &String| names.is_empty() || names.contains(name);
        let path = |name: &str| folder.join(format!("{name}.toml"));
        let read = |name: &str| {
            let path = path(name);
            fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))
        };
        let load = |name: String| {
            likeness::complete(&read(&name)?, read)
                .and_then(|text| Self::parse(&name, &text))
                .map_err(|error| error.within(path(&name).display()))
        };
        found.into_iter().filter(wanted).map(load).collect()
    }

    /// What its figures are; on this machine, time.
    pub fn mode(&self) -> Mode {
        let guest = self.guest.as_ref();
        guest.map_or(Mode::WallClock, |guest| guest.mode)
    }

    /// The parameters of its measures that decide what a subject's command on this machine works
    /// on: each once, in the order of the measures.
    pub fn parameters(&self) -> Vec<Option<Parameter>> {
        if self.guest.is_some() {
            return vec![None];
        }
        let mut parameters = Vec::new();
        for measure in &self.measures {
            if !parameters.contains(&measure.parameter) {
                parameters.push(measure.parameter.clone());
            }
        }
        parameters
    }

    /// The archive for the measures of a parameter.
    ///
    /// # Errors
    /// `Usage` where there is no such archive.
    pub fn tar_for(&self, parameter: Option<&Parameter>) -> Result<Option<Sample>> {
        let name = self.tar.as_ref().map(|name| match parameter {
            // In a guest all measures use the same disks.
            Some(parameter) if self.guest.is_none() => parameter.fill(name),
            _ => name.clone(),
        });
        name.map(|name| name.parse()).transpose()
    }

    /// Takes the measures fewer times, where that costs no more than certainty.
    pub fn shortened(self) -> Self {
        Self {
            repetitions: 1,
            warm_up: self.warm_up.min(1),
            ..self
        }
    }

    /// Leaves out subjects that are not in the ratio.
    pub fn of_ratio(mut self) -> Self {
        let Ratio { of, to } = &self.ratio;
        self.subjects
            .retain(|subject| [of, to].contains(&&subject.name));
        self
    }

    /// How often each measure is taken, to effect or not.
    pub fn runs(&self) -> usize {
        self.warm_up.saturating_add(self.repetitions)
    }

    /// Reads a definition from its complete text.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let bad = |message: String| Error::new(Kind::Usage, message);
        let parsed = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        let this = Self {
            name: name.to_owned(),
            source: text.to_owned(),
            ..parsed
        };
        if this.repetitions == 0 {
            return Err(bad("repetitions must be at least 1".to_owned()));
        }
        if let Some(guest) = &this.guest {
            if guest.cpus == 0 || (guest.mode == Mode::Instructions && guest.cpus != 1) {
                return Err(bad(format!(
                    "cpus = {} does not fit: instructions are counted with 1 CPU, time with 1 or \
                     more",
                    guest.cpus
                )));
            }
        }
        for subject in [&this.ratio.of, &this.ratio.to] {
            if !this.subjects.iter().any(|known| known.name == *subject) {
                return Err(bad(format!(
                    "ratio names \"{subject}\", which is no subject"
                )));
            }
        }
        for (number, measure) in this.measures.iter().enumerate() {
            this.tar_for(measure.parameter.as_ref())?;
            let before = this.measures.get(..number).unwrap_or_default();
            let known = |name: &String| operand(before, measure, name).is_some();
            let fits = match &measure.method {
                Method::Quantity(_) => this.guest.is_none(),
                Method::Difference { of, less } => known(of) && known(less),
                _ => this.guest.is_some(),
            };
            if !fits {
                let message = format!(
                    "measure \"{}\" does not fit: quantities are for benchmarks without a guest, \
                     a difference is of measures above it",
                    measure.label()
                );
                return Err(bad(message));
            }
        }
        Ok(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "t"
        repetitions = 1
        ratio = { of = "a", to = "b" }
        measure = [
            { name = "x", unit = "ms", quantity = "time" },
            { name = "y", unit = "ms", of = "x", less = "x" },
        ]
        subject = [{ name = "a", command = "true" }, { name = "b", command = "false" }]
    "#;

    fn refused(text: &str) -> String {
        let error = Definition::parse("name", text).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        error.to_string()
    }

    #[test]
    fn the_project_s_own_definitions_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches");
        let all = Definition::load(&folder, &[]).unwrap();
        assert!(all
            .iter()
            .any(|definition| definition.name == "null-randread"));
        let one = Definition::load(&folder, &["null-randread".to_owned()]).unwrap();
        assert_eq!(one.len(), 1);
        let error = Definition::load(&folder, &["no-such".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("null-randread"), "{error}");
    }

    #[test]
    fn instructions_are_of_one_cpu() {
        let guest = |fields: &str| {
            format!(
                "{}\n[guest]\n{fields}",
                GOOD.replace("quantity = \"time\"", "number = \"1\"")
            )
        };
        let guest_of = |fields| Definition::parse("name", &guest(fields)).unwrap().guest;
        assert_eq!(guest_of("").unwrap().mode, Mode::Instructions);
        assert_eq!(guest_of("mode = \"wall-clock\"\ncpus = 2").unwrap().cpus, 2);
        assert!(refused(&guest("cpus = 2")).contains("1 CPU"));
        assert!(refused(&guest("mode = \"wall-clock\"\ncpus = 0")).contains("cpus = 0"));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert_eq!(Definition::parse("name", GOOD).unwrap().name, "name");
        assert!(refused(&GOOD.replace("repetitions = 1", "repetitions = 0")).contains("at least 1"));
        assert!(refused(&GOOD.replace("of = \"a\"", "of = \"c\"")).contains("\"c\""));
        assert!(refused(&GOOD.replace("less = \"x\"", "less = \"z\"")).contains("\"y\""));
        assert!(
            refused(&GOOD.replace("quantity = \"time\"", "command = \"true\"")).contains("\"x\"")
        );
        assert!(refused(&GOOD.replace("title", "titel")).contains("titel"));
        assert!(refused(&format!("tar = \"no-such\"\n{GOOD}")).contains("no-such"));
    }
}
