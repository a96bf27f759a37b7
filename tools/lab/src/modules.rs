// SPDX-License-Identifier: GPL-2.0
//! Builds the modules of the checkout.

use std::fs;

use crate::cache;
use crate::error::{Error, Kind, Result};
use crate::process;
use crate::progress::Step;
use crate::Lab;

/// What a build prints that a person must see although it succeeded.
const WARNING: &str = "warning:";

/// Builds them, for the kernel of the SDK, where they stand in the checkout.
///
/// # Errors
/// `Build`, with all that the compiler said.
pub fn build(lab: &Lab) -> Result<()> {
    let (sdk, toolbox) = (lab.sdk()?, lab.toolbox()?);
    let _lock = cache::lock(&lab.cache().join("modules.lock"))?;
    let step = Step::start(format!("building the modules for {}", sdk.release()?));
    let mut command = sdk.make(toolbox, &[lab.checkout()])?;
    command
        .arg(format!("M={}", lab.checkout().display()))
        .arg("modules");
    let log = lab.logs().join("modules.log");
    let built = process::logged(
        command,
        "cannot build the modules",
        &log,
        Kind::Build,
        |line| {
            step.note(line.trim());
        },
    );
    let output = fs::read_to_string(&log).map_err(|error| Error::io("read", &log, error))?;
    if built.is_err() || output.contains(WARNING) {
        eprint!("{output}");
    }
    built?;
    step.finish();
    Ok(())
}
