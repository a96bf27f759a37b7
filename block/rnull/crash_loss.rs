// SPDX-License-Identifier: GPL-2.0

//! What of a write cache is lost when a disk crashes.

use crate::{chance::Chance, random, sector_range::SectorRange};
use blk::{units::Sectors, value::Value};
use kernel::{
    fmt::{self, Write},
    prelude::*,
};

/// The most ranges that can be given: a file shows them in 4 KiB.
const MOST_RANGES: usize = 64;

/// What is lost.
pub(crate) enum Loss {
    /// All that was not flushed.
    All,
    /// Nothing.
    None,
    /// Some of it, at random.
    Random(Chance),
    /// What lies in one of these ranges.
    Ranges(KVec<SectorRange>),
}

/// `all`, `none`, `random PERCENT`, or `FIRST-LAST`, several of them with commas between.
impl Value for Loss {
    fn parse(text: &CStr) -> Result<Self> {
        let text = text.to_str().map_err(|_| EINVAL)?.trim_ascii();
        match text.split_once(' ') {
            Some(("random", percent)) => return Chance::from_text(percent).map(Self::Random),
            Some(_) => return Err(EINVAL),
            None => (),
        }
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            ranges => {
                let mut parsed = KVec::new();
                for range in ranges.split(',') {
                    if parsed.len() == MOST_RANGES {
                        return Err(EINVAL);
                    }
                    parsed.push(SectorRange::from_text(range)?, GFP_KERNEL)?;
                }
                Ok(Self::Ranges(parsed))
            }
        }
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::All => out.write_str("all\n"),
            Self::None => out.write_str("none\n"),
            Self::Random(chance) => out.write_fmt(fmt!("random {chance}\n")),
            Self::Ranges(ranges) => {
                for (i, range) in ranges.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    out.write_fmt(fmt!("{comma}{range}"))?;
                }
                out.write_str("\n")
            }
        }
    }
}

/// What came of it, in sectors of 512 bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Losses {
    pub(crate) lost: u64,
    pub(crate) kept: u64,
    /// The first one that was lost.
    pub(crate) first_lost: Option<Sectors>,
}

impl Losses {
    /// Adds what came of a part of the disk.
    pub(crate) fn add(&mut self, part: Self) {
        self.lost = self.lost.wrapping_add(part.lost);
        self.kept = self.kept.wrapping_add(part.kept);
        self.first_lost = self.first_lost.or(part.first_lost);
    }
}

/// How a cache loses its content.
pub(crate) struct Losing<'a> {
    pub(crate) loss: &'a Loss,
    /// What is lost or kept as a whole, above zero, counted from the disk's beginning.
    pub(crate) unit: Sectors,
    /// What the random numbers begin with.
    pub(crate) seed: u64,
}

impl Losing<'_> {
    /// Whether a sector is lost. The answer depends on nothing else than what is here.
    pub(crate) fn takes(&self, sector: Sectors) -> bool {
        let number = sector.get().checked_div(self.unit.get()).unwrap_or(0);
        match self.loss {
            Loss::All => true,
            Loss::None => false,
            Loss::Random(chance) => chance.happens(random::number(self.seed, number)),
            Loss::Ranges(ranges) => {
                let start = Sectors::new(number.wrapping_mul(self.unit.get()));
                ranges.iter().any(|range| range.touches(start, self.unit))
            }
        }
    }
}
