// SPDX-License-Identifier: GPL-2.0

//! See `targets/image_reader.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tarfs::image_reader::run(data));
