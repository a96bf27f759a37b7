// SPDX-License-Identifier: GPL-2.0

//! See `targets/layout_reader.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tarfs::layout_reader::run(data));
