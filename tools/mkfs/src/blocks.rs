// SPDX-License-Identifier: GPL-2.0

//! Writing regions block by block, each with its checksum.

use layout::{BLOCK_SIZE, PAYLOAD_SIZE, SUM_SIZE};

use crate::{Error, PAYLOAD};

/// Bytes given to the sink at once.
const STEP: usize = 1 << 20;

/// Passes what is written on to a sink, in whole blocks with their checksums.
pub struct BlockWriter<F> {
    sink: F,
    /// Whole blocks that the sink does not have yet.
    blocks: Vec<u8>,
    /// The payload of the block that is being filled.
    payload: Vec<u8>,
    /// Bytes of payload in the current region.
    region: u64,
    sums: Vec<[u8; SUM_SIZE]>,
}

impl<F: FnMut(&[u8]) -> Result<(), Error>> BlockWriter<F> {
    /// Makes a writer that has not written anything.
    pub fn new(sink: F) -> Self {
        Self {
            sink,
            blocks: Vec::with_capacity(STEP),
            payload: Vec::with_capacity(BLOCK_SIZE),
            region: 0,
            sums: Vec::new(),
        }
    }

    /// Writes to the current region, in as many blocks as it takes.
    ///
    /// # Errors
    ///
    /// Those of the sink, as for all that follow.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        // CAST: `usize` is at most 64 bits wide.
        self.region = self.region.saturating_add(bytes.len() as u64);
        loop {
            let room = self.room();
            if bytes.len() < room {
                self.payload.extend_from_slice(bytes);
                return Ok(());
            }
            let (now, later) = bytes.split_at(room);
            self.payload.extend_from_slice(now);
            self.seal()?;
            bytes = later;
        }
    }

    /// Writes a record that must not cross blocks: into the next one where this has no room for it.
    pub fn write_record(&mut self, record: &[u8]) -> Result<(), Error> {
        if record.len() > self.room() {
            self.fill_block()?;
        }
        self.write(record)
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

    /// Fills the region's last block and begins the next region.
    pub fn end_region(&mut self) -> Result<(), Error> {
        self.fill_block()?;
        self.region = 0;
        Ok(())
    }

    /// Gives the sink what is left; returns the checksums of all blocks.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        (self.sink)(&self.blocks)?;
        Ok(self.sums.into_flattened())
    }

    /// Bytes that the block being filled has room for, at least 1.
    fn room(&self) -> usize {
        PAYLOAD_SIZE.saturating_sub(self.payload.len())
    }

    /// Writes zeros until a block begins.
    fn fill_block(&mut self) -> Result<(), Error> {
        self.fill_to(self.region.next_multiple_of(PAYLOAD))
    }

    /// Ends a full block with its checksum.
    fn seal(&mut self) -> Result<(), Error> {
        let sum = crc32(&[&self.payload]).to_le_bytes();
        self.blocks.extend_from_slice(&self.payload);
        self.blocks.extend_from_slice(&sum);
        self.sums.push(sum);
        self.payload.clear();
        if self.blocks.len() >= STEP {
            (self.sink)(&self.blocks)?;
            self.blocks.clear();
        }
        Ok(())
    }
}

/// Computes the CRC-32 over the concatenation of the slices.
pub fn crc32(slices: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slices.iter().for_each(|slice| hasher.update(slice));
    hasher.finalize()
}
