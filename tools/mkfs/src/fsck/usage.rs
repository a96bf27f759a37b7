// SPDX-License-Identifier: GPL-2.0

//! Which bytes of a region something refers to: a bit for each.

use std::ops::Range;

use layout::{Region, RegionKind, PAYLOAD_SIZE};

use super::report::Report;
use crate::index_reader::IndexReader;
use crate::{Error, PAYLOAD};

const BITS: u64 = 64;

/// Which bytes of a region are in use.
pub struct Usage {
    words: Vec<u64>,
}

impl Usage {
    /// Starts with no byte of a region in use.
    pub fn new(region: &Region) -> Self {
        Self::of(u64::from(region.blocks()).saturating_mul(PAYLOAD))
    }

    /// Starts with none of `length` things in use.
    pub fn of(length: u64) -> Self {
        let words = usize::try_from(length.div_ceil(BITS)).unwrap_or(usize::MAX);
        Self {
            words: vec![0; words],
        }
    }

    /// Marks `length` bytes from byte `start` on; returns whether none of them was marked before.
    pub fn mark(&mut self, start: u64, length: u64) -> bool {
        let end = start.saturating_add(length);
        let mut at = start;
        let mut is_new = true;
        while at < end {
            let bit = at % BITS;
            let count = BITS.saturating_sub(bit).min(end.saturating_sub(at));
            let ones = u64::MAX.checked_shr(BITS.saturating_sub(count) as u32);
            let mask = ones.unwrap_or(0) << bit;
            // Positions were checked against the region; what is beyond it needs no mark.
            let word = usize::try_from(at / BITS).ok();
            if let Some(word) = word.and_then(|word| self.words.get_mut(word)) {
                is_new &= *word & mask == 0;
                *word |= mask;
            }
            at = at.saturating_add(count);
        }
        is_new
    }

    /// Whether a byte was marked.
    pub fn is_marked(&self, byte: u64) -> bool {
        let word = usize::try_from(byte / BITS).ok();
        let word = word.and_then(|word| self.words.get(word));
        word.is_some_and(|word| word >> (byte % BITS) & 1 == 1)
    }

    /// Reports the bytes of a region that nothing refers to and that are not zero.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn check_rest(
        &self,
        index: &IndexReader,
        kind: RegionKind,
        region: &Region,
        report: &mut Report,
    ) -> Result<(), Error> {
        for number in 0..region.blocks() {
            let block_number = region.first_block().saturating_add(number);
            let block = index.block(block_number)?;
            let start = u64::from(number).saturating_mul(PAYLOAD);
            let is_stray = |(byte, at): (&u8, u64)| *byte != 0 && !self.is_marked(at);
            let mut bytes = block.iter().zip(start..);
            let Some(first) = bytes.position(is_stray) else {
                continue;
            };
            let last = block.iter().rposition(|&byte| byte != 0).unwrap_or(first);
            report.add(not_zero(kind, block_number, first..last.saturating_add(1)));
        }
        Ok(())
    }
}

/// Reports what is not zero after the records of a region's blocks.
///
/// # Errors
///
/// [`Error::Io`].
pub fn check_tails(
    index: &IndexReader,
    kind: RegionKind,
    region: &Region,
    report: &mut Report,
) -> Result<(), Error> {
    let per_block = kind.records_per_block();
    for number in 0..region.blocks() {
        let before = u64::from(number).saturating_mul(per_block);
        let records = region.records().saturating_sub(before).min(per_block);
        // CAST: at most the records of a block.
        let used = kind.record_size().saturating_mul(records as usize);
        let block_number = region.first_block().saturating_add(number);
        let block = index.block(block_number)?;
        let tail = block.get(used..).unwrap_or_default();
        if tail.iter().any(|&byte| byte != 0) {
            report.add(not_zero(kind, block_number, used..PAYLOAD_SIZE));
        }
    }
    Ok(())
}

fn not_zero(kind: RegionKind, block: u32, bytes: Range<usize>) -> String {
    format!(
        "index block {block} ({}): bytes {} to {} belong to nothing and are not all zero",
        kind.name(),
        bytes.start,
        bytes.end
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        let region = Region::new(layout::RegionKind::Heap, 0, 200).unwrap();
        let mut usage = Usage::new(&region);
        assert!(usage.mark(3, 130));
        assert!(!usage.mark(132, 5));
        assert!(usage.mark(137, 1));
        assert!(usage.mark(0, 3));
        assert!(!usage.mark(2, 1));
        for byte in 0..300 {
            assert_eq!(usage.is_marked(byte), byte < 138, "{byte}");
        }
        assert!(usage.mark(u64::MAX - 2, 9), "beyond the region");
    }
}
