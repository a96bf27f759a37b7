// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Several archives behind one index, and checksums of what archives hold.
//!
//! Archives stand one after the other in one space of sectors, in which all positions of data and
//! of headers count: each starts at the first multiple of a block after the one before it.

use zerocopy::transmute;

use crate::{raw, Error, Position, RegionKind, Superblock, BLOCK, SECTOR};

/// Most archives that an index can have.
pub const LAYERS_MAX: u32 = 500;

/// An archive behind an index that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Where it starts: a sector in the space of all archives.
    pub sector: u64,
    /// Its length in bytes, at least 1.
    pub length: u64,
    /// Its SHA-256, where it was recorded.
    pub sha256: Option<[u8; 32]>,
}

impl Layer {
    /// The archive of `length` bytes that follows `previous`, or is the first.
    pub fn after(previous: Option<&Self>, length: u64, sha256: Option<[u8; 32]>) -> Self {
        Self {
            sector: next_sector(previous),
            length,
            sha256,
        }
    }

    /// Reads archive number `layer` from the index block and offset of
    /// [`Superblock::layer_position`]. `previous` is the one before it.
    ///
    /// # Errors
    ///
    /// [`Error::Layer`]; of the last archive [`Error::LayersEnd`]; [`Error::OutOfBlock`] where
    /// `block` is too short.
    pub fn decode(
        layer: u32,
        previous: Option<&Self>,
        block: &[u8],
        offset: usize,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        let raw: &raw::Layer = raw::read(block, offset)?;
        let found = Self {
            sector: raw.sector.get(),
            length: raw.length.get(),
            sha256: (raw.sha256 != [0; 32]).then_some(raw.sha256),
        };
        let expected_sector = next_sector(previous);
        let is_good = found.sector == expected_sector
            && found.length > 0
            && found.end() <= sb.tar_length
            && raw.zero == [0; 16];
        if !is_good {
            return Err(Error::Layer {
                layer,
                sector: found.sector,
                length: found.length,
                expected_sector,
            });
        }
        let is_last = u64::from(layer).saturating_add(1) >= sb.layers.records();
        if is_last && found.end() != sb.tar_length {
            return Err(Error::LayersEnd {
                end: found.end(),
                tar_length: sb.tar_length,
            });
        }
        Ok(found)
    }

    /// Byte after the archive, in the space of all archives.
    pub fn end(&self) -> u64 {
        self.sector
            .saturating_mul(SECTOR)
            .saturating_add(self.length)
    }

    /// Returns the record.
    pub fn encode(&self) -> [u8; 64] {
        transmute!(raw::Layer {
            sector: self.sector.into(),
            length: self.length.into(),
            sha256: self.sha256.unwrap_or_default(),
            zero: [0; 16],
        })
    }
}

/// Where the archive after `previous` starts.
fn next_sector(previous: Option<&Layer>) -> u64 {
    const SECTORS_PER_BLOCK: u64 = 8;
    previous
        .map_or(0, Layer::end)
        .div_ceil(BLOCK)
        .saturating_mul(SECTORS_PER_BLOCK)
}

impl Superblock {
    /// Number of archives behind the index, 1 to [`LAYERS_MAX`].
    pub fn layer_count(&self) -> u32 {
        // Decoding checks that it is no more.
        u32::try_from(self.layers.records())
            .unwrap_or(LAYERS_MAX)
            .max(1)
    }

    /// Where the record of archive `layer` is, in an index that has several.
    ///
    /// # Errors
    ///
    /// [`Error::NoLayer`].
    pub fn layer_position(&self, layer: u32) -> Result<Position, Error> {
        self.layers
            .position(RegionKind::Layers, layer.into())
            .ok_or(Error::NoLayer {
                layer,
                layers: self.layers.records(),
            })
    }

    /// Where the CRC-32 of block `block` of the archive, counted in 4096 bytes, is; `None` where the
    /// image has no checksum of it.
    ///
    /// What a block has past the end of its archive counts as zeros.
    #[inline]
    pub fn data_sum_position(&self, block: u64) -> Option<Position> {
        self.data_sums.position(RegionKind::DataSums, block)
    }
}

/// Compares the CRC-32 computed over block `block` of the archive with the one stored at `offset`
/// of `sums`, the bytes of the index block that [`Superblock::data_sum_position`] names.
///
/// # Errors
///
/// [`Error::DataSum`] where they differ; [`Error::OutOfBlock`] where `offset` is not in `sums`.
pub fn check_data_sum(block: u64, computed: u32, sums: &[u8], offset: usize) -> Result<(), Error> {
    let stored = raw::read::<zerocopy::little_endian::U32>(sums, offset)?.get();
    if stored == computed {
        Ok(())
    } else {
        Err(Error::DataSum {
            block,
            stored,
            computed,
        })
    }
}
