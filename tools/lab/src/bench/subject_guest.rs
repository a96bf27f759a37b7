// SPDX-License-Identifier: GPL-2.0
//! The guest of one subject of a benchmark.

use std::thread;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::guest::{Accelerator, Access, Boot, Guest};
use crate::Lab;

use super::definition::{Definition, GuestPart, Mode, Subject};
use super::files::Files;
use super::fio::nanoseconds_per_io;
use super::measure::{Measure, Method};

/// How long a command may take on a slow machine.
const COMMAND_LIMIT: Duration = Duration::from_secs(1200);

const STOPWATCH: &str = "/bench/stopwatch";

/// One subject and what its guest needs.
pub struct SubjectGuest<'a> {
    pub lab: &'a Lab,
    pub definition: &'a Definition,
    pub part: &'a GuestPart,
    pub accelerator: Accelerator,
    pub subject: &'a Subject,
    pub files: &'a Files,
}

/// A guest that is ready to be measured.
pub struct Running {
    guest: Guest,
    /// The configuration of its subject, read back.
    pub configuration: Vec<String>,
    /// What its QEMU was told about how it executes.
    pub machine: Vec<String>,
}

impl SubjectGuest<'_> {
    /// The guest's log has the thread's name.
    pub fn name_thread(&self) -> thread::Builder {
        thread::Builder::new().name(format!("{} {}", self.definition.name, self.subject.name))
    }

    /// Boots it, prepares the subject, and reads the configuration back.
    pub fn start(&self) -> Result<Running> {
        self.start_with(|boot| boot)
    }

    /// The same of a guest that `change` adds something to.
    pub fn start_with<'a>(&'a self, change: impl FnOnce(Boot<'a>) -> Boot<'a>) -> Result<Running> {
        if !self.subject.prepare.is_empty() {
            self.files.run(self.lab, &self.subject.prepare)?;
        }
        let boot = change(self.boot()?);
        let machine = boot.machine_arguments();
        let mut guest = boot.boot()?;
        if self.part.mode == Mode::Instructions {
            // Virtual time, which costs nothing.
            script(&mut guest, &format!("sleep {}", self.part.settle_seconds))?;
        }
        let setup = format!("{}\n{}", self.subject.setup, self.part.setup);
        script(&mut guest, &setup)?;
        let equal = script(&mut guest, &self.part.equal)?;
        Ok(Running {
            guest,
            configuration: equal.lines().map(str::to_owned).collect(),
            machine,
        })
    }

    fn boot(&self) -> Result<Boot<'_>> {
        let (part, subject) = (self.part, self.subject);
        let mut boot = Boot::new(self.lab)
            .cpus(part.cpus)
            .accelerator(self.accelerator)
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
        for module in &subject.in_tree {
            boot = boot.module(&module.provide(self.lab)?.to_string_lossy());
        }
        for disk in &subject.disks {
            boot = boot.disk(self.files.find(disk)?, Access::ReadOnly);
        }
        Ok(boot)
    }
}

impl Running {
    /// Takes one measure.
    ///
    /// # Errors
    /// `Guest` where a script fails or gives no number.
    pub fn take(&mut self, measure: &Measure) -> Result<f64> {
        let guest = &mut self.guest;
        script(guest, &measure.before)?;
        match &measure.method {
            Method::Fio { arguments, ios } => {
                let report = script(
                    guest,
                    &format!(
                        "fio {arguments} --number_ios={ios} --output-format=json \
                         --output=/bench/fio\ncat /bench/fio"
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
                let message = format!("\"{}\" is not taken in a guest", measure.label());
                Err(Error::new(Kind::Usage, message))
            }
        }
    }

    /// The kernel's symbols: `/proc/kallsyms`.
    pub fn symbols(&mut self) -> Result<String> {
        script(&mut self.guest, "cat /proc/kallsyms")
    }

    /// Ends the guest, and judges its log.
    pub fn shutdown(self) -> Result<()> {
        self.guest.shutdown()
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
        let message = format!("\"{}\" gave no number but {text:?}", measure.label());
        Error::new(Kind::Guest, message)
    })
}
