// SPDX-License-Identifier: GPL-2.0
//! What a suite's tests came to, and the same with two drivers side by side.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Kind, Result};

/// What one test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It did not run, for that reason.
    Skipped(String),
    /// It failed.
    Failed,
    /// The guest ended or hung in it, or its kernel complained.
    Died,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Skipped(_) => "not run",
            Self::Failed => "FAILED",
            Self::Died => "DIED",
        })
    }
}

/// The outcomes by the tests' names.
pub type Outcomes = BTreeMap<String, Outcome>;

/// A line on one test, with its seconds where they are known.
pub fn line(test: &str, outcome: &Outcome, seconds: Option<f64>) -> String {
    let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.0} s"));
    let reason = match outcome {
        Outcome::Skipped(reason) => reason.as_str(),
        _ => "",
    };
    format!("{test:<16} {outcome:<8} {seconds:>7}  {reason}")
        .trim_end()
        .to_owned()
}

/// Prints text for a person.
pub fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::io("write to", "the standard output", error)),
    }
}

/// Says what came out with one driver, and fails where a test failed.
///
/// # Errors
/// `Guest` with the names of the tests that failed; `log` is where their output is.
pub fn judge(outcomes: &Outcomes, log: &Path) -> Result<()> {
    print(&summary("all", outcomes))?;
    let bad = names(outcomes, |outcome| {
        matches!(outcome, Outcome::Failed | Outcome::Died)
    });
    refuse("failed", &bad, log)
}

/// Shows both drivers' outcomes side by side, and fails where ours is behind.
///
/// # Errors
/// `Guest` with the names of the tests that pass with C and not with ours.
pub fn compare(c: &Outcomes, ours: &Outcomes, log: &Path) -> Result<()> {
    print(&format!("{:<16} {:<8} {:<8}", "", "C", "ours"))?;
    for (test, outcome) in c {
        let other = ours.get(test).unwrap_or(&Outcome::Died);
        let note = match (outcome, other) {
            (Outcome::Passed, Outcome::Passed) => "",
            (Outcome::Passed, _) => "  <- behind C",
            (_, Outcome::Passed) => "  <- ahead of C",
            _ => "",
        };
        print(&format!("{test:<16} {outcome:<8} {other:<8}{note}"))?;
    }
    print(&summary("C", c))?;
    print(&summary("ours", ours))?;
    let behind = names(c, |outcome| *outcome == Outcome::Passed);
    let behind: Vec<_> = behind
        .into_iter()
        .filter(|test| ours.get(*test) != Some(&Outcome::Passed))
        .collect();
    refuse("passed with C and not with ours", &behind, log)
}

fn names(outcomes: &Outcomes, wanted: impl Fn(&Outcome) -> bool) -> Vec<&str> {
    let found = outcomes.iter().filter(|(_, outcome)| wanted(outcome));
    found.map(|(test, _)| test.as_str()).collect()
}

fn refuse(what: &str, tests: &[&str], log: &Path) -> Result<()> {
    if tests.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} tests {what}: {}; their output: {}",
        tests.len(),
        tests.join(" "),
        log.display()
    );
    Err(Error::new(Kind::Guest, message))
}

fn summary(who: &str, outcomes: &Outcomes) -> String {
    let count = |wanted: fn(&Outcome) -> bool| names(outcomes, wanted).len();
    format!(
        "{who}: {} tests, {} passed, {} failed, {} died, {} not run",
        outcomes.len(),
        count(|outcome| *outcome == Outcome::Passed),
        count(|outcome| *outcome == Outcome::Failed),
        count(|outcome| *outcome == Outcome::Died),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(all: &[Outcome]) -> Outcomes {
        let numbered = all.iter().enumerate();
        numbered
            .map(|(number, outcome)| (format!("block/{number:03}"), outcome.clone()))
            .collect()
    }

    #[test]
    fn only_what_passes_with_c_must_pass() {
        let skipped = Outcome::Skipped("no".into());
        let c = outcomes(&[Outcome::Passed, Outcome::Failed, skipped.clone()]);
        let log = Path::new("log");
        assert!(compare(&c, &c, log).is_ok());
        let ahead = outcomes(&[Outcome::Passed, Outcome::Passed, Outcome::Passed]);
        assert!(compare(&c, &ahead, log).is_ok());
        for worse in [Outcome::Failed, Outcome::Died, skipped] {
            let behind = outcomes(&[worse, Outcome::Passed, Outcome::Passed]);
            let error = compare(&c, &behind, log).unwrap_err();
            assert_eq!(error.kind(), Kind::Guest);
            assert!(error.to_string().contains(": block/000; "), "{error}");
        }
        assert!(compare(&c, &Outcomes::new(), log).is_err());
    }

    #[test]
    fn one_driver_alone_must_not_fail() {
        let log = Path::new("log");
        assert!(judge(
            &outcomes(&[Outcome::Passed, Outcome::Skipped("no".into())]),
            log
        )
        .is_ok());
        for bad in [Outcome::Failed, Outcome::Died] {
            assert!(judge(&outcomes(&[Outcome::Passed, bad]), log).is_err());
        }
    }
}
