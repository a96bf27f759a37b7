// SPDX-License-Identifier: GPL-2.0
//! Hostile images: any field of any structure changed, with checksums that are right again.

use super::image::Image;

const BLOCK: usize = 4096;
const PAYLOAD: usize = 4092;

/// A generator of numbers that look random and are always the same (xorshift64*).
pub struct Numbers(u64);

impl Default for Numbers {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A number as attackers choose them: at an edge, or close to one.
    fn hostile(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next() % 16,
            1 => (1u64 << self.below(64))
                .wrapping_add(self.next() % 3)
                .wrapping_sub(1),
            2 => u64::MAX - self.next() % 3,
            _ => self.next(),
        }
    }
}

/// Changes one to three fields of 1, 2, 4 or 8 bytes, and repairs the sums. Fields are at multiples
/// of their size, as in all structures of the format but leaves and sets of attributes.
pub fn damage(image: &mut Image, numbers: &mut Numbers) {
    let (index, superblock) = (image.index(), image.superblock());
    let blocks = (superblock - index) / BLOCK;
    for _ in 0..=numbers.below(3) {
        let size = 1 << numbers.below(4);
        let value = numbers.hostile().to_le_bytes();
        // The superblock's fields end at byte 320; every twentieth change is one of them.
        let at = if numbers.below(20) == 0 {
            superblock + 16 + numbers.below(304 / size) * size
        } else {
            // Where the block has something, most of the time: the first bytes.
            let block = index + numbers.below(blocks) * BLOCK;
            let end = if numbers.below(4) == 0 {
                PAYLOAD - 8
            } else {
                512
            };
            block + numbers.below(end / size) * size
        };
        image.put(at, &value[..size]);
    }
    // Not where the superblock now says that the index is.
    image.repair_index(index);
}
