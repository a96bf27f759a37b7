// SPDX-License-Identifier: GPL-2.0

//! Why a run failed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::digest::Digest;
use crate::exit::Status;
use crate::message;
use crate::tar::Rule;

/// Why a run failed. The messages name the file first.
#[derive(Debug, Error)]
#[allow(missing_docs)] // The messages say what each field is.
pub enum Error {
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
    #[error("{}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: &'static str },
    #[error("{}: has no index; make one with mkfs.tarfs", path.display())]
    NotIndexed { path: PathBuf },
    #[error("{}: no file {name} in the image", path.display())]
    NotFound { path: PathBuf, name: String },
    #[error("{}: {name} is no regular file", path.display())]
    NotRegular { path: PathBuf, name: String },
    #[error("{}: {reason}", path.display())]
    DamagedData { path: PathBuf, reason: &'static str },
    #[error("{}: not a tar archive: {reason}", path.display())]
    NotTar { path: PathBuf, reason: &'static str },
    #[error("{}: byte {offset}{}: {rule}", path.display(), entry(name))]
    Archive {
        path: PathBuf,
        offset: u64,
        name: String,
        rule: Rule,
    },
    #[error("{}: {format} data is damaged: {source}", path.display())]
    Compressed {
        path: PathBuf,
        format: &'static str,
        source: io::Error,
    },
    #[error("{}: {reason}", path.display())]
    Layout { path: PathBuf, reason: String },
    #[error("{}: {reason}", path.display())]
    NoImage { path: PathBuf, reason: String },
    #[error(
        "{}: {digest} is of type {media_type:?}, which is not {expected}", path.display()
    )]
    Media {
        path: PathBuf,
        digest: Digest,
        media_type: String,
        expected: &'static str,
    },
    #[error("{}: the digest of {what} is {found}, and should be {expected}", path.display())]
    Digest {
        path: PathBuf,
        what: &'static str,
        found: Digest,
        expected: Digest,
    },
    #[error("{}: index: {error}", path.display())]
    Index { path: PathBuf, error: layout::Error },
    #[error("{}: index: {reason}", path.display())]
    DamagedIndex { path: PathBuf, reason: String },
    #[error("{}: changed while it was read; it is left as it is", path.display())]
    Changed { path: PathBuf },
    #[error("{}: in use by another run; wait for its end", path.display())]
    Locked { path: PathBuf },
    #[error("{}: {}", path.display(), no_space(*needed))]
    NoSpace { path: PathBuf, needed: u64 },
    #[error("{}: the index has no room for this archive: {error}", path.display())]
    TooLarge { path: PathBuf, error: layout::Error },
    #[error("{}: {seeds} hash seeds leave too many names with equal hashes", path.display())]
    Collisions { path: PathBuf, seeds: u32 },
    #[error("{}: interrupted; the archive is as it was", path.display())]
    Interrupted { path: PathBuf },
}

fn entry(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(": entry {name:?}"),
    }
}

fn no_space(needed: u64) -> String {
    format!("no space for {needed} bytes more; make room, the archive is as it was")
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

    /// Makes the error for an entry called `name` whose first header is at byte `offset`.
    pub fn archive(path: &Path, offset: u64, name: &[u8], rule: Rule) -> Self {
        Self::Archive {
            path: path.into(),
            offset,
            name: message::text(name),
            rule,
        }
    }

    /// The exit status for this error.
    pub fn status(&self) -> Status {
        match self {
            Self::Io { .. } | Self::NoSpace { .. } | Self::Changed { .. } | Self::Locked { .. } => {
                Status::Failed
            }
            Self::Archive { rule, .. } => rule.status(),
            Self::Index { error, .. } if error.is_unsupported() => Status::Refused,
            Self::NotFound { .. } | Self::NotRegular { .. } => Status::Failed,
            Self::DamagedData { .. } => Status::Damaged,
            Self::NotTar { .. }
            | Self::Compressed { .. }
            | Self::Layout { .. }
            | Self::Digest { .. }
            | Self::Index { .. }
            | Self::DamagedIndex { .. } => Status::Damaged,
            Self::TooLarge { .. } | Self::Collisions { .. } | Self::Media { .. } => Status::Refused,
            Self::Unusable { .. } | Self::NoImage { .. } => Status::Usage,
            Self::NotIndexed { .. } => Status::NotIndexed,
            Self::Interrupted { .. } => Status::Interrupted,
        }
    }
}
