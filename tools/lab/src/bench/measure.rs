// SPDX-License-Identifier: GPL-2.0
//! What a benchmark measures.

use serde::Deserialize;

use crate::error::Result;

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Measure {
    /// What it is called.
    pub name: String,
    /// Its unit, as printed.
    pub unit: String,
    /// A script in the guest that runs before it.
    pub before: String,
    /// How it is taken.
    pub method: Method,
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
    fio: Option<String>,
    ios: Option<u64>,
    command: Option<String>,
    number: Option<String>,
    quantity: Option<Quantity>,
    of: Option<String>,
    less: Option<String>,
}

impl TryFrom<Fields> for Measure {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
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
    let find = |name: &String| {
        let index = measures.iter().position(|other| other.name == *name)?;
        so_far.get(index).copied()
    };
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

    fn parse(text: &str) -> Result<Measure, toml::de::Error> {
        toml::from_str(&format!("name = \"n\"\nunit = \"u\"\n{text}"))
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
