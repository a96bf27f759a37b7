// SPDX-License-Identifier: GPL-2.0
//! xfstests, on file systems on disks of null_blk, the kernel's own and ours, and on tarfs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::guest::{Access, Guest};
use crate::{mkfs, process, Lab};

use super::checkout::Suite;
use super::outcome::{self, Outcome, Outcomes};
use super::runner::{self, Driver};
use super::system::{self, Part, System};

const XFSTESTS: Suite = Suite {
    name: "xfstests",
    variable: "XFSTESTS",
    marks: &["check", "common/rc", "tests/generic"],
    build: "make configure && ./configure CC=x86_64-linux-gnu-gcc-14 && make -j2",
    built: &["check", "ltp/fsstress", "src/lstat64"],
};

/// The tests that run where none is named, one a line.
const FAST: &str = include_str!("xfstests-fast.list");
/// Where the suite is in the guest.
const FOLDER: &str = "/opt/xfstests";
/// Our tests of tarfs in the suite's own form, in the checkout of this project, and what it says of
/// the archive that they are about.
const TARFS_TESTS: &str = "tests/xfstests";
/// The time limit of one test, on a busy machine.
const LIMIT: Duration = Duration::from_secs(1800);

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FileSystem {
    /// ext4 on disks in memory
    Ext4,
    /// xfs on disks in memory
    Xfs,
    /// btrfs on disks in memory
    Btrfs,
    /// btrfs on zoned disks in memory
    ZonedBtrfs,
    /// tarfs, by tests of its own
    Tarfs,
    /// overlayfs with a tarfs below
    OverlayOnTarfs,
}

impl FileSystem {
    fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::ZonedBtrfs => "zoned-btrfs",
            Self::Tarfs => "tarfs",
            Self::OverlayOnTarfs => "overlay-on-tarfs",
        }
    }

    fn has_tarfs(self) -> bool {
        matches!(self, Self::Tarfs | Self::OverlayOnTarfs)
    }
}

/// Runs the tests of one file system with `driver`, or with both, one after the other, and
/// compares. tarfs itself is on no null block device, and runs once.
///
/// `tests` are tests (`generic/001`) or groups (`quick`); none stands for a list of fast ones, or
/// for those of tarfs.
///
/// # Errors
/// `Usage` for what is no checkout and for unknown tests; `Guest` where a test failed (one driver),
/// or passed with C and not with ours (both).
pub fn run(
    lab: &Lab,
    checkout: Option<&Path>,
    fs: FileSystem,
    driver: Option<Driver>,
    tests: &[String],
) -> Result<()> {
    let suite = XFSTESTS.provide(lab, checkout)?;
    let logs = lab.logs().join("xfstests");
    let run = |driver| one_driver(lab, &suite, fs, driver, tests, &logs);
    match (fs, driver) {
        (FileSystem::Tarfs, _) => outcome::judge(&run(Driver::C)?, &logs),
        (_, Some(driver)) => outcome::judge(&run(driver)?, &logs),
        (_, None) => outcome::compare(&run(Driver::C)?, &run(Driver::Rnull)?, &logs),
    }
}

fn one_driver(
    lab: &Lab,
    suite: &Path,
    fs: FileSystem,
    driver: Driver,
    tests: &[String],
    logs: &Path,
) -> Result<Outcomes> {
    let own = lab.checkout().join(TARFS_TESTS).join("tarfs");
    let fsck = mkfs::tool("fsck-tarfs")?;
    // A later part adds to an earlier one.
    let parts = [
        (suite, "opt/xfstests"),
        (&own, "opt/xfstests/tests/tarfs"),
        (&fsck, "usr/local/sbin/fsck.tarfs"),
    ];
    let parts = parts.map(|(file, path)| Part { file, path });
    let system = System::make(lab, &parts, driver)?;
    let image = match fs.has_tarfs() {
        true => Some(make_image(lab, system.folder())?),
        false => None,
    };
    let start = || start(&system, fs, image.as_deref());
    let tests = select(&mut start()?, fs, tests)?;
    let (name, driver) = (fs.name(), driver.name());
    outcome::print(&format!("xfstests, {name}, null_blk: {driver}"))?;
    let log = logs.join(format!("{name}-{driver}.log"));
    runner::run(&tests, &log, start, |guest, test| one_test(guest, fs, test))
}

/// Makes the image that tests of tarfs are about.
fn make_image(lab: &Lab, folder: &Path) -> Result<PathBuf> {
    let (tar, image) = (folder.join("tree.tar"), folder.join("tree.tarfs"));
    let mut command = lab.toolbox()?.python()?;
    command
        .arg(lab.checkout().join(TARFS_TESTS).join("make_tree.py"))
        .arg(&tar);
    process::output(command, Kind::Build)?;
    let mut command = mkfs::command()?;
    command.arg("--output").arg(&image).arg(&tar);
    process::output(command, Kind::Build)?;
    Ok(image)
}

fn start(system: &System<'_>, fs: FileSystem, image: Option<&Path>) -> Result<Guest> {
    let boot = system.boot().cpus(2).memory_mib(8192).command_limit(LIMIT);
    let boot = match image {
        Some(image) => boot.disk(image, Access::ReadOnly),
        None => boot,
    };
    let mut guest = system::enter(boot)?;
    let script = format!("fs={}\n{}", fs.name(), include_str!("xfstests.sh"));
    system::run(&mut guest, FOLDER, &script)?.ok()?;
    Ok(guest)
}

/// Runs a test; gives its outcome and all that it printed.
fn one_test(guest: &mut Guest, fs: FileSystem, test: &str) -> Result<(Outcome, String)> {
    let overlay = if fs == FileSystem::OverlayOnTarfs {
        "-overlay"
    } else {
        ""
    };
    let command = format!("./check {overlay} {test}; tail -n 40 results/{test}.dmesg 2>&-");
    let output = system::run(guest, FOLDER, &command)?;
    let text = output.text().into_owned();
    Ok((read(&text), text))
}

/// The outcome in what `check` printed on one test.
fn read(output: &str) -> Outcome {
    let after = |word: &str| {
        let line = output.lines().find_map(|line| line.split_once(word));
        line.map(|(_, rest)| rest.trim().to_owned())
    };
    let ended = |words: &str| output.lines().any(|line| line.starts_with(words));
    match after("[not run]").or_else(|| after("[expunged]")) {
        Some(reason) if ended("Not run:") => Outcome::Skipped(reason),
        None if ended("Passed all 1 tests") => Outcome::Passed,
        _ => Outcome::Failed,
    }
}

/// The tests that those names stand for; the suite itself knows its groups.
fn select(guest: &mut Guest, fs: FileSystem, names: &[String]) -> Result<Vec<String>> {
    let (tests, groups): (Vec<_>, Vec<_>) =
        names.iter().cloned().partition(|name| name.contains('/'));
    let mut tests: Vec<String> = tests;
    if names.is_empty() && fs == FileSystem::Tarfs {
        tests.extend(listed(
            &system::run(guest, FOLDER, "ls tests/tarfs/???")?
                .ok()?
                .text(),
        ));
    } else if names.is_empty() {
        tests.extend(listed(FAST));
    }
    for group in groups {
        let output = system::run(guest, FOLDER, &format!("./check -n -g {group}"))?;
        let found = listed(&output.text());
        if found.is_empty() {
            let message = format!("xfstests has no group {group}: {}", output.text().trim());
            return Err(Error::new(Kind::Usage, message));
        }
        tests.extend(found);
    }
    tests.sort();
    tests.dedup();
    Ok(tests)
}

/// The tests in a list, one a line, with or without the folder `tests`.
fn listed(text: &str) -> Vec<String> {
    let is_test = |name: &&str| {
        let number = name.split_once('/').map_or("", |(_, number)| number);
        number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let names = words.map(|word| word.trim_start_matches("tests/"));
    names.filter(is_test).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_from_the_summary() {
        let passed = "generic/001 5s ...  4s\nRan: generic/001\nPassed all 1 tests\n";
        assert_eq!(read(passed), Outcome::Passed);
        let skipped = "generic/003 ... [not run] no dm\nRan: generic/003\nNot run: generic/003\n\
                       Passed all 1 tests\n";
        assert_eq!(read(skipped), Outcome::Skipped("no dm".into()));
        let failed = "generic/002 - output mismatch\nFailures: generic/002\nFailed 1 of 1 tests\n";
        assert_eq!(read(failed), Outcome::Failed);
        assert_eq!(read("common/rc: error: mount failed\n"), Outcome::Failed);
    }

    #[test]
    fn the_fast_list_has_forty_tests() {
        let tests = listed(FAST);
        assert_eq!(tests.len(), 40);
        assert_eq!(tests.first().map(String::as_str), Some("generic/002"));
    }

    #[test]
    fn a_list_is_read_from_what_check_prints() {
        let printed = "FSTYP  -- ext4\n\ntests/generic/001 ...\ngeneric/1234\ntests/x/rc\n";
        assert_eq!(listed(printed), ["generic/001", "generic/1234"]);
    }
}
