// SPDX-License-Identifier: GPL-2.0
//! Mount and process namespaces for one command: what is mounted in them is never seen outside
//! and ends with them, however they end.

use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::process;

/// The start of a command that runs in namespaces of its own, as root or as an ordinary user who
/// is root in a user namespace; the caller adds the program.
pub fn command() -> Command {
    let mut command = process::command("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-auto", "--map-root-user"]);
    }
    command.args([
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--mount-proc",
    ]);
    command.args(["--kill-child", "--"]);
    command
}

/// Checks that namespaces can be made.
///
/// # Errors
/// `Missing`, with what an administrator would have to do.
pub fn require() -> Result<()> {
    let mut command = command();
    command.arg("true");
    process::output(command, Kind::Missing)
        .map(|_| ())
        .map_err(|error| {
            if error.kind() != Kind::Missing {
                return error;
            }
            let message = if rustix::process::geteuid().is_root() {
                format!(
                    "root may not make namespaces here ({error}); in a container, start it with \
                     the right to mount (privileged)"
                )
            } else {
                format!(
                    "this user may not make namespaces ({error}); have root run \
                     `apt-get install uidmap` and give the user a line in /etc/subuid and \
                     /etc/subgid, or run this as root"
                )
            };
            Error::new(Kind::Missing, message)
        })
}
