// SPDX-License-Identifier: GPL-2.0

//! Error numbers that `kernel::error::code` lacks.
//!
//! Functions, for outside the kernel crate an [`Error`] cannot be made in a constant.

use kernel::{bindings, error::Error};

/// `ENAMETOOLONG`: file name too long.
pub fn name_too_long() -> Error {
    // CAST: Error numbers are below 4096.
    Error::from_errno(-(bindings::ENAMETOOLONG as i32))
}

/// `ENODATA`: there is no such attribute (C: `ENOATTR`).
pub fn no_data() -> Error {
    // CAST: Error numbers are below 4096.
    Error::from_errno(-(bindings::ENODATA as i32))
}

/// `EUCLEAN`, structure needs cleaning: the image is damaged (C: `EFSCORRUPTED`).
pub fn corrupted() -> Error {
    // CAST: Error numbers are below 4096.
    Error::from_errno(-(bindings::EUCLEAN as i32))
}

/// `EOPNOTSUPP`: the image uses a feature that this version does not know.
pub fn not_supported() -> Error {
    // CAST: Error numbers are below 4096.
    Error::from_errno(-(bindings::EOPNOTSUPP as i32))
}

/// `ESTALE`: a file handle that stands for nothing.
pub fn stale() -> Error {
    // CAST: Error numbers are below 4096.
    Error::from_errno(-(bindings::ESTALE as i32))
}
