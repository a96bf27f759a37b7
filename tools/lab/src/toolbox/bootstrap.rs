// SPDX-License-Identifier: GPL-2.0
//! Makes a toolbox with mmdebstrap, which is itself fetched from the archive: it is one script.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::apt::Apt;
use crate::error::{Error, Kind, Result};
use crate::process;
use crate::progress::{Step, Unit};

use super::{namespaces, recipe};

/// Makes one in `folder`/root.
///
/// # Errors
/// By kind: no network, a full disk, a missing package, or a missing right.
pub fn bootstrap(apt: &Apt, folder: &Path, logs: &Path) -> Result<()> {
    namespaces::require()?;
    let failed = |error| Error::io("create", folder, error);
    let parts = folder.join("parts");
    fs::create_dir_all(&parts).map_err(failed)?;
    let root = folder.join("root");
    fs::create_dir(&root).map_err(failed)?;

    for package in apt.download(&["mmdebstrap".to_owned()], &parts)? {
        unpack(&package, &parts)?;
    }
    let step = Step::start("installing the toolbox");
    let log = logs.join("toolbox.log");
    let doing = "cannot install the toolbox";
    let watch = |line: &str| follow(&step, line);
    if rustix::process::geteuid().is_root() {
        let mut command = namespaces::command();
        mmdebstrap(&mut command, &parts, apt);
        command
            .args(["--mode=root", "--format=directory", "trixie"])
            .arg(&root);
        command.args(apt.sources());
        process::logged(command, doing, &log, Kind::Other, watch)?;
    } else {
        // The subordinate root that mmdebstrap becomes cannot reach into a private home: it
        // writes a tar file, which this user's own root of a namespace unpacks.
        let tar = folder.join("root.tar");
        let mut command = process::command("/bin/sh");
        command
            .args(["-c", "out=$1; shift; exec \"$@\" >\"$out\"", "sh"])
            .arg(&tar);
        mmdebstrap(&mut command, &parts, apt);
        command.args(["--mode=unshare", "--format=tar", "trixie", "-"]);
        command.args(apt.sources());
        process::logged(command, doing, &log, Kind::Other, watch)?;
        let mut command = namespaces::command();
        command
            .args(["tar", "--exclude=./dev/*", "-xpf"])
            .arg(&tar)
            .arg("-C")
            .arg(&root);
        process::logged(command, doing, &log, Kind::Other, |_| {})?;
        fs::remove_file(&tar).map_err(|error| Error::io("remove", &tar, error))?;
    }
    step.finish();
    fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))
}

/// Unpacks the files of a package.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let mut command = process::command("dpkg-deb");
    command.arg("--extract").arg(package).arg(folder);
    process::output(command, Kind::Other).map(|_| ())
}

fn mmdebstrap(command: &mut Command, parts: &Path, apt: &Apt) {
    command.arg("perl").arg(parts.join("usr/bin/mmdebstrap"));
    command.args(["--verbose", "--variant=apt", "--architectures=amd64"]);
    command.arg("--aptopt=Apt::Install-Recommends \"false\"");
    command.args(
        apt.transport()
            .iter()
            .map(|line| format!("--aptopt={line}")),
    );
    command.arg(format!("--include={}", recipe::PACKAGES.join(",")));
}

/// Counts what apt says: the last of its runs installs nearly all.
fn follow(step: &Step, line: &str) {
    if let Some((_, rest)) = line.split_once(" upgraded, ") {
        let count = rest
            .split(' ')
            .next()
            .and_then(|number| number.parse::<u64>().ok());
        // Each is unpacked and set up.
        step.set_total(count.unwrap_or(0).saturating_mul(2), Unit::Items);
        step.set(0);
    } else if line.starts_with("Unpacking ") || line.starts_with("Setting up ") {
        step.advance();
        step.note(line);
    } else if let Some(text) = line.strip_prefix("I: ") {
        step.note(text);
    }
}
