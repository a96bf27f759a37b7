// SPDX-License-Identifier: GPL-2.0
//! xfstests, on file systems on disks of null_blk, the kernel's own and ours, and on tarfs.

use std::fs;
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

/// Where the suite is in the guest.
const FOLDER: &str = "/opt/xfstests";
/// Our tests of tarfs in the suite's own form, in the checkout of this project, and what it says of
/// the archive that they are about.
const TARFS_TESTS: &str = "tests/xfstests";
/// How many tests one call of `check` runs: it takes longer to start than a fast test to run.
const BATCH: usize = 10;
/// The time limit of a batch, on a busy machine.
const LIMIT: Duration = Duration::from_secs(3600);

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

    /// The suite's folder of the tests that are for it alone.
    fn folder(self) -> &'static str {
        match self {
            Self::ZonedBtrfs => "btrfs",
            Self::OverlayOnTarfs => "overlay",
            other => other.name(),
        }
    }

    /// The tests that run where none is named.
    fn list(self) -> &'static str {
        match self {
            Self::Tarfs => include_str!("xfstests-tarfs.list"),
            Self::OverlayOnTarfs => include_str!("xfstests-overlay-on-tarfs.list"),
            _ => include_str!("xfstests-fast.list"),
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
    let tests = select(&suite, &own_tests(lab), fs, tests)?;
    let logs = lab.logs().join("xfstests");
    let run = |driver| one_driver(lab, &suite, fs, driver, &tests, &logs);
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
    let own = own_tests(lab).join("tarfs");
    let fsck = mkfs::tool("fsck-tarfs")?;
    // A later part adds to an earlier one.
    let parts = [
        (suite, "opt/xfstests"),
        (&own, "opt/xfstests/tests/tarfs"),
        (&fsck, "usr/sbin/fsck.tarfs"),
    ];
    let parts = parts.map(|(file, path)| Part { file, path });
    let system = System::make(lab, &parts, driver)?;
    let image = match fs.has_tarfs() {
        true => Some(make_image(lab, system.folder())?),
        false => None,
    };
    let start = || start(&system, fs, image.as_deref());
    let (name, driver) = (fs.name(), driver.name());
    outcome::print(&format!("xfstests, {name}, null_blk: {driver}"))?;
    let log = logs.join(format!("{name}-{driver}.log"));
    runner::run(tests, BATCH, &log, start, |guest, tests| {
        run_batch(guest, fs, tests)
    })
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
    // Of one CPU: with two that are emulated a fork takes nearly twice as long.
    let boot = system.boot().memory_mib(8192).command_limit(LIMIT);
    let boot = match image {
        Some(image) => boot.disk(image, Access::ReadOnly),
        None => boot,
    };
    let mut guest = system::enter(boot)?;
    let script = format!("fs={}\n{}", fs.name(), include_str!("xfstests.sh"));
    system::run(&mut guest, FOLDER, &script)?.ok()?;
    Ok(guest)
}

/// Runs tests at once; gives what they came to and all that they printed.
fn run_batch(
    guest: &mut Guest,
    fs: FileSystem,
    tests: &[String],
) -> Result<(Vec<Outcome>, String)> {
    let overlay = if fs == FileSystem::OverlayOnTarfs {
        "-overlay"
    } else {
        ""
    };
    let names = tests.join(" ");
    let command = format!(
        "./check {overlay} {names}
         cd results && for test in {names}; do tail -n 40 $test.dmesg 2>&-; done"
    );
    let output = system::run(guest, FOLDER, &command)?;
    let text = output.text().into_owned();
    let ended = tests.iter().map(|test| read(&text, test)).collect();
    Ok((ended, text))
}

/// What a test came to, by what `check` printed on it and others.
fn read(output: &str, test: &str) -> Outcome {
    let among = |title: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(title));
        line.is_some_and(|names| names.split_whitespace().any(|name| name == test))
    };
    if among("Failures:") || !among("Ran:") {
        return Outcome::Failed;
    }
    if !among("Not run:") {
        return Outcome::Passed;
    }
    let mut lines = output
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(test));
    let reason = lines.find_map(|line| line.split_once("[not run]"));
    Outcome::Skipped(reason.map_or("", |(_, reason)| reason.trim()).to_owned())
}

/// The folder of our own tests: it is laid over the suite's folder `tests`.
fn own_tests(lab: &Lab) -> PathBuf {
    lab.checkout().join(TARFS_TESTS)
}

/// The tests that those names stand for, in order. Groups are those of the tests for all file
/// systems, and for `fs`.
///
/// # Errors
/// `Usage` for a test or a group that the suite has not.
fn select(suite: &Path, own: &Path, fs: FileSystem, names: &[String]) -> Result<Vec<String>> {
    let mut tests = if names.is_empty() {
        listed(fs.list())
    } else {
        Vec::new()
    };
    let folders = [suite.join("tests"), own.to_owned()];
    for name in names {
        let found = if name.contains('/') {
            let there = folders.iter().any(|folder| folder.join(name).is_file());
            there.then(|| name.clone()).into_iter().collect()
        } else {
            group(&folders, &["generic", fs.folder()], name)
        };
        if found.is_empty() {
            let message = format!("xfstests has no test and no group {name} (quick, generic/001)");
            return Err(Error::new(Kind::Usage, message));
        }
        tests.extend(found);
    }
    tests.sort();
    tests.dedup();
    Ok(tests)
}

/// The tests of a group, by the lists that the suite's build leaves: a number and its groups a line.
fn group(folders: &[PathBuf], kinds: &[&str], group: &str) -> Vec<String> {
    let mut tests = Vec::new();
    for kind in kinds {
        for folder in folders {
            // Not every folder has tests of each kind.
            let list = folder.join(kind).join("group.list");
            let list = fs::read_to_string(list).unwrap_or_default();
            for line in list.lines().filter(|line| !line.starts_with('#')) {
                let mut words = line.split_whitespace();
                let number = words.next().unwrap_or_default();
                if words.any(|word| word == group) {
                    tests.push(format!("{kind}/{number}"));
                }
            }
        }
    }
    tests
}

/// The tests in a list of ours, one a line, and after `#` what is to be said of them.
fn listed(text: &str) -> Vec<String> {
    let names = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_from_the_summary() {
        let printed = "\
FSTYP         -- ext4

generic/001 5s ...  4s
generic/0010        11s
generic/002 - output mismatch (see /opt/xfstests/results//generic/002.out.bad)
    --- tests/generic/002.out
generic/003        [not run] no dm
Ran: generic/001 generic/0010 generic/002 generic/003
Not run: generic/003
Failures: generic/002
Failed 1 of 4 tests
";
        let outcome = |test| read(printed, test);
        assert_eq!(outcome("generic/001"), Outcome::Passed);
        assert_eq!(outcome("generic/0010"), Outcome::Passed);
        assert_eq!(outcome("generic/002"), Outcome::Failed);
        assert_eq!(outcome("generic/003"), Outcome::Skipped("no dm".into()));
        assert_eq!(outcome("generic/004"), Outcome::Failed);
        let nothing = "common/rc: error: mount failed\n";
        assert_eq!(read(nothing, "generic/001"), Outcome::Failed);
    }

    #[test]
    fn the_fast_list_has_forty_tests() {
        let fast = listed(FileSystem::Ext4.list());
        assert_eq!(fast.len(), 40);
        assert_eq!(fast.first().map(String::as_str), Some("generic/002"));
    }

    #[test]
    fn groups_and_tests_are_found_and_others_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (suite, own) = (folder.path().join("suite"), folder.path().join("own"));
        for (path, text) in [
            ("suite/tests/generic/001", ""),
            (
                "suite/tests/generic/group.list",
                "# quick\n001 auto quick\n002 auto\n",
            ),
            ("suite/tests/xfs/group.list", "003 quick\n"),
            ("own/tarfs/group.list", "001 quick auto\n"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tests = |fs, name: &str| select(&suite, &own, fs, &[name.to_owned()]);
        use FileSystem::{Ext4, Tarfs, Xfs};
        assert_eq!(tests(Ext4, "quick").unwrap(), ["generic/001"]);
        assert_eq!(tests(Xfs, "quick").unwrap(), ["generic/001", "xfs/003"]);
        assert_eq!(tests(Tarfs, "quick").unwrap(), ["generic/001", "tarfs/001"]);
        assert_eq!(tests(Ext4, "generic/001").unwrap(), ["generic/001"]);
        for unknown in ["generic/009", "slow"] {
            let error = tests(Ext4, unknown).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(unknown), "{error}");
        }
    }
}
