// SPDX-License-Identifier: GPL-2.0

//! What is fuzzed: functions that take any bytes and panic where a promise is broken. A plain test,
//! `tools/mkfs/tests/fuzz_corpus.rs`, gives them the corpus.

#[path = "targets/image_reader.rs"]
pub mod image_reader;
#[path = "targets/layout_reader.rs"]
pub mod layout_reader;
#[path = "targets/memory_file.rs"]
mod memory_file;
#[path = "targets/tar_reader.rs"]
pub mod tar_reader;
