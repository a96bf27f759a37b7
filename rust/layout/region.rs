// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Regions: runs of index blocks that hold records of one kind.

use crate::{raw, Error, Position, PAYLOAD, PAYLOAD_SIZE};

/// What a region holds, in the order of the regions in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// Inodes, 32 bytes each.
    Inodes,
    /// Wide inodes, 64 bytes each.
    Extras,
    /// Directory leaves, counted in bytes.
    Leaves,
    /// Targets of symbolic links, counted in bytes.
    Heap,
    /// Extended attributes, counted in bytes.
    Xattrs,
    /// Extents of sparse files, 24 bytes each.
    Extents,
    /// Archives behind one index, 64 bytes each.
    Layers,
    /// CRC-32 of 4096 bytes of the archive, 4 bytes each.
    DataSums,
}

impl RegionKind {
    /// Size of a record, in bytes.
    pub const fn record_size(self) -> usize {
        match self {
            Self::Inodes => 32,
            Self::Extras => 64,
            Self::Leaves | Self::Heap | Self::Xattrs => 1,
            Self::Extents => 24,
            Self::Layers => 64,
            Self::DataSums => 4,
        }
    }

    /// Number of records that a block holds.
    pub const fn records_per_block(self) -> u64 {
        match self {
            Self::Inodes => 127,
            Self::Extras | Self::Layers => 63,
            Self::Leaves | Self::Heap | Self::Xattrs => PAYLOAD,
            Self::Extents => 170,
            Self::DataSums => 1023,
        }
    }

    /// The region's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inodes => "inodes",
            Self::Extras => "extras",
            Self::Leaves => "leaves",
            Self::Heap => "heap",
            Self::Xattrs => "xattrs",
            Self::Extents => "extents",
            Self::Layers => "layers",
            Self::DataSums => "data sums",
        }
    }
}

/// A run of index blocks that holds records of one kind, and no block more than they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    first_block: u32,
    blocks: u32,
    records: u64,
}

impl Region {
    /// Makes the region that holds `records` records from index block `first_block` on.
    ///
    /// # Errors
    ///
    /// [`Error::RegionTooLarge`] where its end is not below block 2^32.
    pub fn new(kind: RegionKind, first_block: u32, records: u64) -> Result<Self, Error> {
        let too_large = Error::RegionTooLarge {
            region: kind.name(),
            records,
        };
        let blocks =
            u32::try_from(records.div_ceil(kind.records_per_block())).map_err(|_| too_large)?;
        first_block.checked_add(blocks).ok_or(too_large)?;
        Ok(Self {
            first_block,
            blocks,
            records,
        })
    }

    /// Checks a descriptor; the region has to start at `expected_first`.
    pub(crate) fn decode(
        raw: &raw::Region,
        kind: RegionKind,
        expected_first: u32,
    ) -> Result<Self, Error> {
        let found = raw.first_block.get();
        if found != expected_first {
            return Err(Error::RegionStart {
                region: kind.name(),
                found,
                expected: expected_first,
            });
        }
        let region = Self::new(kind, found, raw.records.get())?;
        if raw.blocks.get() != region.blocks {
            return Err(Error::RegionBlocks {
                region: kind.name(),
                found: raw.blocks.get(),
                needed: region.blocks,
            });
        }
        Ok(region)
    }

    pub(crate) fn encode(&self) -> raw::Region {
        raw::Region {
            first_block: self.first_block.into(),
            blocks: self.blocks.into(),
            records: self.records.into(),
        }
    }

    /// Number of the region's first index block.
    #[inline]
    pub fn first_block(&self) -> u32 {
        self.first_block
    }

    /// Number of blocks.
    #[inline]
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Number of records; for leaves, heap and xattrs, of bytes.
    #[inline]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Number of the index block after the region's last.
    #[inline]
    pub fn end(&self) -> u32 {
        // Checked at construction; the region that cannot be is at least empty.
        self.first_block.saturating_add(self.blocks)
    }

    /// Where a record of this region, which is of kind `kind`, is, or `None` where the region has no
    /// such record.
    ///
    /// The kind is the caller's constant, so that the divisions are by constants.
    #[inline]
    pub(crate) fn position(&self, kind: RegionKind, record: u64) -> Option<Position> {
        if record >= self.records {
            return None;
        }
        let block = record.checked_div(kind.records_per_block())?;
        let slot = record.checked_rem(kind.records_per_block())?;
        Some(Position {
            block: self.first_block.checked_add(u32::try_from(block).ok()?)?,
            // CAST: below 4092.
            offset: (slot as usize).checked_mul(kind.record_size())?,
        })
    }

    /// The piece of a string of bytes that stands from byte `byte` of this region on in the same
    /// block, where `left` bytes of the string are left; inside, `None` at the string's end. `None`
    /// where the region has no such byte.
    #[inline]
    pub(crate) fn piece(
        &self,
        kind: RegionKind,
        byte: u64,
        left: usize,
    ) -> Option<Option<(Position, usize)>> {
        if left == 0 {
            return Some(None);
        }
        let position = self.position(kind, byte)?;
        let in_block = PAYLOAD_SIZE.saturating_sub(position.offset);
        Some(Some((position, left.min(in_block))))
    }
}
