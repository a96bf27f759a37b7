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
    #[error("a global header that no entry follows: Python does not read the archive")]
    TrailingGlobal,
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
    #[error("two headers with a long name: GNU tar takes the last, Python the first")]
    TwoLongNames,
    #[error("a long name without a NUL at its end: GNU tar and Python go on to the next NUL")]
    UnterminatedName,
    #[error("a name after that of the sparse file: Python takes it, GNU tar the one before")]
    NameAfterSparse,
    #[error(
        "an empty name in an extended header: Python and GNU tar up to 1.34 take it, others that \
         of the header"
    )]
    EmptyName,
    #[error(
        "a number or a time in an extended header is none: GNU tar refuses it, Python takes 0"
    )]
    RecordNumber,
    #[error(
        "a keyword that is empty or has a NUL: Python ignores this record and those after it, GNU \
         tar refuses it"
    )]
    Keyword,
    #[error("a number in a form that GNU tar, Python or both take for none, or for another")]
    NumberForm,
    #[error(
        "a device whose numbers in records are not those of the header, which GNU tar and Python \
         take"
    )]
    DeviceRecord,
    #[error(
        "permissions that are not those of the access control list: programs take either, by their \
         options"
    )]
    AclPermissions,
    #[error("a character set that POSIX does not know, for which Python may not read the archive")]
    CharacterSet,
    #[error("a device in a header without a magic: GNU tar does not read its numbers")]
    OldDevice,
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
        "the number of parts of the sparse file is missing, late or superfluous: GNU tar does not \
         read them"
    )]
    SparseCount,
    #[error("a sparse file of pax in a header that is not POSIX's: GNU tar does not read it")]
    SparseFormat,
    #[error(
        "two values of an extended attribute: GNU tar knows star's records, libarchive its own too"
    )]
    XattrValues,
}
