// SPDX-License-Identifier: GPL-2.0
//! The source of a stock kernel, as Debian packs it: a compressed tar in a package.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::process;

/// Unpacks the source, from the contents of its package below `parts`, into the folder `tree`.
/// Files whose paths in the archive match one of `left_out`, as tar has patterns, stay out.
///
/// # Errors
/// `Missing` where the package holds no archive.
pub fn unpack(parts: &Path, tree: &Path, left_out: &[&str], logs: &Path) -> Result<()> {
    let archives = fs::read_dir(parts.join("usr/src"))
        .into_iter()
        .flatten()
        .flatten();
    let is_archive = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "xz");
    let archive = archives
        .map(|entry| entry.path())
        .find(is_archive)
        .ok_or_else(|| {
            let message = "the package linux-source has no .tar.xz; the archive packs it anew";
            Error::new(Kind::Missing, message)
        })?;
    let mut command = process::command("tar");
    command.args([
        "--extract",
        "--xz",
        "--strip-components=1",
        "--no-same-owner",
    ]);
    command.args(
        left_out
            .iter()
            .map(|pattern| format!("--exclude={pattern}")),
    );
    command
        .arg("--directory")
        .arg(tree)
        .arg("--file")
        .arg(archive);
    let log = logs.join("source.log");
    let doing = "cannot unpack the source";
    process::logged(command, doing, &log, Kind::Other, |_| {})
}
