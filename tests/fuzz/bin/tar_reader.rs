// SPDX-License-Identifier: GPL-2.0

//! See `targets/tar_reader.rs`.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| {
    let _ = fuzz::tarfs::tar_reader::run(data);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    fuzz::mutator::mutate(data, size, max_size, seed, 1)
});
