// SPDX-License-Identifier: GPL-2.0

//! Why a run failed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::exit::Status;

/// Why a run failed. The messages name the disk or file first.
#[derive(Debug, Error)]
#[allow(missing_docs)] // The messages say what each field is.
pub enum Error {
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
    #[error(
        "{}: no null block driver; load one (modprobe rnull) with configfs mounted there",
        configfs.display()
    )]
    NoDriver { configfs: PathBuf },
    #[error("{disk}: no such disk; `rnullctl list` shows those there are")]
    NoDisk { disk: String },
    #[error("{disk}: there is a disk of that name already; choose another, or destroy it")]
    Exists { disk: String },
    #[error("{disk:?}: no name for a disk; use 1 to 31 bytes without a slash, not a dot first")]
    Name { disk: String },
    #[error("{disk}: {attribute}: {reason}")]
    Missing {
        disk: String,
        attribute: String,
        reason: &'static str,
    },
    #[error("{disk}: {attribute} cannot be {value:?}: it must be {rule}")]
    Rule {
        disk: String,
        attribute: String,
        value: String,
        rule: String,
    },
    #[error("{disk}: {attribute} cannot be {value:?}: {source}; {advice}")]
    Refused {
        disk: String,
        attribute: String,
        value: String,
        source: io::Error,
        advice: String,
    },
    #[error("{disk}: no zones: {reason}")]
    NoZones { disk: String, reason: String },
}

impl Error {
    /// Makes the error for an I/O operation that was to `action` the file at `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    /// The exit status for this error.
    pub fn status(&self) -> Status {
        match self {
            Self::Io { .. } => Status::Failed,
            Self::NoDriver { .. } | Self::NoDisk { .. } => Status::NotThere,
            Self::Name { .. } => Status::Usage,
            Self::Exists { .. }
            | Self::Missing { .. }
            | Self::Rule { .. }
            | Self::Refused { .. }
            | Self::NoZones { .. } => Status::Refused,
        }
    }
}
