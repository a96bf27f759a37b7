// SPDX-License-Identifier: GPL-2.0

//! Ranges of sectors, as users write them: `FIRST-LAST`.

use blk::{units::Sectors, value::Value};
use kernel::{fmt, prelude::*, str::CString};

/// The sectors from the first to the last, that one too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SectorRange {
    pub(crate) first: Sectors,
    pub(crate) last: Sectors,
}

impl SectorRange {
    /// Every sector that there can be.
    pub(crate) const ALL: Self = Self {
        first: Sectors::new(0),
        last: Sectors::new(u64::MAX),
    };

    /// The range that `text` describes.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not `FIRST-LAST`, or the last comes before the first; `ERANGE` for a
    /// number of 2^64 or more.
    pub(crate) fn from_text(text: &str) -> Result<Self> {
        let (first, last) = text.split_once('-').ok_or(EINVAL)?;
        let (first, last) = (sector(first)?, sector(last)?);
        if last < first {
            return Err(EINVAL);
        }
        Ok(Self { first, last })
    }

    /// Whether the `length` sectors from `start` on have any in common with these.
    #[inline]
    pub(crate) fn touches(&self, start: Sectors, length: Sectors) -> bool {
        start <= self.last && self.first < start.saturating_add(length)
    }

    /// What is left of it before and behind the `length` sectors from `start` on.
    pub(crate) fn without(&self, start: Sectors, length: Sectors) -> (Option<Self>, Option<Self>) {
        let before = Self {
            first: self.first,
            last: start.saturating_sub(Sectors::new(1)).min(self.last),
        };
        let end = start.saturating_add(length);
        let behind = Self {
            first: self.first.max(end),
            last: self.last,
        };
        (
            (self.first < start).then_some(before),
            (end <= self.last).then_some(behind),
        )
    }
}

impl fmt::Display for SectorRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!("{}-{}", self.first.get(), self.last.get()))
    }
}

/// The number of a sector, in any of the bases that attributes have.
fn sector(digits: &str) -> Result<Sectors> {
    let digits = CString::try_from_fmt(fmt!("{digits}"))?;
    u64::parse(&digits).map(Sectors::new)
}
