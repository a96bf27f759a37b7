// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Where a regular file's data is in the tar: in one piece, or in the extents of a sparse file.

use zerocopy::transmute;

use crate::{raw, Error, Superblock, SECTOR};

/// The number of extents that a wide inode has for a sparse file without any.
const ALL_HOLE: u32 = u32::MAX;

/// Where a regular file's data is in the tar. It ends within the tar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Size in bytes.
    pub size: u64,
    /// First sector of the data, in units of 512 bytes from the start of the tar; 0 where the size
    /// is 0.
    pub sector: u64,
}

impl Extent {
    /// Checks that the data lies within the tar.
    pub(crate) fn decode(ino: u32, size: u64, sector: u64, sb: &Superblock) -> Result<Self, Error> {
        let is_empty_elsewhere = size == 0 && sector != 0;
        let end = sector
            .checked_mul(SECTOR)
            .and_then(|start| start.checked_add(size));
        if is_empty_elsewhere || end.is_none_or(|end| end > sb.tar_length) {
            return Err(Error::Extent {
                ino,
                sector,
                size,
                tar_length: sb.tar_length,
            });
        }
        Ok(Self { size, sector })
    }
}

/// A sparse file: what lies outside its extents reads as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// Size of the file in bytes, holes included: 1 to 2^63 - 1.
    pub size: u64,
    /// Number of its first record in the extents region; 0 where it has none.
    pub first: u64,
    /// Number of its extents, below 2^32 - 1; 0: the file is one hole.
    pub extents: u32,
}

impl Sparse {
    /// Checks the size and that all extents have records. `extents` is the wide inode's field, not 0.
    pub(crate) fn decode(
        ino: u32,
        size: u64,
        first: u64,
        extents: u32,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        if size == 0 || i64::try_from(size).is_err() {
            return Err(Error::SparseSize { ino, size });
        }
        let records = sb.extents.records();
        let outside = Error::SparseExtents {
            ino,
            first,
            extents,
            records,
        };
        if extents == ALL_HOLE {
            return match first {
                0 => Ok(Self {
                    size,
                    first,
                    extents: 0,
                }),
                _ => Err(outside),
            };
        }
        let end = first.checked_add(extents.into());
        if end.is_none_or(|end| end > records) {
            return Err(outside);
        }
        Ok(Self {
            size,
            first,
            extents,
        })
    }

    /// The wide inode's field for the number of extents.
    pub(crate) fn extents_field(&self) -> u32 {
        match self.extents {
            0 => ALL_HOLE,
            extents => extents,
        }
    }
}

/// A part of a sparse file that has data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SparseExtent {
    /// Byte of the file at which it starts.
    pub logical: u64,
    /// Length in bytes, at least 1. It ends within the file and within the tar.
    pub length: u64,
    /// Byte of the tar at which its data starts.
    pub position: u64,
}

impl SparseExtent {
    /// Reads an extent of inode `ino` from the index block and offset of
    /// [`Superblock::extent_position`]. Its order is the caller's to check: see
    /// [`SparseExtent::follows`].
    ///
    /// # Errors
    ///
    /// [`Error::SparseExtent`]; [`Error::OutOfBlock`] where `block` is too short.
    pub fn decode(
        ino: u32,
        sparse: &Sparse,
        block: &[u8],
        offset: usize,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        let raw: &raw::SparseExtent = raw::read(block, offset)?;
        let extent = Self {
            logical: raw.logical.get(),
            length: raw.length.get(),
            position: raw.position.get(),
        };
        let ends_within = |start: u64, limit| {
            start
                .checked_add(extent.length)
                .is_some_and(|end| end <= limit)
        };
        let is_good = extent.length > 0
            && ends_within(extent.logical, sparse.size)
            && ends_within(extent.position, sb.tar_length);
        if !is_good {
            return Err(Error::SparseExtent {
                ino,
                logical: extent.logical,
                length: extent.length,
                position: extent.position,
            });
        }
        Ok(extent)
    }

    /// Whether this extent may come after `previous`: it starts where that ends, or later. Where it
    /// may not, the image is damaged ([`Error::ExtentOrder`]).
    #[inline]
    pub fn follows(&self, previous: &Self) -> bool {
        self.logical >= previous.end()
    }

    /// Byte of the file after the extent.
    #[inline]
    pub fn end(&self) -> u64 {
        // Decoding checks that it is within the file.
        self.logical.saturating_add(self.length)
    }

    /// Returns the extent's record.
    pub fn encode(&self) -> [u8; 24] {
        transmute!(raw::SparseExtent {
            logical: self.logical.into(),
            length: self.length.into(),
            position: self.position.into(),
        })
    }
}
