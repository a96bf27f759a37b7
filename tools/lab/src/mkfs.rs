// SPDX-License-Identifier: GPL-2.0
//! Our own `mkfs.tarfs` and its sisters, as cargo builds them beside this program.

use std::env;
use std::path::PathBuf;
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
    tool(NAME).map(process::command)
}

/// The file of one of the tools, by cargo's name for it (`fsck-tarfs`).
///
/// # Errors
/// `Missing` where it is not built.
pub fn tool(name: &str) -> Result<PathBuf> {
    let this = env::current_exe().map_err(|error| Error::io("find", "this program", error))?;
    let program = this.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    let message = format!("{} is not built; run `make tools`", program.display());
    Err(Error::new(Kind::Missing, message))
}
