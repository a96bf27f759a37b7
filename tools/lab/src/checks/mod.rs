// SPDX-License-Identifier: GPL-2.0
//! Checks of the sources that need the toolbox: the form of all Rust files, and for the kernel's
//! side clippy with the kernel's lints, and rustdoc. For the userspace side `make` runs cargo.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::{process, sources, Lab};

/// Checks that all Rust files have rustfmt's form, that of the toolbox's version.
///
/// # Errors
/// `Build`, after the differences were printed.
pub fn format(lab: &Lab) -> Result<()> {
    let (toolbox, checkout) = (lab.toolbox()?, lab.checkout());
    let step = Step::start("checking the form of the sources");
    let mut files = sources::find(checkout, sources::RUST)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let mut command = toolbox.command(&[(checkout, checkout)], checkout);
    command
        .args(["rustfmt", "--check", "--config-path", ".rustfmt.toml"])
        .args(files);
    run(
        lab,
        command,
        "the form differs from rustfmt's (`cargo fmt`)",
        "format.log",
    )?;
    step.finish();
    Ok(())
}

/// Compiles the kernel side with clippy and documents it, with no warnings allowed. That happens
/// in a copy of the sources, so that what `make modules` built stays.
///
/// # Errors
/// `Build`, after the warnings were printed.
pub fn kernel_side(lab: &Lab) -> Result<()> {
    let (sdk, toolbox) = (lab.sdk()?, lab.toolbox()?);
    let step = Step::start("linting and documenting the kernel's side");
    let failed = |error| Error::io("create a folder in", lab.cache(), error);
    let scratch = tempfile::tempdir_in(lab.cache()).map_err(failed)?;
    let copy = scratch.path().join("sources");
    copy_sources(lab.checkout(), &copy)?;
    let script = scratch.path().join("lint_and_document");
    let failed = |error| Error::io("write", &script, error);
    fs::write(&script, include_str!("lint_and_document.sh")).map_err(failed)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(failed)?;

    // Messages name the files of the checkout.
    let place = toolbox.place(&copy, lab.checkout());
    let folders = [(copy.as_path(), place), (scratch.path(), scratch.path())];
    let mut command = sdk.make(toolbox, &folders)?;
    command.args(["--keep-going", "KRUSTFLAGS=-Dwarnings", "modules"]);
    command.arg(format!("M={}", place.display()));
    command.arg(format!("RUSTC_OR_CLIPPY={}", script.display()));
    command.arg(format!(
        "DOCUMENTATION={}",
        scratch.path().join("doc").display()
    ));
    run(lab, command, "the kernel's side has warnings", "checks.log")?;
    step.finish();
    Ok(())
}

fn run(lab: &Lab, command: Command, finding: &str, log: &str) -> Result<()> {
    let log = lab.logs().join(log);
    process::logged(command, finding, &log, Kind::Build, |_| {}).map_err(|error| {
        if error.kind() != Kind::Build {
            return error;
        }
        eprint!("{}", fs::read_to_string(&log).unwrap_or_default());
        Error::new(
            Kind::Build,
            format!("{finding}; see above, or {}", log.display()),
        )
    })
}

/// Copies the sources of the kernel's side.
fn copy_sources(checkout: &Path, copy: &Path) -> Result<()> {
    for file in sources::find(checkout, sources::KERNEL_SIDE)? {
        let failed = |error| Error::io("copy", &file, error);
        let to = copy.join(file.strip_prefix(checkout).unwrap_or(&file));
        fs::create_dir_all(to.parent().unwrap_or(copy)).map_err(failed)?;
        fs::copy(&file, &to).map_err(failed)?;
    }
    Ok(())
}
