// SPDX-License-Identifier: GPL-2.0
//! What can go wrong, by kind; each kind is an exit status of the program.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The kind of an [`Error`]; its value is the exit status of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Anything that has no kind of its own, an I/O error for one.
    Other = 1,
    /// The command line, or a value in the environment, asks for something that cannot be.
    Usage = 2,
    /// The machine lacks something: a command, a package, a right.
    Missing = 3,
    /// The package archive could not be reached.
    Network = 4,
    /// The disk is full.
    DiskFull = 5,
    /// A build or a check in the toolbox failed.
    Build = 6,
    /// A guest failed: it did not boot, it hung, or its kernel complained.
    Guest = 7,
    /// The user asked to stop (SIGINT or SIGTERM).
    Interrupted = 130,
}

/// An error: one sentence that says what failed, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Makes an error of `kind`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Makes an error from a failed I/O operation `what` (a verb, "read" for one) on `path`.
    pub fn io(what: &str, path: impl AsRef<Path>, error: io::Error) -> Self {
        let path = path.as_ref().display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::new(
                Kind::DiskFull,
                format!("cannot {what} {path}: the disk is full; free some space and run again"),
            ),
            _ => Self::new(Kind::Other, format!("cannot {what} {path}: {error}")),
        }
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Puts `context` in front of the message, for a caller that knows more.
    pub fn within(self, context: impl fmt::Display) -> Self {
        Self {
            message: format!("{context}: {}", self.message),
            ..self
        }
    }
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        // CAST: the enum is repr(u8), so the cast is its discriminant.
        ExitCode::from(kind as u8)
    }
}
