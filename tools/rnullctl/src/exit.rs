// SPDX-License-Identifier: GPL-2.0

//! Exit statuses.

use std::process::{ExitCode, Termination};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what was asked.
    Good = 0,
    /// A value breaks a rule, the driver refused it, or it has no such attribute.
    Refused = 2,
    /// There is no such disk, or no driver.
    NotThere = 4,
    /// The system failed: no permission, no memory, an I/O error.
    Failed = 8,
    /// The command line is wrong.
    Usage = 16,
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        // CAST: the values are above.
        ExitCode::from(self as u8)
    }
}
