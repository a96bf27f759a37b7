// SPDX-License-Identifier: GPL-2.0
//! What a benchmark found: figures with their medians, for a table and for JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::definition::{Definition, Mode};
use super::environment::Environment;
use super::measure::Method;
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
}

/// All that one benchmark found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The benchmark's name.
    pub benchmark: String,
    /// What was measured.
    pub title: String,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// What the figures are: instructions, which repeat, or time.
    pub mode: Mode,
    /// Where it was measured, and what.
    pub environment: Environment,
    /// The subject that is divided, and the one by which it is divided.
    pub ratio: [String; 2],
    /// The subjects, in the order of the definition.
    pub subjects: Vec<Column>,
    /// The figures, in the order of the definition.
    pub figures: Vec<Row>,
}

/// A subject.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What was run on this machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// What prepared its guest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub setup: String,
    /// Its configuration, read back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub configuration: Vec<String>,
    /// The arguments of its guest's QEMU that decide how it executes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub machine: Vec<String>,
}

/// A measure of all subjects.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub measure: String,
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
        let figures = definition.measures.iter().enumerate();
        Self {
            benchmark: definition.name.clone(),
            title: definition.title.clone(),
            notes: definition.notes.clone(),
            // On this machine, time is taken.
            mode: definition
                .guest
                .as_ref()
                .map_or(Mode::WallClock, |guest| guest.mode),
            environment,
            ratio: [definition.ratio.of.clone(), definition.ratio.to.clone()],
            subjects: subjects
                .map(|(subject, samples)| Column {
                    name: subject.name.clone(),
                    // One that runs in a guest has the first, one of this machine the second.
                    command: [subject.prepare.as_str(), &subject.command].concat(),
                    setup: subject.setup.clone(),
                    configuration: samples.configuration.clone(),
                    machine: samples.machine.clone(),
                })
                .collect(),
            figures: figures
                .map(|(index, measure)| {
                    let samples: BTreeMap<_, _> = definition
                        .subjects
                        .iter()
                        .zip(all)
                        .map(|(subject, samples)| (subject.name.clone(), column(samples, index)))
                        .collect();
                    let medians: BTreeMap<_, _> = samples
                        .iter()
                        .map(|(name, figures)| (name.clone(), median(figures)))
                        .collect();
                    let of = |name| samples.get(name).map_or(&[][..], Vec::as_slice);
                    let pairs = of(&definition.ratio.of)
                        .iter()
                        .zip(of(&definition.ratio.to));
                    let ratios: Vec<_> = pairs.map(|(of, to)| of / to).collect();
                    Row {
                        measure: measure.name.clone(),
                        unit: measure.unit.clone(),
                        command: command(&measure.method),
                        ratio: median(&ratios),
                        medians,
                        samples,
                    }
                })
                .collect(),
        }
    }
}

impl Row {
    /// Half of the range of a subject's figures, as a part of their median.
    pub fn spread(&self, subject: &str) -> f64 {
        let figures = self.samples.get(subject).map_or(&[][..], Vec::as_slice);
        let most = figures.iter().copied().fold(f64::NAN, f64::max);
        let least = figures.iter().copied().fold(f64::NAN, f64::min);
        (most - least) / 2.0 / median(figures).abs()
    }
}

fn column(samples: &Samples, index: usize) -> Vec<f64> {
    let rows = samples.figures.iter();
    rows.filter_map(|row| row.get(index)).copied().collect()
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
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn repetitions_are_divided_one_by_one() {
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
        // The machine was slow in the second and third, and slowest in between.
        let all = [samples([9.0, 18.0, 27.0]), samples([10.0, 20.0, 50.0])];
        let environment = Environment::default();
        let report = Report::new(&definition.unwrap(), &all, environment);
        let row = report.figures.first().unwrap();
        assert_eq!(row.ratio, 0.9);
        assert_eq!(row.medians.get("b"), Some(&20.0));
        assert_eq!(row.spread("a"), 0.5);
        assert!(row.spread("c").is_nan());
    }
}
