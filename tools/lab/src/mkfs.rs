// SPDX-License-Identifier: GPL-2.0
//! Our own `mkfs.tarfs`, as cargo builds it beside this program.

use std::env;
use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::process;

/// What cargo calls it.
const NAME: &str = "mkfs-tarfs";

/// A command that runs it; the caller adds the arguments.
///
/// # Errors
/// `Missing` where it is not built.
pub fn command() -> Result<Command> {
    let this = env::current_exe().map_err(|error| Error::io("find", "this program", error))?;
    let program = this.with_file_name(NAME);
    if program.is_file() {
        return Ok(process::command(program));
    }
    let message = format!("{} is not built; run `make tools`", program.display());
    Err(Error::new(Kind::Missing, message))
}
