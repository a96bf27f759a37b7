// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The hash of a name, by which a directory is ordered.

const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;
const GROUP_FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
const FINAL_FACTOR: u64 = 0xa076_1d64_78bd_642f;

/// Returns the hash of a directory entry's name under an image's hash seed.
#[inline]
pub fn name_hash(seed: u32, name: &[u8]) -> u32 {
    // CAST: `usize` is at most 64 bits wide.
    let length = name.len() as u64;
    let mut state = u64::from(seed)
        .wrapping_add(1)
        .wrapping_mul(INCREMENT)
        .wrapping_add(length);
    let mut rest = name;
    while let Some((group, tail)) = rest.split_first_chunk() {
        state = absorb(state, u64::from_le_bytes(*group));
        rest = tail;
    }
    if !rest.is_empty() {
        let padded = rest
            .iter()
            .rev()
            .fold(0, |group, &byte| group << 8 | u64::from(byte));
        state = absorb(state, padded);
    }
    state = multiply(state, FINAL_FACTOR);
    // CAST: the hash is the low half.
    (state ^ state >> 32) as u32
}

fn absorb(state: u64, group: u64) -> u64 {
    multiply(state ^ group, GROUP_FACTOR).wrapping_add(INCREMENT)
}

/// Multiplies to 128 bits and folds the halves, so that every input bit reaches every output bit.
fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    // CAST: the two halves of the product.
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::name_hash;

    /// Computed by a Python program written from Documentation/format.rst.
    #[test]
    fn golden_values() {
        let bytes: [u8; 39] = core::array::from_fn(|i| i as u8 + 1);
        assert_eq!(name_hash(0, b"a"), 0x11c1_4390);
        assert_eq!(name_hash(0, b"Makefile"), 0x147a_8162);
        assert_eq!(name_hash(0, b"README.rst"), 0x3af2_6ead);
        assert_eq!(name_hash(1, b"README.rst"), 0xbf21_c31e);
        assert_eq!(name_hash(0, b"abcdefgh12345678"), 0xf48f_8130);
        assert_eq!(name_hash(7, &bytes), 0x77f3_2a8d);
        assert_eq!(name_hash(u32::MAX, &[0xff; 255]), 0xf71a_0b75);
    }
}
