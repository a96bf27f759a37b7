// SPDX-License-Identifier: GPL-2.0

//! Changes that libFuzzer makes to archives: its own, and those that know what an archive is.

use fastrand::Rng;

use crate::tarfs::archive_mutation;

/// Changes the first `size` bytes of `data`, of which the first `options` are none of the archive;
/// returns how many there are then, which is at most `size_max`.
pub fn mutate(data: &mut [u8], size: usize, size_max: usize, seed: u32, options: usize) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    if size <= options || rng.u8(0..4) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, size_max);
    }
    let mut archive = data[options..size].to_vec();
    archive_mutation::mutate(&mut archive, &mut rng);
    archive.truncate(size_max - options);
    data[options..][..archive.len()].copy_from_slice(&archive);
    options + archive.len()
}
