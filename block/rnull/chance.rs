// SPDX-License-Identifier: GPL-2.0

//! Probabilities, as users write them: in percent, with up to four decimals.

use crate::random;
use kernel::{fmt, prelude::*};

/// A probability.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chance {
    millionths: u32,
}

/// The most decimals of a percentage, and what a percent is with so many.
const DECIMALS: usize = 4;
const PERCENT: u32 = 10_000;

impl Chance {
    /// Every time.
    pub(crate) const ALWAYS: Self = Self {
        millionths: 100 * PERCENT,
    };

    /// The probability that `percent` is the text of.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not a number from 0 to 100 with at most four decimals.
    pub(crate) fn from_text(percent: &str) -> Result<Self> {
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > DECIMALS {
            return Err(EINVAL);
        }
        let mut part: u32 = decimals.parse().map_err(|_| EINVAL)?;
        for _ in decimals.len()..DECIMALS {
            part *= 10;
        }
        let whole: u32 = whole.parse().map_err(|_| EINVAL)?;
        let millionths = whole
            .checked_mul(PERCENT)
            .and_then(|whole| whole.checked_add(part))
            .filter(|millionths| *millionths <= Self::ALWAYS.millionths);
        Ok(Self {
            millionths: millionths.ok_or(EINVAL)?,
        })
    }

    /// Whether it happens this time, for which `random` was drawn.
    #[inline]
    pub(crate) fn happens(self, random: u64) -> bool {
        random::below(Self::ALWAYS.millionths, random) < self.millionths
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut part) = (self.millionths / PERCENT, self.millionths % PERCENT);
        if part == 0 {
            return f.write_fmt(fmt!("{whole}"));
        }
        let mut width = DECIMALS;
        while part % 10 == 0 {
            part /= 10;
            width -= 1;
        }
        f.write_fmt(fmt!("{whole}.{part:0width$}"))
    }
}
