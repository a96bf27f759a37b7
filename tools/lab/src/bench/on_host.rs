// SPDX-License-Identifier: GPL-2.0
//! Takes measures on this machine.

use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::{process, Lab};

use super::definition::{Definition, Subject};
use super::files::Files;
use super::measure::{repetition, Method, Quantity};
use super::report::Samples;

/// Takes all measures of all subjects, in turns, so that what else the machine does meets all of
/// them alike. `tars` are the archives of the parameters.
pub fn run(
    lab: &Lab,
    definition: &Definition,
    tars: &[Option<PathBuf>],
    step: &Step,
) -> Result<Vec<Samples>> {
    let subjects = &definition.subjects;
    let mut series = Vec::new();
    for (parameter, tar) in definition.parameters().into_iter().zip(tars) {
        let files = subjects.iter().map(|_| Files::new(lab, tar.clone()));
        series.push((parameter, files.collect::<Result<Vec<_>>>()?));
    }
    let mut all = vec![Samples::default(); subjects.len()];
    for number in 0..definition.runs() {
        let mut taken = vec![Vec::new(); subjects.len()];
        for (parameter, files) in &series {
            for ((subject, files), taken) in subjects.iter().zip(files).zip(&mut taken) {
                taken.push((parameter, take(lab, subject, files)?));
                step.advance();
            }
        }
        for (taken, samples) in taken.iter().zip(&mut all) {
            let figures = repetition(&definition.measures, |measure| {
                let mut taken = taken.iter();
                let found = taken.find(|(parameter, _)| **parameter == measure.parameter);
                Ok(found.map_or(f64::NAN, |(_, taken)| taken.figure(&measure.method)))
            })?;
            if number >= definition.warm_up {
                samples.figures.push(figures);
            }
        }
    }
    Ok(all)
}

/// What one run took.
#[derive(Clone)]
struct Taken {
    milliseconds: f64,
    cpu_milliseconds: f64,
    peak_bytes: f64,
    growth: u64,
}

impl Taken {
    fn figure(&self, method: &Method) -> f64 {
        match method {
            Method::Quantity(Quantity::Time) => self.milliseconds,
            Method::Quantity(Quantity::CpuTime) => self.cpu_milliseconds,
            Method::Quantity(Quantity::Memory) => self.peak_bytes / 1e6,
            // CAST: the size of a file is far below 2^53.
            _ => self.growth as f64,
        }
    }
}

fn take(lab: &Lab, subject: &Subject, files: &Files) -> Result<Taken> {
    files.reset()?;
    let measured = files.command(lab, &subject.command)?;
    let mut command = lab.toolbox()?.python()?;
    command.args(["-c", include_str!("resources.py")]);
    command
        .arg(measured.get_program())
        .args(measured.get_args());
    let text = process::output(command, Kind::Other)?;
    let line = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = line
        .split(' ')
        .map_while(|word| word.parse().ok())
        .collect();
    let &[milliseconds, cpu_milliseconds, peak_bytes] = numbers.as_slice() else {
        let message = format!("\"{}\" was not measured: {line:?}", subject.command);
        return Err(Error::new(Kind::Other, message));
    };
    Ok(Taken {
        milliseconds,
        cpu_milliseconds,
        peak_bytes,
        growth: files.growth()?,
    })
}
