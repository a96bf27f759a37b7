// SPDX-License-Identifier: GPL-2.0

//! Exit statuses, which the tools share. They follow `fsck`.

use std::process::{ExitCode, Termination};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what was asked; with `--check`, the index is there and good.
    Good = 0,
    /// `--check`: the file has no index.
    NotIndexed = 1,
    /// The archive is sound, but has something that an image cannot hold.
    Refused = 2,
    /// The archive or the index is damaged, or the file is no tar archive.
    Damaged = 4,
    /// The system failed: no space, no permission, an I/O error, a file in use.
    Failed = 8,
    /// The command line is wrong.
    Usage = 16,
    /// A signal ended the run.
    Interrupted = 32,
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        // CAST: the values are above.
        ExitCode::from(self as u8)
    }
}
