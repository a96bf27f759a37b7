// SPDX-License-Identifier: GPL-2.0

//! What a person may choose about an image.

use std::str::FromStr;

use uuid::Uuid;

/// Bytes that the superblock has for a label.
const LABEL_MAX: usize = 64;

/// What a person may choose about an image.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// UUID of the image; without one, it is derived from the index.
    pub uuid: Option<Uuid>,
    /// Label, empty by default.
    pub label: Label,
    /// How the archive is read.
    pub read: ReadOptions,
}

/// How an archive is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Whether blocks of zeros are skipped, as `tar --ignore-zeros` does, so that archives that were
    /// concatenated are read to the last.
    pub ignore_zeros: bool,
    /// Whether what an image has no place for becomes extended attributes: names of users and
    /// groups, and the records of extended headers that nothing is known about.
    pub tar_xattrs: bool,
}

/// A label, padded with NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub [u8; LABEL_MAX]);

impl Default for Label {
    fn default() -> Self {
        Self([0; LABEL_MAX])
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut label = Self::default();
        match label.0.get_mut(..text.len()) {
            Some(bytes) if !text.contains('\0') => {
                bytes.copy_from_slice(text.as_bytes());
                Ok(label)
            }
            _ => Err(format!("a label has at most {LABEL_MAX} bytes and no NUL")),
        }
    }
}
