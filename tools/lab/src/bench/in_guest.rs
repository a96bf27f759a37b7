// SPDX-License-Identifier: GPL-2.0
//! Takes measures in guests, one for each subject.

use std::thread;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::guest::{Access, Boot, Guest};
use crate::progress::Step;
use crate::{process, Lab};

use super::definition::{Definition, GuestPart, Subject};
use super::files::Files;
use super::fio::nanoseconds_per_io;
use super::measure::{repetition, Measure, Method};
use super::report::Samples;

/// How long a command may take on a slow machine.
const COMMAND_LIMIT: Duration = Duration::from_secs(1200);

/// Takes all measures of all subjects.
///
/// # Errors
/// `Guest` where something in a guest fails, and where the subjects' configurations differ.
pub fn run(
    lab: &Lab,
    definition: &Definition,
    part: &GuestPart,
    files: &[Files],
    step: &Step,
) -> Result<Vec<Samples>> {
    let guests: Vec<_> = definition
        .subjects
        .iter()
        .zip(files)
        .map(|(subject, files)| SubjectGuest {
            lab,
            definition,
            part,
            subject,
            files,
        })
        .collect();
    // A count of instructions does not depend on what else the machine does.
    let at_once = thread::available_parallelism().map_or(1, |count| count.get());
    let mut all = Vec::new();
    for guests in guests.chunks(at_once) {
        let results = thread::scope(|scope| {
            let threads: Vec<_> = guests
                .iter()
                .map(|guest| guest.name_thread().spawn_scoped(scope, || guest.run(step)))
                .collect();
            threads.into_iter().map(join).collect::<Vec<_>>()
        });
        for result in results {
            all.push(result?);
        }
    }
    require_equal(definition, &all)?;
    Ok(all)
}

type Started<'a> = std::io::Result<thread::ScopedJoinHandle<'a, Result<Samples>>>;

fn join(started: Started<'_>) -> Result<Samples> {
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

/// One subject and what its guest needs.
struct SubjectGuest<'a> {
    lab: &'a Lab,
    definition: &'a Definition,
    part: &'a GuestPart,
    subject: &'a Subject,
    files: &'a Files,
}

impl SubjectGuest<'_> {
    /// The guest's log has the thread's name.
    fn name_thread(&self) -> thread::Builder {
        thread::Builder::new().name(format!("{} {}", self.definition.name, self.subject.name))
    }

    fn run(&self, step: &Step) -> Result<Samples> {
        let Self {
            definition, part, ..
        } = self;
        if !self.subject.prepare.is_empty() {
            process::output(
                self.files.command(self.lab, &self.subject.prepare)?,
                Kind::Other,
            )?;
        }
        let mut guest = self.boot()?;
        let setup = format!("{}\n{}", self.subject.setup, part.setup);
        script(&mut guest, &setup)?;
        let equal = script(&mut guest, &part.equal)?;
        let mut samples = Samples {
            configuration: equal.lines().map(str::to_owned).collect(),
            ..Samples::default()
        };
        for number in 0..definition.warm_up.saturating_add(definition.repetitions) {
            let figures = repetition(&definition.measures, |measure| take(&mut guest, measure))?;
            if number >= definition.warm_up {
                samples.figures.push(figures);
            }
            step.advance();
        }
        guest.shutdown()?;
        Ok(samples)
    }

    fn boot(&self) -> Result<Guest> {
        let (part, subject) = (self.part, self.subject);
        let mut boot = Boot::new(self.lab)
            .memory_mib(part.memory_mib)
            .command_limit(COMMAND_LIMIT)
            .guest_limit(COMMAND_LIMIT.saturating_mul(10))
            .bytes(STOPWATCH, include_bytes!("stopwatch.bash"))
            .program("bash");
        for program in &part.programs {
            boot = boot.program(program);
        }
        for module in part.stock_modules.iter().chain(&subject.stock_modules) {
            boot = boot.stock_module(module);
        }
        for module in &subject.modules {
            boot = boot.module(module);
        }
        for disk in &subject.disks {
            boot = boot.disk(self.files.find(disk)?, Access::ReadOnly);
        }
        let mut guest = boot.icount().boot()?;
        // Virtual time, which costs nothing: what the kernel does after a boot, the calibration of
        // its clock above all, is over then.
        script(&mut guest, "sleep 10")?;
        Ok(guest)
    }
}

const STOPWATCH: &str = "/bench/stopwatch";

fn take(guest: &mut Guest, measure: &Measure) -> Result<f64> {
    script(guest, &measure.before)?;
    match &measure.method {
        Method::Fio { arguments, ios } => {
            let report = script(
                guest,
                &format!(
                    "fio {arguments} --number_ios={ios} --output-format=json --output=/bench/fio\n\
                     cat /bench/fio"
                ),
            )?;
            nanoseconds_per_io(&report, *ios)
        }
        Method::Command(command) => {
            guest.put("/bench/command", command.as_bytes())?;
            let text = script(guest, &format!("bash {STOPWATCH} /bench/command"))?;
            Ok(number(measure, &text)? / 1000.0)
        }
        Method::Number(text) => {
            let text = script(guest, text)?;
            number(measure, &text)
        }
        Method::Quantity(_) | Method::Difference { .. } => {
            let message = format!("\"{}\" is not taken in a guest", measure.name);
            Err(Error::new(Kind::Usage, message))
        }
    }
}

fn script(guest: &mut Guest, text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let output = guest.run(&format!("set -e\n{text}"))?.ok()?;
    Ok(output.text().into_owned())
}

fn number(measure: &Measure, text: &str) -> Result<f64> {
    text.trim().parse().map_err(|_| {
        let message = format!("\"{}\" gave no number but {text:?}", measure.name);
        Error::new(Kind::Guest, message)
    })
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
