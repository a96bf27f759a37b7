// SPDX-License-Identifier: GPL-2.0
//! Runs tests one after the other in a guest, and in a new one after a test that ended it.

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

/// Runs the tests; prints a line on each, and writes all that they print to the file `log`.
///
/// `start` makes a guest; `one` runs one test in it, and gives its outcome and what it printed.
///
/// # Errors
/// Whatever `start` fails with, and `one` but for a guest that ended: that is the test's outcome.
pub fn run(
    tests: &[String],
    log: &Path,
    start: impl Fn() -> Result<Guest>,
    one: impl Fn(&mut Guest, &str) -> Result<(Outcome, String)>,
) -> Result<Outcomes> {
    let failed = |error| Error::io("write", log, error);
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create(log).map_err(failed)?;
    let mut outcomes = Outcomes::new();
    let mut guest = None;
    for test in tests {
        let mut running = match guest.take() {
            Some(running) => running,
            None => start()?,
        };
        let begin = Instant::now();
        let (outcome, output) = match one(&mut running, test) {
            Ok(ended) => {
                guest = Some(running);
                ended
            }
            Err(error) if error.kind() == Kind::Guest => (Outcome::Died, error.to_string()),
            Err(error) => return Err(error),
        };
        writeln!(file, "=== {test}\n{output}").map_err(failed)?;
        let seconds = begin.elapsed().as_secs_f64();
        outcome::print(&outcome::line(test, &outcome, seconds))?;
        outcomes.insert(test.clone(), outcome);
    }
    Ok(outcomes)
}
