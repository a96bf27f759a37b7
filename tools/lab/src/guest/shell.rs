// SPDX-License-Identifier: GPL-2.0
//! A guest for a person: its shell is on the terminal that this program runs in.

use std::io::stdin;

use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr, OptionalActions, Termios};

use crate::error::{Error, Kind, Result};
use crate::process;

use super::qemu::Port;
use super::{log, Boot};

impl Boot<'_> {
    /// Starts the guest, runs `start` in its shell, and gives the shell to the person until it
    /// ends. There are no time limits.
    ///
    /// # Errors
    /// As [`Boot::boot`]; `Guest` where the kernel reported a bug, a warning or a hang.
    pub fn shell(mut self, start: &str) -> Result<()> {
        self.choose_accelerator()?;
        self.allow_for_debug_kernel()?;
        self.machine.port = Port::Terminal;
        let script = format!("{}{start}\n", window_size());
        let boot = self.bytes("/etc/shell", script.as_bytes());
        let initramfs = boot.initramfs()?;
        let log = boot.scratch_file()?;
        eprintln!("lab: booting the guest");
        let terminal = Terminal::save();
        let status = process::spawn_foreground(boot.qemu(&initramfs, &log)?)?.wait();
        drop(terminal);
        let status = status?;
        let log = log::read(&log);
        match log::first_complaint(&log) {
            Some(line) => {
                let message = format!(
                    "the guest's kernel reported: {line}\n{}",
                    log::tail(&log, 40)
                );
                Err(Error::new(Kind::Guest, message))
            }
            None if status.success() => Ok(()),
            None => {
                let message = format!("the guest ended ({status})\n{}", log::tail(&log, 40));
                Err(Error::new(Kind::Guest, message))
            }
        }
    }
}

/// A line for the guest's shell that tells it the size of the terminal; a virtio console has none.
fn window_size() -> String {
    match tcgetwinsize(stdin()) {
        Ok(size) if size.ws_row > 0 => format!("stty rows {} cols {}\n", size.ws_row, size.ws_col),
        _ => String::new(),
    }
}

/// The modes of the terminal, given back when this is dropped: QEMU changes them, and may be
/// killed before it can restore them.
struct Terminal {
    modes: Option<Termios>,
}

impl Terminal {
    fn save() -> Self {
        Self {
            modes: tcgetattr(stdin()).ok(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(modes) = &self.modes {
            // Nothing can be done where the terminal is gone.
            let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
        }
    }
}
