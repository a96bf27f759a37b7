// SPDX-License-Identifier: GPL-2.0

//! The rules that an archive can break.

use thiserror::Error;

use super::Difference;
use crate::exit::Status;

/// The rule that an archive breaks, with the values that break it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs)] // The messages say what each field is.
pub enum Rule {
    #[error("header checksum is {computed}, recorded {stored:?}: the archive is damaged")]
    Checksum { stored: String, computed: u32 },
    #[error("{field} is {value:?}, which is no number of this field")]
    Number { field: &'static str, value: String },
    #[error("its {size} bytes from byte {start} on go beyond the file's {length}: truncated")]
    Truncated { start: u64, size: u64, length: u64 },
    #[error("the file ends within a header: truncated")]
    HeaderTruncated,
    #[error("an extended header is followed by no entry: truncated")]
    NothingExtended,
    #[error("a single zero block between headers: the archive is damaged")]
    LoneZeroBlock,
    #[error("pax record at byte {at} of the extended header is malformed")]
    PaxRecord { at: usize },

    #[error("{keyword} has a value that is not in base 64")]
    Base64 { keyword: String },
    #[error("{text:?} is no access control list, or no entry of one")]
    Acl { text: String },

    #[error("map of the sparse file: {reason}")]
    SparseMap { reason: &'static str },
    #[error(
        "the sparse file's part at byte {offset} starts before the one before it ends, at {end}"
    )]
    SparseOrder { offset: u64, end: u64 },
    #[error("the sparse file's part of {length} bytes at byte {offset} ends beyond 2^64")]
    SparseBeyond { offset: u64, length: u64 },
    #[error("the sparse file's last part ends at byte {end}, beyond its {size} bytes")]
    SparseSize { end: u64, size: u64 },
    #[error("the sparse file's parts have {parts} bytes, its data {stored}")]
    SparseData { parts: u64, stored: u64 },

    #[error("extended header of {size} bytes, supported are up to {max}")]
    ExtensionTooLong { size: u64, max: u64 },
    #[error("records of extended headers that take more than {max} bytes")]
    TooManyRecords { max: usize },
    #[error("the name is empty")]
    NameEmpty,
    #[error("the name has a NUL byte")]
    NameNul,
    #[error("the name is absolute; archive it relative to its root")]
    NameAbsolute,
    #[error("the name has a `..` component")]
    NameParent,
    #[error("the name has a component of {length} bytes, supported are up to 255")]
    NameComponentTooLong { length: usize },
    #[error("the name has {length} bytes, supported are up to 4095")]
    NameTooLong { length: usize },
    #[error("the target of the symbolic link is empty")]
    TargetEmpty,
    #[error("the target of the symbolic link has a NUL byte")]
    TargetNul,
    #[error("the target of the symbolic link has {length} bytes, supported are up to 4095")]
    TargetTooLong { length: usize },
    #[error("hard link to {target:?}: {reason}")]
    HardLink { target: String, reason: String },
    #[error("{parent:?} is not a directory")]
    ParentNotDirectory { parent: String },
    #[error("replaces a directory that is not empty")]
    ReplacesDirectory,
    #[error("replaces the root directory by something else")]
    ReplacesRoot,
    #[error("a sparse file as star writes it in pax archives, which is not supported")]
    StarSparse,
    #[error("a sparse file of version {major}.{minor}, supported are 0.0, 0.1 and 1.0")]
    SparseVersion { major: u64, minor: u64 },
    #[error(
        "a part of the sparse file ends within a sector, and is not the last: where the next \
             one starts, programs do not agree about"
    )]
    SparseAlignment,
    #[error("a sparse file of a type that has no data")]
    SparseType,
    #[error("sparse files with more than {max} parts")]
    TooManyExtents { max: u64 },
    #[error("continues a file of another volume")]
    MultiVolume,
    #[error("type {value:?} is not known")]
    UnknownType { value: char },
    #[error("device number {major}:{minor}, supported are up to 4095:1048575")]
    Device { major: u64, minor: u64 },
    #[error("names of extended attributes of {bytes} bytes, supported are up to 4096")]
    XattrNames { bytes: usize },
    #[error(
        "the files up to this one take more than {max} bytes of memory, far more than usual for as \
         many; --more-memory allows it"
    )]
    TooMuchMemory { max: u64 },
    #[error("a whiteout of nothing")]
    Whiteout,
    #[error("{difference}; without --strict this is reported only")]
    Difference { difference: Difference },
    #[error("more than 2^32 - 2 files")]
    TooManyFiles,
}

impl Rule {
    /// Whether the archive itself is damaged, or sound and beyond what an image can hold.
    pub fn status(&self) -> Status {
        match self {
            Self::Checksum { .. }
            | Self::Number { .. }
            | Self::Truncated { .. }
            | Self::HeaderTruncated
            | Self::NothingExtended
            | Self::LoneZeroBlock
            | Self::PaxRecord { .. }
            | Self::Base64 { .. }
            | Self::Acl { .. }
            | Self::SparseMap { .. }
            | Self::SparseOrder { .. }
            | Self::SparseBeyond { .. }
            | Self::SparseSize { .. }
            | Self::SparseData { .. } => Status::Damaged,
            _ => Status::Refused,
        }
    }
}
