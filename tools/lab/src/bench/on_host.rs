// SPDX-License-Identifier: GPL-2.0
//! Takes measures on this machine.

use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::{process, Lab};

use super::definition::{Definition, Subject};
use super::files::Files;
use super::measure::{repetition, Method, Quantity};
use super::report::Samples;

/// Takes all measures of all subjects, in turns, so that what else the machine does meets all of
/// them alike.
pub fn run(
    lab: &Lab,
    definition: &Definition,
    files: &[Files],
    step: &Step,
) -> Result<Vec<Samples>> {
    let mut all = vec![Samples::default(); definition.subjects.len()];
    for number in 0..definition.runs() {
        let subjects = definition.subjects.iter().zip(files);
        for ((subject, files), samples) in subjects.zip(&mut all) {
            let taken = take(lab, subject, files)?;
            let figures = repetition(&definition.measures, |measure| match measure.method {
                Method::Quantity(Quantity::Time) => Ok(taken.milliseconds),
                Method::Quantity(Quantity::CpuTime) => Ok(taken.cpu_milliseconds),
                Method::Quantity(Quantity::Memory) => Ok(taken.peak_bytes / 1e6),
                // CAST: the size of a file is far below 2^53.
                _ => Ok(taken.growth as f64),
            })?;
            if number >= definition.warm_up {
                samples.figures.push(figures);
            }
            step.advance();
        }
    }
    Ok(all)
}

/// What one run took.
struct Taken {
    milliseconds: f64,
    cpu_milliseconds: f64,
    peak_bytes: f64,
    growth: u64,
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
