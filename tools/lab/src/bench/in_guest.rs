// SPDX-License-Identifier: GPL-2.0
//! Takes measures in guests, one for each subject.

use std::path::PathBuf;
use std::thread;

use crate::error::{Error, Kind, Result};
use crate::guest::{self, Accelerator};
use crate::progress::Step;
use crate::Lab;

use super::definition::{Definition, GuestPart, Mode};
use super::files::Files;
use super::measure::{next_figure, repetition};
use super::report::Samples;
use super::subject_guest::{Running, SubjectGuest};

/// Takes all measures of all subjects; `tar` is the archive for their disks.
///
/// # Errors
/// `Guest` where something in a guest fails, and where the subjects' configurations differ.
pub fn run(
    lab: &Lab,
    definition: &Definition,
    part: &GuestPart,
    tar: Option<&PathBuf>,
    step: &Step,
) -> Result<Vec<Samples>> {
    let subjects = definition.subjects.iter();
    let files = subjects.map(|_| Files::new(lab, tar.cloned()));
    let files = files.collect::<Result<Vec<_>>>()?;
    let accelerator = match part.mode {
        Mode::Instructions => Accelerator::Icount,
        Mode::WallClock => guest::best_accelerator(lab)?,
    };
    let guests: Vec<_> = definition
        .subjects
        .iter()
        .zip(&files)
        .map(|(subject, files)| SubjectGuest {
            lab,
            definition,
            part,
            accelerator,
            subject,
            files,
        })
        .collect();
    let all = match part.mode {
        Mode::Instructions => apart(definition, &guests, step)?,
        Mode::WallClock => in_turns(definition, &guests, step)?,
    };
    require_equal(definition, &all)?;
    Ok(all)
}

/// Measures each guest from its start to its end: a count of instructions does not depend on what
/// else the machine does, so that as many run as it has processors.
fn apart(
    definition: &Definition,
    guests: &[SubjectGuest<'_>],
    step: &Step,
) -> Result<Vec<Samples>> {
    let at_once = thread::available_parallelism().map_or(1, |count| count.get());
    let mut all = Vec::new();
    for guests in guests.chunks(at_once) {
        all.extend(in_threads(guests, |guest| {
            let mut running = guest.start()?;
            let mut samples = Samples::of(&running);
            for number in 0..definition.runs() {
                let figures = repetition(&definition.measures, |measure| running.take(measure))?;
                if number >= definition.warm_up {
                    samples.figures.push(figures);
                }
                step.advance();
            }
            running.shutdown()?;
            Ok(samples)
        })?);
    }
    Ok(all)
}

/// Has all guests run, and takes each measure of all of them in turns, so that what else the
/// machine does meets all of them alike. A guest whose turn it is not is idle.
fn in_turns(
    definition: &Definition,
    guests: &[SubjectGuest<'_>],
    step: &Step,
) -> Result<Vec<Samples>> {
    let mut running = in_threads(guests, |guest| guest.start())?;
    let mut all: Vec<_> = running.iter().map(Samples::of).collect();
    for number in 0..definition.runs() {
        let mut rows = vec![Vec::new(); running.len()];
        for _ in &definition.measures {
            for (guest, row) in running.iter_mut().zip(&mut rows) {
                let figure = next_figure(&definition.measures, row, |measure| guest.take(measure))?;
                row.extend(figure);
            }
        }
        for (samples, row) in all.iter_mut().zip(rows) {
            if number >= definition.warm_up {
                samples.figures.push(row);
            }
            step.advance();
        }
    }
    running.into_iter().try_for_each(Running::shutdown)?;
    Ok(all)
}

/// Works on all guests at once.
fn in_threads<T: Send>(
    guests: &[SubjectGuest<'_>],
    work: impl Fn(&SubjectGuest<'_>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let start = |guest| {
            let work = &work;
            SubjectGuest::name_thread(guest).spawn_scoped(scope, move || work(guest))
        };
        // All start before the first is waited for.
        let threads: Vec<_> = guests.iter().map(start).collect();
        threads.into_iter().map(join).collect()
    })
}

type Started<'a, T> = std::io::Result<thread::ScopedJoinHandle<'a, Result<T>>>;

fn join<T>(started: Started<'_, T>) -> Result<T> {
    let failed = |reason: &str| Error::new(Kind::Other, format!("a guest's thread {reason}"));
    let handle = started.map_err(|error| failed(&format!("did not start: {error}")))?;
    handle.join().unwrap_or_else(|_| Err(failed("panicked")))
}

/// Refuses figures of unequal subjects.
fn require_equal(definition: &Definition, all: &[Samples]) -> Result<()> {
    let mut subjects = definition.subjects.iter().zip(all);
    let Some((first, reference)) = subjects.next() else {
        return Ok(());
    };
    for (subject, samples) in subjects {
        if samples.configuration == reference.configuration {
            continue;
        }
        let (ours, theirs) = (&samples.configuration, &reference.configuration);
        let only = |these: &[String], those: &[String]| -> String {
            let only = these.iter().filter(|line| !those.contains(line));
            only.map(|line| format!("\n    {line}")).collect()
        };
        let message = format!(
            "{}: the subjects are not configured alike, so that comparing them says nothing\n  \
             {}:{}\n  {}:{}",
            definition.name,
            first.name,
            only(theirs, ours),
            subject.name,
            only(ours, theirs),
        );
        return Err(Error::new(Kind::Guest, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = r#"
        title = "t"
        repetitions = 1
        ratio = { of = "ours", to = "theirs" }
        guest = {}
        measure = []
        subject = [{ name = "theirs" }, { name = "ours" }]
    "#;

    fn samples(configuration: &[&str]) -> Samples {
        Samples {
            configuration: configuration.iter().map(|&line| line.to_owned()).collect(),
            ..Samples::default()
        }
    }

    #[test]
    fn subjects_with_unequal_settings_are_not_compared() {
        let definition = Definition::parse("name", DEFINITION).unwrap();
        let theirs = samples(&["depth:256", "queues:1"]);
        assert!(require_equal(&definition, &[theirs.clone(), theirs.clone()]).is_ok());
        let ours = samples(&["depth:64", "queues:1"]);
        let error = require_equal(&definition, &[theirs.clone(), ours]).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("depth:256") && message.contains("depth:64"),
            "{message}"
        );
        assert!(!message.contains("queues"), "{message}");
        let shorter = samples(&["depth:256"]);
        assert!(require_equal(&definition, &[theirs, shorter]).is_err());
    }
}
