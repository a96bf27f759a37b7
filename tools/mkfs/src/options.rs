// SPDX-License-Identifier: GPL-2.0

//! What a person may choose about an image.

use std::str::FromStr;

use uuid::Uuid;

use crate::align::Alignment;

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
    /// What the files' data is to be aligned to in a new image's archive.
    pub alignment: Option<Alignment>,
    /// Whether the archive's data gets checksums, for which all of it is read.
    pub data_sums: bool,
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
    /// What becomes of whiteouts.
    pub whiteouts: Whiteouts,
    /// Whether what other programs read differently is refused.
    pub strict: bool,
    /// Memory that the archive's files may take, in bytes, in addition to what as many files usually
    /// do.
    pub more_memory: u64,
}

/// What becomes of the whiteouts of a container image's layer, files with names such as `.wh.name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Whiteouts {
    /// They are files like any other
    #[default]
    Keep,
    /// They become overlayfs's: the image can be a layer of a mount
    Overlay,
    /// They hide what the archives before this one have, and are gone: nothing, of a single archive
    Apply,
}

/// Compatible features by which an image says how its archive was read.
const FEATURE_IGNORE_ZEROS: u32 = 0x2;
const FEATURE_TAR_XATTRS: u32 = 0x4;
const FEATURE_WHITEOUTS_OVERLAY: u32 = 0x8;
const FEATURE_WHITEOUTS_APPLY: u32 = 0x10;

impl ReadOptions {
    /// The compatible features of an image whose archive was read so.
    pub fn features(self) -> u32 {
        let feature = |is_set, feature| if is_set { feature } else { 0 };
        feature(self.ignore_zeros, FEATURE_IGNORE_ZEROS)
            | feature(self.tar_xattrs, FEATURE_TAR_XATTRS)
            | match self.whiteouts {
                Whiteouts::Keep => 0,
                Whiteouts::Overlay => FEATURE_WHITEOUTS_OVERLAY,
                Whiteouts::Apply => FEATURE_WHITEOUTS_APPLY,
            }
    }

    /// How the archive of an image with these compatible features was read.
    pub fn from_features(features: u32) -> Self {
        Self {
            ignore_zeros: features & FEATURE_IGNORE_ZEROS != 0,
            tar_xattrs: features & FEATURE_TAR_XATTRS != 0,
            whiteouts: if features & FEATURE_WHITEOUTS_OVERLAY != 0 {
                Whiteouts::Overlay
            } else if features & FEATURE_WHITEOUTS_APPLY != 0 {
                Whiteouts::Apply
            } else {
                Whiteouts::Keep
            },
            strict: false,
            more_memory: 0,
        }
    }
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
