// SPDX-License-Identifier: GPL-2.0

//! Random numbers that a seed repeats (SplitMix64).

/// How far apart the states of a sequence are.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number with number `index` of those that `seed` begins.
#[inline]
pub(crate) fn number(seed: u64, index: u64) -> u64 {
    let state = seed.wrapping_add(STEP.wrapping_mul(index.wrapping_add(1)));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Makes of a random number one below `end`, each as likely as any other.
#[inline]
pub(crate) fn below(end: u32, random: u64) -> u32 {
    // CAST: The product of two numbers of 32 bits, and its upper half.
    ((random >> 32) * u64::from(end) >> 32) as u32
}
