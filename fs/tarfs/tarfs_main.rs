// SPDX-License-Identifier: GPL-2.0

//! tarfs: a read-only file system over ordinary tar files.
//!
//! The format is described in `Documentation/format.rst`. What is on disk is read and
//! checked by the `layout` crate, what the kernel wants is said through the `vfs` crate.

// `module!` expands to unsafe code, so that the crate as a whole cannot forbid it.
#[forbid(unsafe_code)]
mod archive;
#[forbid(unsafe_code)]
mod checked;
#[forbid(unsafe_code)]
mod directory;
#[forbid(unsafe_code)]
mod file;
#[forbid(unsafe_code)]
mod index;
#[forbid(unsafe_code)]
mod inode;
#[forbid(unsafe_code)]
mod options;
#[forbid(unsafe_code)]
mod sparse;
#[forbid(unsafe_code)]
mod super_block;
#[forbid(unsafe_code)]
mod xattr;

use kernel::prelude::*;
use super_block::Tarfs;
use vfs::Registration;

module! {
    type: TarfsModule,
    name: "tarfs",
    authors: ["The Blockyard developers"],
    description: "Read-only file system over tar files",
    license: "GPL v2",
    alias: ["fs-tarfs"],
}

#[pin_data]
struct TarfsModule {
    #[pin]
    registration: Registration<Tarfs>,
}

impl kernel::InPlaceModule for TarfsModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            registration <- Registration::new(module),
        })
    }
}
