// SPDX-License-Identifier: GPL-2.0

//! Reading tar archives: v7, ustar, pax and GNU.
//!
//! [`Reader`] goes from header to header by positioned reads and never reads a file's data.
//! Whatever an archive can get wrong is a [`Rule`].

mod acl;
mod difference;
mod entry;
mod header;
mod number;
mod pax;
mod reader;
mod rule;
mod sparse;
mod window;
mod write;
mod xattr;

pub(crate) use acl::Acl;
pub use difference::Difference;
pub use entry::{Entry, Type};
pub(crate) use header::{is_header, size_field, until_nul, write_field, Header, USTAR};
pub use reader::Reader;
pub(crate) use reader::EXTENSION_MAX;
pub use rule::Rule;
pub use sparse::Sparse;
pub(crate) use write::{record, Member};
pub(crate) use xattr::check_and_sort;
pub use xattr::{NotKept, Reason, Xattr};
