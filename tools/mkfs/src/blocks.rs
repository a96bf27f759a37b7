// SPDX-License-Identifier: GPL-2.0

//! Writing regions block by block, with their checksums.

use layout::{BLOCK_SIZE, SUMS_PER_BLOCK, SUM_COVERED, SUM_SIZE};

use crate::Error;

/// Bytes given to the sink at once.
const STEP: usize = 1 << 20;

/// Passes what is written on to a sink, in whole blocks, and computes each block's checksum.
pub struct BlockWriter<F> {
    sink: F,
    /// What the sink does not have yet.
    buffer: Vec<u8>,
    /// Bytes of the current region that were written.
    region: u64,
    sums: Vec<[u8; SUM_SIZE]>,
}

impl<F: FnMut(&[u8]) -> Result<(), Error>> BlockWriter<F> {
    /// Makes a writer that has not written anything.
    pub fn new(sink: F) -> Self {
        Self {
            sink,
            buffer: Vec::new(),
            region: 0,
            sums: Vec::new(),
        }
    }

    /// Writes to the current region.
    ///
    /// # Errors
    ///
    /// Those of the sink, as for all that follow.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        // CAST: `usize` is at most 64 bits wide.
        self.region = self.region.saturating_add(bytes.len() as u64);
        if self.buffer.len() < STEP {
            return Ok(());
        }
        self.flush()
    }

    /// Writes zeros until the current region has `length` bytes.
    pub fn fill_to(&mut self, length: u64) -> Result<(), Error> {
        while self.region < length {
            let missing = length.saturating_sub(self.region);
            let zeros = usize::try_from(missing)
                .unwrap_or(BLOCK_SIZE)
                .min(BLOCK_SIZE);
            self.write([0; BLOCK_SIZE].get(..zeros).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Writes zeros up to the end of the block.
    pub fn fill_block(&mut self) -> Result<(), Error> {
        self.fill_to(self.region.next_multiple_of(crate::BLOCK))
    }

    /// Fills the region's last block and begins the next region.
    pub fn end_region(&mut self) -> Result<(), Error> {
        self.fill_block()?;
        self.region = 0;
        Ok(())
    }

    /// Writes the sums region; returns its bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        self.flush()?;
        let mut bytes = Vec::new();
        for sums in self.sums.chunks(SUMS_PER_BLOCK) {
            let mut covered = sums.as_flattened().to_vec();
            covered.resize(SUM_COVERED, 0);
            bytes.extend_from_slice(&covered);
            bytes.extend_from_slice(&crc32(&[&covered]).to_le_bytes());
        }
        (self.sink)(&bytes)?;
        Ok(bytes)
    }

    /// Gives the whole blocks in the buffer to the sink.
    fn flush(&mut self) -> Result<(), Error> {
        let blocks = self.buffer.chunks_exact(BLOCK_SIZE);
        let partial = blocks.remainder().len();
        self.sums
            .extend(blocks.map(|block| crc32(&[block]).to_le_bytes()));
        let whole = self.buffer.len().saturating_sub(partial);
        (self.sink)(self.buffer.get(..whole).unwrap_or_default())?;
        self.buffer.drain(..whole);
        Ok(())
    }
}

/// Computes the CRC-32 over the concatenation of the slices.
pub fn crc32(slices: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slices.iter().for_each(|slice| hasher.update(slice));
    hasher.finalize()
}
