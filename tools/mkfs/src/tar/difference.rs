// SPDX-License-Identifier: GPL-2.0

//! What GNU tar, libarchive, Go and Python do not read alike.
//!
//! Whoever looked into an archive with one of them has then not seen what is mounted. Each was
//! tried out with GNU tar 1.34 and 1.35, libarchive 3.7 and Python 3.11; what Go does is from its
//! source.

use thiserror::Error;

/// A place in an archive that programs read differently.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs)] // The messages say what each is.
pub enum Difference {
    #[error("a global header has records about files, which libarchive and Go ignore")]
    GlobalRecords,
    #[error("a label or a Solaris header, which Python and Go take for an entry")]
    OwnHeader,
    #[error("a list of a directory's files, which Python and Go take for a file")]
    DirectoryList,
    #[error("two extended headers: GNU tar takes the last, Python the first, libarchive neither")]
    TwoExtendedHeaders,
    #[error(
        "a long name both of GNU tar and of pax: GNU tar takes that of pax, libarchive and Python \
         the first"
    )]
    TwoNames,
    #[error(
        "an empty name in an extended header: Python and GNU tar up to 1.34 take it, others that \
         of the header"
    )]
    EmptyName,
    #[error("the name ends in a slash: a file to Python, a directory to others")]
    Slash,
    #[error("bytes where POSIX has a prefix of the name: Python takes them for one")]
    Prefix,
    #[error(
        "a hard link has a size: libarchive skips as much data in pax archives, others nothing"
    )]
    HardLinkSize,
    #[error("a file of a type without data has a size: GNU tar skips as much, others nothing")]
    Size,
    #[error("the map does not end where the file does: for GNU tar, the file ends with the map")]
    SparseEnd,
    #[error(
        "two values of an extended attribute: GNU tar knows star's records, libarchive its own too"
    )]
    XattrValues,
}
