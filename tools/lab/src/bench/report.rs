// SPDX-License-Identifier: GPL-2.0
//! What a benchmark found: figures with their medians, as they stand in JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

use super::definition::{Definition, Mode};
use super::environment::Environment;
use super::measure::{label, Method, Parameter};
use super::subject_guest::Running;

/// What was measured of one subject.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// For each repetition the figures, in the order of the measures.
    pub figures: Vec<Vec<f64>>,
    /// The configuration that was read back.
    pub configuration: Vec<String>,
    /// What QEMU was told about how it executes.
    pub machine: Vec<String>,
}

impl Samples {
    /// None yet, of a guest.
    pub fn of(guest: &Running) -> Self {
        Self {
            figures: Vec::new(),
            configuration: guest.configuration.clone(),
            machine: guest.machine.clone(),
        }
    }

    fn column(&self, index: usize) -> Vec<f64> {
        let rows = self.figures.iter();
        rows.filter_map(|row| row.get(index)).copied().collect()
    }
}

/// All that one benchmark found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The benchmark's name.
    pub benchmark: String,
    /// What was measured.
    pub title: String,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// What the figures are: instructions, which repeat, or time.
    #[serde(default)]
    pub mode: Mode,
    /// Where it was measured, and what.
    pub environment: Environment,
    /// The definition, its file's text: the commands of all subjects.
    #[serde(default)]
    pub definition: String,
    /// The subject that is divided, and the one by which it is divided.
    pub ratio: [String; 2],
    /// The subjects, in the order of the definition.
    pub subjects: Vec<Column>,
    /// The figures, in the order of the definition.
    pub figures: Vec<Row>,
}

/// A subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its configuration, read back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configuration: Vec<String>,
    /// The arguments of its guest's QEMU that decide how it executes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machine: Vec<String>,
}

/// A measure of all subjects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub measure: String,
    /// What it was taken for, where it was taken for several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<Parameter>,
    /// Its unit.
    pub unit: String,
    /// What was run to take it.
    pub command: String,
    /// Each subject's median.
    pub medians: BTreeMap<String, f64>,
    /// The median of the repetitions' quotients of two subjects' figures.
    pub ratio: f64,
    /// Each subject's figures of all repetitions.
    pub samples: BTreeMap<String, Vec<f64>>,
}

impl Report {
    /// Puts the samples of the subjects, in the order of the definition, into a report.
    pub fn new(definition: &Definition, all: &[Samples], environment: Environment) -> Self {
        let subjects = definition.subjects.iter().zip(all);
        Self {
            benchmark: definition.name.clone(),
            title: definition.title.clone(),
            notes: definition.notes.clone(),
            mode: definition.mode(),
            environment,
            definition: definition.source.clone(),
            ratio: [definition.ratio.of.clone(), definition.ratio.to.clone()],
            subjects: subjects
                .map(|(subject, samples)| Column {
                    name: subject.name.clone(),
                    configuration: samples.configuration.clone(),
                    machine: samples.machine.clone(),
                })
                .collect(),
            figures: (0..definition.measures.len())
                .filter_map(|index| Row::new(definition, all, index))
                .collect(),
        }
    }

    /// Reads the reports of a file that `--json` wrote.
    ///
    /// # Errors
    /// `Usage` where it has no reports.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let text = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        serde_json::from_str(&text).map_err(|error| {
            let message = format!(
                "{} has no reports of `lab bench --json`: {error}",
                path.display()
            );
            Error::new(Kind::Usage, message)
        })
    }

    /// The reports as text that [`Report::read`] reads.
    pub fn to_json(reports: &[Self]) -> Result<String> {
        serde_json::to_string_pretty(reports)
            .map(|text| text + "\n")
            .map_err(|error| Error::new(Kind::Other, format!("cannot write JSON: {error}")))
    }
}

impl Row {
    fn new(definition: &Definition, all: &[Samples], index: usize) -> Option<Self> {
        let measure = definition.measures.get(index)?;
        let subjects = definition.subjects.iter().zip(all);
        let samples: BTreeMap<_, _> = subjects
            .map(|(subject, samples)| (subject.name.clone(), samples.column(index)))
            .collect();
        let of = |name| samples.get(name).map_or(&[][..], Vec::as_slice);
        let pairs = of(&definition.ratio.of)
            .iter()
            .zip(of(&definition.ratio.to));
        let ratios: Vec<_> = pairs.map(|(of, to)| of / to).collect();
        let medians = samples.iter();
        Some(Self {
            measure: measure.name.clone(),
            parameter: measure.parameter.clone(),
            unit: measure.unit.clone(),
            command: command(&measure.method),
            medians: medians
                .map(|(name, figures)| (name.clone(), median(figures)))
                .collect(),
            ratio: median(&ratios),
            samples,
        })
    }

    /// Its name, and its parameter.
    pub fn label(&self) -> String {
        label(&self.measure, self.parameter.as_ref())
    }

    /// Half of the range of a subject's figures, as a part of their median.
    pub fn spread(&self, subject: &str) -> f64 {
        let [least, most] = self.range(subject);
        let median = self.medians.get(subject).copied().unwrap_or(f64::NAN);
        (most - least) / 2.0 / median.abs()
    }

    /// The least and the greatest of a subject's figures.
    pub fn range(&self, subject: &str) -> [f64; 2] {
        let figures = self.samples.get(subject).map_or(&[][..], Vec::as_slice);
        [f64::min, f64::max].map(|choose| figures.iter().copied().fold(f64::NAN, choose))
    }
}

fn command(method: &Method) -> String {
    match method {
        Method::Fio { arguments, ios } => format!("fio {arguments} --number_ios={ios}"),
        Method::Command(text) | Method::Number(text) => text.clone(),
        Method::Quantity(_) | Method::Difference { .. } => String::new(),
    }
}

/// The median; the mean of the middle two where their number is even; NaN of none.
fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    let lower = sorted.len().saturating_sub(1) / 2;
    match (sorted.get(lower), sorted.get(upper)) {
        (Some(lower), Some(upper)) => (lower + upper) / 2.0,
        _ => f64::NAN,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    /// A report of one measure of the subjects `a` and `b`, in time.
    pub fn report(a: [f64; 3], b: [f64; 3]) -> Report {
        let definition = Definition::parse(
            "name",
            r#"
                title = "t"
                repetitions = 3
                ratio = { of = "a", to = "b" }
                measure = [{ name = "x", unit = "ms", quantity = "time" }]
                subject = [{ name = "a", command = "true" }, { name = "b", command = "false" }]
            "#,
        );
        let samples = |figures: [f64; 3]| Samples {
            figures: figures.map(|figure| vec![figure]).into(),
            ..Samples::default()
        };
        let all = [samples(a), samples(b)];
        Report::new(&definition.unwrap(), &all, Environment::default())
    }

    #[test]
    fn repetitions_are_divided_one_by_one() {
        // The machine was slow in the second and third, and slowest in between.
        let report = report([9.0, 18.0, 27.0], [10.0, 20.0, 50.0]);
        let row = report.figures.first().unwrap();
        assert_eq!(row.ratio, 0.9);
        assert_eq!(row.medians.get("b"), Some(&20.0));
        assert_eq!(row.spread("a"), 0.5);
        assert!(row.spread("c").is_nan());
    }

    #[test]
    fn what_is_written_is_read() {
        let reports = [report([9.0, 18.0, 27.0], [10.0, 20.0, 50.0])];
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), Report::to_json(&reports).unwrap()).unwrap();
        let read = Report::read(file.path()).unwrap();
        assert_eq!(
            Report::to_json(&read).unwrap(),
            Report::to_json(&reports).unwrap()
        );
        fs::write(file.path(), "{}").unwrap();
        assert_eq!(Report::read(file.path()).unwrap_err().kind(), Kind::Usage);
    }
}
