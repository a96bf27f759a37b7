// SPDX-License-Identifier: GPL-2.0
//! Makes a toolbox with mmdebstrap, which is itself fetched from the archive: it is one script.

use std::fs;
use std::path::Path;

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
    let mut command = namespaces::command();
    // Its temporary files are to go with the folder, also if it is killed.
    command
        .arg("env")
        .arg(format!("TMPDIR={}", parts.display()));
    command.arg("perl").arg(parts.join("usr/bin/mmdebstrap"));
    command.args(["--verbose", "--variant=apt", "--architectures=amd64"]);
    command.args(["--mode=root", "--format=directory"]);
    // Nothing is lost in a crash: a half-made toolbox is never used.
    command.arg("--dpkgopt=force-unsafe-io");
    command.arg("--aptopt=Apt::Install-Recommends \"false\"");
    command.args(
        apt.transport()
            .iter()
            .map(|line| format!("--aptopt={line}")),
    );
    command.arg(format!("--include={}", recipe::PACKAGES.join(",")));
    command.arg("trixie").arg(&root).args(apt.sources());
    let doing = "cannot install the toolbox";
    let log = logs.join("toolbox.log");
    process::logged(command, doing, &log, Kind::Other, |line| {
        follow(&step, line)
    })?;
    step.finish();
    fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))
}

/// Unpacks the files of a package.
pub fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let mut command = process::command("dpkg-deb");
    command.arg("--extract").arg(package).arg(folder);
    process::output(command, Kind::Other).map(|_| ())
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
