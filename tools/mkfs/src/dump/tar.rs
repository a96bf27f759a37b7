// SPDX-License-Identifier: GPL-2.0

//! The archive as it was before it got an index.

use std::io::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Image;
use crate::progress::Progress;
use crate::Error;

/// Bytes copied at once.
const STEP: usize = 1 << 20;

/// What was written.
pub struct Written {
    /// Length of the archive in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
    /// Whether that is the recorded one.
    pub is_verified: bool,
}

/// Writes the archive of an image to `out`, which is called `name` in errors.
///
/// # Errors
///
/// [`Error::Unusable`] where the index has several archives; [`Error::DamagedData`] where the
/// archive's SHA-256 is not the recorded one, after all was written; [`Error::Io`].
pub fn write(
    image: &Image,
    out: &mut dyn Write,
    name: &Path,
    progress: &mut Progress,
) -> Result<Written, Error> {
    let path = image.index.path();
    let archive = image.archives()?.only().ok_or_else(|| Error::Unusable {
        path: path.into(),
        reason: "is the index of several archives, which are what they were",
    })?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; STEP];
    let mut done: u64 = 0;
    while done < archive.length {
        let left = archive.length.saturating_sub(done);
        let step = usize::try_from(left).unwrap_or(STEP).min(STEP);
        let bytes = buffer.get_mut(..step).unwrap_or_default();
        archive.source.read_exact_at(bytes, done)?;
        digest.update(&*bytes);
        out.write_all(bytes).map_err(Error::io("write", name))?;
        // CAST: at most STEP.
        done = done.saturating_add(step as u64);
        progress.report("copied", done, archive.length);
    }
    out.flush().map_err(Error::io("write", name))?;
    let sha256 = digest.finalize().into();
    if archive.sha256.is_some_and(|recorded| recorded != sha256) {
        return Err(Error::DamagedData {
            path: archive.source.path().into(),
            reason: "its SHA-256 is not the recorded one; restore it from a copy",
        });
    }
    Ok(Written {
        length: done,
        sha256,
        is_verified: archive.sha256.is_some(),
    })
}
