// SPDX-License-Identifier: GPL-2.0

//! Making tar archives mountable as tarfs.
//!
//! An archive becomes an image in four steps, each a module or a few:
//!
//! 1. [`tar`] reads its entries, from a [`Source`], without their data.
//! 2. [`tree`] builds the tree that extracting them would make.
//! 3. [`numbering`], [`leaves`], [`xattrs`], [`inodes`] and [`index`] lay it out as `Documentation/format.rst`
//!    says.
//! 4. [`output`] writes: nothing before all of the above has succeeded, the superblock last.
//!
//! [`make()`] is all of it, [`check()`] looks at the result. The other way round,
//! [`index_reader`] reads an index and [`archives`] the data behind it, for [`mod@fsck`]
//! and [`mod@dump`].

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod align;
pub mod archives;
mod arena;
pub mod blocks;
pub mod check;
pub mod cli;
pub mod data_sums;
pub mod digest;
pub mod dump;
mod error;
pub mod exit;
pub mod fsck;
pub mod image;
pub mod index;
pub mod index_reader;
pub mod inodes;
mod interner;
pub mod interrupt;
pub mod layer_files;
pub mod layers;
pub mod leaves;
pub mod make;
pub mod message;
pub mod notes;
pub mod numbering;
pub mod oci;
pub mod options;
pub mod output;
mod pack;
pub mod packer;
mod path;
pub mod progress;
mod source;
mod spool;
mod stream;
pub mod summary;
pub mod tar;
pub mod tree;
pub mod whiteouts;
pub mod xattrs;

pub use arena::{Arena, Id};
pub use check::check;
pub use error::Error;
pub use layers::make_layers;
pub use make::make;
pub use source::Source;

/// Sizes of a block and of a sector, as positions in files are counted.
const BLOCK: u64 = layout::BLOCK_SIZE as u64;
const PAYLOAD: u64 = layout::PAYLOAD_SIZE as u64;
const SECTOR: u64 = layout::SECTOR_SIZE as u64;
