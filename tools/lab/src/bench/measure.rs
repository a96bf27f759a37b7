// SPDX-License-Identifier: GPL-2.0
//! What a benchmark measures.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;

use super::table;

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// What it is called; measures that differ in their parameter alone share it.
    pub name: String,
    /// What it is taken for, where it is taken for several.
    pub parameter: Option<Parameter>,
    /// Its unit, as printed.
    pub unit: String,
    /// A script in the guest that runs before it.
    pub before: String,
    /// How it is taken.
    pub method: Method,
}

/// A size or number, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is called; `{name}` in commands is its value.
    pub name: String,
    /// How much.
    pub value: u64,
}

impl Parameter {
    /// Puts the value into a command.
    pub fn fill(&self, text: &str) -> String {
        text.replace(&format!("{{{}}}", self.name), &self.value.to_string())
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // CAST: sizes and numbers are far below 2^53.
        write!(
            formatter,
            "{} {}",
            self.name,
            table::count(self.value as f64)
        )
    }
}

/// How a figure is taken; in a definition, its fields tell which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// `fio` and `ios`, in a guest: the time that fio needs, divided by the number of its I/Os, in
    /// nanoseconds.
    Fio {
        /// The arguments.
        arguments: String,
        /// The number of I/Os.
        ios: u64,
    },
    /// `command`, in a guest: the time of a command of bash, whose output goes nowhere, in
    /// milliseconds.
    Command(String),
    /// `number`, in a guest: what a script prints.
    Number(String),
    /// `quantity`, on this machine: what the subject's command takes.
    Quantity(Quantity),
    /// `of` and `less`: one measure less another, of the same repetition.
    Difference {
        /// The one.
        of: String,
        /// The other.
        less: String,
    },
}

/// What a command takes on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Wall-clock time in milliseconds.
    Time,
    /// Time of processors, the kernel's on its behalf included, in milliseconds.
    CpuTime,
    /// The most memory that it had resident, in units of 10^6 bytes.
    Memory,
    /// The bytes that it wrote into `{image}` or added to `{copy}`.
    Growth,
}

/// A measure as it stands in a definition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    unit: String,
    #[serde(default)]
    before: String,
    /// The measure is taken for each of the values.
    vary: Option<Vary>,
    fio: Option<String>,
    ios: Option<u64>,
    command: Option<String>,
    number: Option<String>,
    quantity: Option<Quantity>,
    of: Option<String>,
    less: Option<String>,
}

/// A parameter with its values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vary {
    name: String,
    values: Vec<u64>,
}

/// Reads measures; one that varies becomes one for each value.
pub fn expanded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Measure>, D::Error> {
    let mut measures = Vec::new();
    for mut fields in Vec::<Fields>::deserialize(deserializer)? {
        let vary = fields.vary.take();
        let measure = Measure::new(fields).map_err(serde::de::Error::custom)?;
        match vary {
            Some(Vary { name, values }) => measures.extend(values.into_iter().map(|value| {
                let name = name.clone();
                measure.with(Parameter { name, value })
            })),
            None => measures.push(measure),
        }
    }
    Ok(measures)
}

impl Measure {
    /// Its name, and its parameter.
    pub fn label(&self) -> String {
        label(&self.name, self.parameter.as_ref())
    }

    /// The same for a parameter.
    fn with(&self, parameter: Parameter) -> Self {
        let fill = |text: &String| parameter.fill(text);
        let method = match &self.method {
            Method::Fio { arguments, ios } => Method::Fio {
                arguments: fill(arguments),
                ios: *ios,
            },
            Method::Command(text) => Method::Command(fill(text)),
            Method::Number(text) => Method::Number(fill(text)),
            other => other.clone(),
        };
        Self {
            name: self.name.clone(),
            unit: self.unit.clone(),
            before: fill(&self.before),
            method,
            parameter: Some(parameter),
        }
    }

    fn new(fields: Fields) -> Result<Self, String> {
        let two = [
            fields
                .fio
                .zip(fields.ios)
                .map(|(arguments, ios)| Method::Fio { arguments, ios }),
            fields
                .of
                .zip(fields.less)
                .map(|(of, less)| Method::Difference { of, less }),
        ];
        let one = [
            fields.command.map(Method::Command),
            fields.number.map(Method::Number),
            fields.quantity.map(Method::Quantity),
        ];
        let mut methods = two.into_iter().chain(one).flatten();
        match (methods.next(), methods.next()) {
            (Some(method), None) => Ok(Self {
                name: fields.name,
                parameter: None,
                unit: fields.unit,
                before: fields.before,
                method,
            }),
            _ => Err(format!(
                "measure \"{}\" needs one of: fio and ios, command, number, quantity, of and less",
                fields.name
            )),
        }
    }
}

/// A measure's name with its parameter.
pub fn label(name: &str, parameter: Option<&Parameter>) -> String {
    match parameter {
        Some(parameter) => format!("{name}, {parameter}"),
        None => name.to_owned(),
    }
}

/// The measure of that name that `measure` can be a difference of: of the same parameter, or of none.
pub fn operand(measures: &[Measure], measure: &Measure, name: &str) -> Option<usize> {
    measures.iter().position(|other| {
        other.name == name && (other.parameter.is_none() || other.parameter == measure.parameter)
    })
}

/// The next figure of a repetition whose figures so far are those, in the order of the measures;
/// `take` takes it where it is not a difference. There is none after the last measure.
pub fn next_figure(
    measures: &[Measure],
    so_far: &[f64],
    take: impl FnOnce(&Measure) -> Result<f64>,
) -> Result<Option<f64>> {
    let Some(measure) = measures.get(so_far.len()) else {
        return Ok(None);
    };
    let find = |name: &String| so_far.get(operand(measures, measure, name)?).copied();
    Ok(Some(match &measure.method {
        // A definition with a difference of measures below it is refused when it is read.
        Method::Difference { of, less } => find(of)
            .zip(find(less))
            .map_or(f64::NAN, |(of, less)| of - less),
        _ => take(measure)?,
    }))
}

/// Takes each measure once, in order. `take` takes those that are not differences.
pub fn repetition(
    measures: &[Measure],
    mut take: impl FnMut(&Measure) -> Result<f64>,
) -> Result<Vec<f64>> {
    let mut figures = Vec::new();
    while let Some(figure) = next_figure(measures, &figures, &mut take)? {
        figures.push(figure);
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Definition {
        #[serde(deserialize_with = "expanded")]
        measure: Vec<Measure>,
    }

    fn parse_all(text: &str) -> Result<Vec<Measure>, toml::de::Error> {
        let text = format!("[[measure]]\nname = \"n\"\nunit = \"u\"\n{text}");
        toml::from_str(&text).map(|definition: Definition| definition.measure)
    }

    fn parse(text: &str) -> Result<Measure, toml::de::Error> {
        parse_all(text).map(|measures| measures.first().unwrap().clone())
    }

    #[test]
    fn a_measure_that_varies_becomes_several() {
        let text = r#"
            vary = { name = "bs", values = [512, 4096] }
            ios = 7
            fio = "--bs={bs} --x={y}"
            before = "echo {bs}"
        "#;
        let measures = parse_all(text).unwrap();
        assert_eq!(measures.len(), 2);
        let last = measures.last().unwrap();
        assert_eq!(last.label(), "n, bs 4,096");
        assert_eq!(last.before, "echo 4096");
        let fio = Method::Fio {
            arguments: "--bs=4096 --x={y}".into(),
            ios: 7,
        };
        assert_eq!(last.method, fio);
    }

    #[test]
    fn a_difference_is_of_the_same_parameter() {
        let vary = "vary = { name = \"n\", values = [1, 2] }";
        let text = format!(
            "number = \"{{n}}5\"\n{vary}\n\
             [[measure]]\nname = \"one\"\nunit = \"u\"\nnumber = \"1\"\n\
             [[measure]]\nname = \"less\"\nunit = \"u\"\nof = \"n\"\nless = \"one\"\n{vary}"
        );
        let measures = parse_all(&text).unwrap();
        let take = |measure: &Measure| match &measure.method {
            Method::Number(text) => Ok(text.parse().unwrap()),
            other => panic!("{other:?} is not taken"),
        };
        let figures = repetition(&measures, take).unwrap();
        assert_eq!(figures, [15.0, 25.0, 1.0, 14.0, 24.0]);
    }

    #[test]
    fn the_fields_tell_the_method() {
        let method = |text| parse(text).unwrap().method;
        assert_eq!(method("command = \"c\""), Method::Command("c".into()));
        assert_eq!(
            method("quantity = \"memory\""),
            Method::Quantity(Quantity::Memory)
        );
        let fio = Method::Fio {
            arguments: "a".into(),
            ios: 7,
        };
        assert_eq!(method("fio = \"a\"\nios = 7"), fio);
    }

    #[test]
    fn no_method_two_methods_and_unknown_fields_are_refused() {
        for text in [
            "",
            "fio = \"a\"",
            "command = \"c\"\nnumber = \"n\"",
            "comand = \"c\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_difference_is_of_the_same_repetition() {
        let measure = |name: &str, method| Measure {
            name: name.into(),
            parameter: None,
            unit: String::new(),
            before: String::new(),
            method,
        };
        let measures = [
            measure("a", Method::Number("5".into())),
            measure("b", Method::Number("3".into())),
            measure(
                "c",
                Method::Difference {
                    of: "a".into(),
                    less: "b".into(),
                },
            ),
        ];
        let take = |measure: &Measure| match &measure.method {
            Method::Number(text) => Ok(text.parse().unwrap()),
            other => panic!("{other:?} is not taken"),
        };
        assert_eq!(repetition(&measures, take).unwrap(), [5.0, 3.0, 2.0]);
    }
}
