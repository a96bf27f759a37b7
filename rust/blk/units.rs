// SPDX-License-Identifier: GPL-2.0

//! Units of length, as types.
//!
//! The block layer counts in sectors, users count in bytes and mebibytes. Each is a type of its
//! own, so that a number of one cannot be taken for a number of another.

use kernel::bindings;

/// log2 of the bytes in a [`Sectors`] unit: 512, whatever the block size of the disk.
pub const SECTOR_SHIFT: u32 = bindings::SECTOR_SHIFT;

/// The bytes in a [`Sectors`] unit.
pub const SECTOR: u64 = 1 << SECTOR_SHIFT;

/// A length in mebibytes (2^20 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mebibytes(u64);

impl Mebibytes {
    /// A length of `mebibytes` MiB.
    #[inline]
    pub const fn new(mebibytes: u64) -> Self {
        Self(mebibytes)
    }

    /// The number of mebibytes.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same length in bytes, or `None` if that is 2^64 or more.
    #[inline]
    pub const fn bytes(self) -> Option<Bytes> {
        match self.0.checked_mul(1 << 20) {
            Some(bytes) => Some(Bytes(bytes)),
            None => None,
        }
    }
}

/// A length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

impl Bytes {
    /// A length of `bytes` bytes.
    #[inline]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The whole sectors in this length; a part of a sector at the end does not count.
    #[inline]
    pub const fn sectors(self) -> Sectors {
        Sectors(self.0 >> SECTOR_SHIFT)
    }
}

/// A length in sectors of 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sectors(u64);

impl Sectors {
    /// A length of `sectors` sectors.
    #[inline]
    pub const fn new(sectors: u64) -> Self {
        Self(sectors)
    }

    /// The same length in bytes, or `None` if that is 2^64 or more.
    #[inline]
    pub const fn bytes(self) -> Option<Bytes> {
        match self.0.checked_mul(1 << SECTOR_SHIFT) {
            Some(bytes) => Some(Bytes(bytes)),
            None => None,
        }
    }

    /// The sum, or the largest length there is.
    #[inline]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The number of sectors, as the C functions take it (`sector_t`).
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }
}
