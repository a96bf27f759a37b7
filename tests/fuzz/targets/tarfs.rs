// SPDX-License-Identifier: GPL-2.0

//! The targets about archives and images, and what they share.

mod archive_blocks;
pub mod archive_mutation;
pub mod differential;
mod gnu_tar;
mod hostile_values;
pub mod image_reader;
pub mod layout_reader;
mod member;
mod memory_file;
mod mkfs;
mod python;
pub mod tar_reader;
