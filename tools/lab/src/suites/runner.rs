// SPDX-License-Identifier: GPL-2.0
//! Runs tests one after the other in a guest, and in a new one after a test that ended it.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::guest::Guest;

use super::outcome::{self, Outcome, Outcomes};

/// The null block driver under test, by the name `null_blk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Driver {
    /// The kernel's own.
    C,
    /// Ours.
    Rnull,
}

impl Driver {
    /// For titles and names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Rnull => "rnull",
        }
    }
}

/// Runs the tests, `batch` of them by each call of `some`; prints a line on each, and writes all
/// that they print to the file `log`.
///
/// `start` makes a guest; `some` runs some tests in it, and gives what each came to and what they
/// printed. A batch that ended its guest runs again, each test alone.
///
/// # Errors
/// Whatever `start` fails with, and `some` but for a guest that ended: that is the test's outcome.
pub fn run(
    tests: &[String],
    batch: usize,
    log: &Path,
    start: impl Fn() -> Result<Guest>,
    some: impl Fn(&mut Guest, &[String]) -> Result<(Vec<Outcome>, String)>,
) -> Result<Outcomes> {
    let failed = |error| Error::io("write", log, error);
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create(log).map_err(failed)?;
    let whole = Instant::now();
    let mut outcomes = Outcomes::new();
    let mut guest = None;
    let mut waiting: VecDeque<&[String]> = tests.chunks(batch).collect();
    while let Some(tests) = waiting.pop_front() {
        let mut running = match guest.take() {
            Some(running) => running,
            None => start()?,
        };
        let begin = Instant::now();
        let (ended, output) = match some(&mut running, tests) {
            Ok(ended) => {
                guest = Some(running);
                ended
            }
            Err(error) if error.kind() != Kind::Guest => return Err(error),
            Err(error) if tests.len() == 1 => (vec![Outcome::Died], error.to_string()),
            Err(error) => {
                for test in tests.chunks(1).rev() {
                    waiting.push_front(test);
                }
                (Vec::new(), error.to_string())
            }
        };
        writeln!(file, "=== {}\n{output}", tests.join(" ")).map_err(failed)?;
        // What a suite says of its tests' time is the guest's: wrong on a busy machine.
        let alone = (tests.len() == 1).then(|| begin.elapsed().as_secs_f64());
        for (test, outcome) in tests.iter().zip(ended) {
            outcome::print(&outcome::line(test, &outcome, alone))?;
            outcomes.insert(test.clone(), outcome);
        }
    }
    outcome::print(&format!("in {:.0} s", whole.elapsed().as_secs_f64()))?;
    Ok(outcomes)
}
