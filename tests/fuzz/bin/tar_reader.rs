// SPDX-License-Identifier: GPL-2.0

//! See `targets/tar_reader.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tar_reader::run(data));
