// SPDX-License-Identifier: GPL-2.0
//! Compares a mounted file system with the tar that it was made from, every entry and every
//! attribute. The tar is read by Python's tarfile, the mount by coreutils and findutils in the
//! guest: none of it is ours.

mod actual;
mod difference;
mod entry;
mod expected;
mod fields;

pub use actual::{read as read_mount, PROGRAMS};
pub use difference::{compare, Comparison, Count, Difference};
pub use entry::{Entry, FileType, Manifest};
pub use expected::read as read_tar;
