// SPDX-License-Identifier: GPL-2.0

//! Places in a region whose records do not cross blocks.

use layout::PAYLOAD_SIZE;

use crate::PAYLOAD;

/// Alignment of what is packed, in bytes.
const ALIGNMENT: usize = 4;

/// Blocks in whose free space a record is tried.
const OPEN_BLOCKS: usize = 8;

/// A block with free space.
struct Open {
    /// Position of the block in the region.
    start: u64,
    /// Bytes in use from there on.
    used: usize,
}

/// Gives out places in a region, in units that keep close what is asked for together.
#[derive(Default)]
pub struct Packer {
    length: u64,
    /// The blocks begun last, the oldest first.
    open: Vec<Open>,
}

impl Packer {
    /// Length of the region so far, in bytes: whole blocks.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Finds a place for `size` bytes, at most a block: in the fullest block that has room among
    /// those that were begun last, so that neighbours in the tree stay neighbours.
    pub fn place(&mut self, size: usize) -> u64 {
        let size = size.next_multiple_of(ALIGNMENT);
        let fitting = self
            .open
            .iter_mut()
            .filter(|open| open.used.saturating_add(size) <= PAYLOAD_SIZE)
            .max_by_key(|open| open.used);
        if let Some(open) = fitting {
            // CAST: below a block's size.
            let place = open.start.saturating_add(open.used as u64);
            open.used = open.used.saturating_add(size);
            return place;
        }
        let start = self.place_blocks(1);
        self.open(start, size);
        start
    }

    /// Adds blocks to the region; returns the position of the first.
    pub fn place_blocks(&mut self, count: u32) -> u64 {
        let start = self.length;
        self.length = start.saturating_add(u64::from(count).saturating_mul(PAYLOAD));
        start
    }

    /// Lets later records into the block at `start`, whose first `used` bytes are taken.
    pub fn open(&mut self, start: u64, used: usize) {
        if self.open.len() == OPEN_BLOCKS {
            self.open.remove(0);
        }
        let used = used.next_multiple_of(ALIGNMENT);
        self.open.push(Open { start, used });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_filled() {
        let mut packer = Packer::default();
        assert_eq!(packer.place(4000), 0);
        assert_eq!(packer.place(3001), 4092);
        assert_eq!(packer.place(86), 4000);
        assert_eq!(packer.place(5), 4092 + 3004);
        assert_eq!(packer.place(4), 4088);
        assert_eq!(packer.place_blocks(2), 8184);
        packer.open(12276, 4086);
        assert_eq!(packer.place(4), 12276 + 4088);
        assert_eq!(packer.place(4), 4092 + 3012);
        assert_eq!(packer.place(4092), 16368);
        assert_eq!(packer.length(), 20460);
    }
}
