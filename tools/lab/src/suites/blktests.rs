// SPDX-License-Identifier: GPL-2.0
//! blktests, with the kernel's own `null_blk` and with ours of that name.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::guest::Guest;
use crate::Lab;

use super::checkout::Suite;
use super::outcome::{self, Outcome, Outcomes};
use super::runner::{self, Driver};
use super::system::{self, Part, System};

const BLKTESTS: Suite = Suite {
    name: "blktests",
    variable: "BLKTESTS",
    marks: &["check", "common/null_blk", "tests/block", "tests/zbd"],
    build: "make CC=x86_64-linux-gnu-gcc-14",
    built: &["check", "src/discontiguous-io", "src/zbdioctl"],
};

/// The groups that are about null block devices.
const GROUPS: &[&str] = &["block", "zbd"];
/// Where the suite is in the guest.
const FOLDER: &str = "/opt/blktests";
/// Tests that would run for as long as one likes run for so many seconds.
const CONFIGURATION: &[u8] = b"TIMEOUT=10\n";
/// The time limit of one test, on a busy machine.
const LIMIT: Duration = Duration::from_secs(1200);

/// Runs the tests with `driver`, or with both, one after the other, and compares.
///
/// `tests` are groups (`zbd`) or tests (`block/014`); none stands for the groups that are about
/// null block devices.
///
/// # Errors
/// `Usage` for what is no checkout and for unknown tests; `Guest` where a test failed (one driver),
/// or passed with C and not with ours (both).
pub fn run(
    lab: &Lab,
    checkout: Option<&Path>,
    driver: Option<Driver>,
    tests: &[String],
) -> Result<()> {
    let suite = BLKTESTS.provide(lab, checkout)?;
    let tests = select(&suite, tests)?;
    let logs = lab.logs().join("blktests");
    let run = |driver| one_driver(lab, &suite, driver, &tests, &logs);
    match driver {
        Some(driver) => outcome::judge(&run(driver)?, &logs),
        None => outcome::compare(&run(Driver::C)?, &run(Driver::Rnull)?, &logs),
    }
}

fn one_driver(
    lab: &Lab,
    suite: &Path,
    driver: Driver,
    tests: &[String],
    logs: &Path,
) -> Result<Outcomes> {
    let part = Part {
        file: suite,
        path: FOLDER.trim_start_matches('/'),
    };
    let system = System::make(lab, &[part], driver)?;
    let name = driver.name();
    outcome::print(&format!("blktests, null_blk: {name}"))?;
    let log = logs.join(format!("{name}.log"));
    runner::run(tests, 1, &log, || start(&system), run_alone)
}

fn start(system: &System<'_>) -> Result<Guest> {
    // Some tests write 4 to submit_queues, which is refused beyond the number of CPUs.
    let boot = system.boot().cpus(4).memory_mib(4096).command_limit(LIMIT);
    let mut guest = system::enter(boot)?;
    guest.put(&format!("/system{FOLDER}/config"), CONFIGURATION)?;
    Ok(guest)
}

/// Runs tests, each by itself; gives what they came to and all that they printed.
fn run_alone(guest: &mut Guest, tests: &[String]) -> Result<(Vec<Outcome>, String)> {
    let (mut ended, mut printed) = (Vec::new(), String::new());
    for test in tests {
        let command = format!("test={test}\n{}", include_str!("blktests.sh"));
        let output = system::run(guest, FOLDER, &command)?;
        let text = output.text();
        ended.push(read(&text));
        printed.push_str(&text);
    }
    Ok((ended, printed))
}

/// The outcome in what `check` printed on one test, which it may run several times: for plain and
/// for zoned disks, for one.
fn read(output: &str) -> Outcome {
    let mut passed = false;
    let mut reasons = Vec::new();
    let mut skipped = false;
    if output.trim().is_empty() {
        return Outcome::Skipped("it is for another kind of disk".to_owned());
    }
    for line in output.lines() {
        if line.ends_with("[failed]") {
            return Outcome::Failed;
        }
        passed |= line.ends_with("[passed]");
        match line.strip_prefix("    ") {
            Some(reason) if skipped => reasons.push(reason),
            _ => skipped = line.ends_with("[not run]"),
        }
    }
    match (passed, reasons.is_empty()) {
        (true, _) => Outcome::Passed,
        (false, false) => Outcome::Skipped(reasons.join("; ")),
        // It ended without a word on the outcome.
        (false, true) => Outcome::Failed,
    }
}

/// The tests that those names stand for, in order.
fn select(suite: &Path, names: &[String]) -> Result<Vec<String>> {
    let defaults: Vec<_> = GROUPS.iter().map(|&group| group.to_owned()).collect();
    let names = if names.is_empty() { &defaults } else { names };
    let mut tests = Vec::new();
    for name in names {
        let path = suite.join("tests").join(name);
        if path.is_file() {
            tests.push(name.clone());
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|_| {
            let message = format!("blktests has no test and no group {name} (block, block/014)");
            Error::new(Kind::Usage, message)
        })?;
        let files = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let numbers = files.filter(|file| file.len() == 3 && file.parse::<u32>().is_ok());
        tests.extend(numbers.map(|number| format!("{name}/{number}")));
    }
    tests.sort();
    tests.dedup();
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_from_the_last_words() {
        let running = "block/001 (stress device hotplugging)\n    runtime  1s  ...\n";
        let ended =
            |word: &str| format!("{running}block/001 (stress)      [{word}]\n    runtime  2s\n");
        assert_eq!(read(&ended("passed")), Outcome::Passed);
        assert_eq!(read(&ended("failed")), Outcome::Failed);
        let skipped = "block/014 (run null-blk)   [not run]\n    no parameter\n    no right\n";
        assert_eq!(
            read(skipped),
            Outcome::Skipped("no parameter; no right".into())
        );
        // Of several runs one that failed counts most, one that was left out least.
        assert_eq!(read(&(ended("passed") + skipped)), Outcome::Passed);
        assert_eq!(read(&(ended("failed") + &ended("passed"))), Outcome::Failed);
        assert_eq!(read("check: no such test\n"), Outcome::Failed);
    }

    #[test]
    fn a_group_is_its_tests() {
        let folder = tempfile::tempdir().unwrap();
        let group = folder.path().join("tests/block");
        fs::create_dir_all(&group).unwrap();
        for file in ["002", "001", "001.out", "rc"] {
            fs::write(group.join(file), "").unwrap();
        }
        let tests = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            select(folder.path(), &names)
        };
        assert_eq!(tests(&["block"]).unwrap(), ["block/001", "block/002"]);
        assert_eq!(
            tests(&["block/002", "block"]).unwrap(),
            ["block/001", "block/002"]
        );
        assert_eq!(tests(&["block/003"]).unwrap_err().kind(), Kind::Usage);
    }
}
