// SPDX-License-Identifier: GPL-2.0

//! Power failure: a disk dies while it is on, and loses what its write cache held.

use crate::{
    contents::Contents,
    crash_loss::{Losing, Loss, Losses},
    locks,
    zones::Zones,
};
use blk::{
    pages::PAGE,
    units::{Bytes, Sectors},
};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use sync::held::Held;

/// Whether a disk that is on has lost its power. Requests look at it.
pub(crate) struct Supply {
    failed: AtomicBool,
}

impl Supply {
    /// There is power.
    pub(crate) fn new() -> Self {
        Self {
            failed: AtomicBool::new(false),
        }
    }

    /// Whether the power failed.
    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Takes the power away, or gives it back. Requests under way may not have noticed until they
    /// were waited for.
    pub(crate) fn set_failed(&self, failed: bool) {
        self.failed.store(failed, Relaxed);
    }
}

/// What a disk's next crash is to be like, and what came of the last one.
pub(crate) struct Crash {
    pub(crate) lose: Loss,
    /// Whether blocks of a page are lost on their own.
    pub(crate) torn: bool,
    /// What the random numbers begin with.
    pub(crate) seed: u64,
    pub(crate) crashes: u64,
    pub(crate) losses: Losses,
}

impl Crash {
    /// All is lost, and no crash happened yet.
    pub(crate) fn new() -> Self {
        Self {
            lose: Loss::All,
            torn: false,
            seed: 0,
            crashes: 0,
            losses: Losses::default(),
        }
    }

    /// Loses the part of the cache of `contents` that is to be lost, and keeps the rest, with what
    /// `zones` there are. The disk has blocks of `block` bytes and does nothing any more.
    pub(crate) fn happen(
        &mut self,
        contents: Option<&Contents>,
        zones: Option<&Zones>,
        block: Bytes,
        held: &mut Held<'_, locks::Device>,
    ) {
        let page = Bytes::new(PAGE);
        // A device may write half a page, but no half block.
        let unit = if self.torn { block } else { block.max(page) };
        let losing = Losing {
            loss: &self.lose,
            unit: unit.sectors().max(Sectors::new(1)),
            seed: self.seed,
        };
        let mut losses = Losses::default();
        match (zones, contents) {
            (Some(zones), contents) => zones.crash(held, |start, length, held| {
                let part = contents?.crash(start, length, |sector| losing.takes(sector), held);
                losses.add(part);
                part.first_lost
            }),
            (None, Some(contents)) => {
                let (start, length) = (Sectors::new(0), Sectors::new(u64::MAX));
                losses = contents.crash(start, length, |sector| losing.takes(sector), held);
            }
            (None, None) => (),
        }
        self.losses = losses;
        self.crashes = self.crashes.wrapping_add(1);
    }
}
