// SPDX-License-Identifier: GPL-2.0

//! The write cache of a memory-backed disk: what is in it is lost when the disk is turned off.

use crate::{
    crash_loss::Losses,
    locks::{self, Sleeping},
};
use blk::{
    pages::{Allocation, Pages, PAGE},
    segment::Segment,
    units::{Bytes, Mebibytes, Sectors, SECTOR},
};
use core::ops::Range;
use kernel::{alloc::AllocError, new_mutex, prelude::*, rbtree::RBTree, sync::Arc};
use sync::{held::Held, level::Before, lock::Lock};

/// How many pages are written back at a time to make room.
const EVICTED: usize = 16;

/// A cache in front of a disk's pages.
#[pin_data]
pub(crate) struct Cache {
    /// What is cached, where the disk has it.
    cached: Arc<Pages>,
    disk: Arc<Pages>,
    #[pin]
    state: Sleeping<State, locks::Cache>,
}

/// What the lock of a [`Cache`] protects, besides the order of what is done to the pages.
struct State {
    /// The pages that are cached by their numbers, with a bit for each sector that is.
    sectors: RBTree<u64, u8>,
    count: u64,
    /// The most pages that may be cached.
    limit: u64,
    /// The page that was written back last.
    position: u64,
}

impl Cache {
    /// An empty cache of `size` for `disk`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(disk: Arc<Pages>, size: Mebibytes) -> Result<Pin<KBox<Self>>> {
        let cached = Arc::pin_init(Pages::new(), GFP_KERNEL)?;
        let limit = size.bytes().map_or(u64::MAX, Bytes::get) / PAGE;
        let state = State {
            sectors: RBTree::new(),
            count: 0,
            limit,
            position: 0,
        };
        let cache = pin_init!(Self {
            cached,
            disk,
            state <- Lock::new(new_mutex!(state)),
        });
        KBox::pin_init(cache, GFP_KERNEL)
    }

    /// Fills `to` with the contents from `at` on.
    pub(crate) fn read(
        &self,
        at: Bytes,
        to: Segment<'_>,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) {
        let (state, _) = self.state.lock(held);
        for (at, piece) in by_sector(at, to) {
            if state.has(at) {
                self.cached.read(at, piece);
            } else {
                self.disk.read(at, piece);
            }
        }
    }

    /// Takes what is in `from` for the contents from `at` on, into the cache, or `around` it.
    ///
    /// # Errors
    ///
    /// If memory is short.
    pub(crate) fn write(
        &self,
        at: Bytes,
        from: Segment<'_>,
        around: bool,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Result<(), AllocError> {
        let (mut state, _) = self.state.lock(held);
        for (at, piece) in by_sector(at, from) {
            if around {
                self.disk.write(at, piece, Allocation::NoIo)?;
                self.forget_sector(&mut state, at);
                continue;
            }
            if state.count + 1 >= state.limit {
                self.write_back(&mut state, EVICTED)?;
            }
            self.cached.write(at, piece, Allocation::NoIo)?;
            state.add(at)?;
        }
        Ok(())
    }

    /// Forgets the contents of `range`, which begins and ends with a sector.
    pub(crate) fn discard(
        &self,
        range: Range<Bytes>,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) {
        let (mut state, _) = self.state.lock(held);
        let mut next = range.start.get() / PAGE;
        while let Some((page, _)) = state
            .first_from(next)
            .filter(|(page, _)| page * PAGE < range.end.get())
        {
            for sector in 0..PAGE / SECTOR {
                let at = Bytes::new(page * PAGE + sector * SECTOR);
                if range.contains(&at) {
                    self.forget_sector(&mut state, at);
                }
            }
            next = page + 1;
        }
        self.disk.discard(range);
    }

    /// Writes everything back.
    ///
    /// # Errors
    ///
    /// If memory is short.
    pub(crate) fn flush(
        &self,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Result<(), AllocError> {
        let (mut state, _) = self.state.lock(held);
        while state.count > 0 {
            self.write_back(&mut state, EVICTED)?;
        }
        Ok(())
    }

    /// Empties the cache of `range`, which begins and ends with a page: loses the sectors that
    /// `is_lost` says and writes the others back, those excepted that there is no memory for.
    pub(crate) fn crash(
        &self,
        range: Range<Bytes>,
        is_lost: impl Fn(Sectors) -> bool,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Losses {
        let (mut state, _) = self.state.lock(held);
        let mut losses = Losses::default();
        let first = range.start.get() / PAGE;
        while let Some((page, sectors)) = state
            .first_from(first)
            .filter(|(page, _)| page * PAGE < range.end.get())
        {
            for at in places(page, sectors) {
                let copied = || self.cached.copy_sector(at, &self.disk, Allocation::NoIo);
                if is_lost(at.sectors()) || copied().is_err() {
                    losses.lost += 1;
                    losses.first_lost.get_or_insert(at.sectors());
                } else {
                    losses.kept += 1;
                }
            }
            self.drop_page(&mut state, page);
        }
        losses
    }

    /// Writes up to `pages` pages back, in turn.
    fn write_back(&self, state: &mut State, pages: usize) -> Result<(), AllocError> {
        for _ in 0..pages {
            let Some((page, sectors)) = state.first_from(state.position) else {
                if state.position == 0 {
                    break;
                }
                state.position = 0;
                continue;
            };
            for at in places(page, sectors) {
                self.cached.copy_sector(at, &self.disk, Allocation::NoIo)?;
            }
            state.position = page;
            self.drop_page(state, page);
        }
        Ok(())
    }

    /// Takes the sector at `at` out of the cache.
    fn forget_sector(&self, state: &mut State, at: Bytes) {
        let (page, bit) = place(at);
        let Some(sectors) = state.sectors.get_mut(&page) else {
            return;
        };
        *sectors &= !bit;
        if *sectors == 0 {
            self.drop_page(state, page);
        }
    }

    /// Takes a page out of the cache.
    fn drop_page(&self, state: &mut State, page: u64) {
        if state.sectors.remove(&page).is_some() {
            state.count -= 1;
            let start = page * PAGE;
            self.cached
                .discard(Bytes::new(start)..Bytes::new(start + PAGE));
        }
    }
}

impl State {
    /// Whether the sector at `at` is cached.
    fn has(&self, at: Bytes) -> bool {
        let (page, bit) = place(at);
        self.sectors
            .get(&page)
            .is_some_and(|sectors| sectors & bit != 0)
    }

    /// Notes that the sector at `at` is cached.
    fn add(&mut self, at: Bytes) -> Result<(), AllocError> {
        let (page, bit) = place(at);
        if let Some(sectors) = self.sectors.get_mut(&page) {
            *sectors |= bit;
            return Ok(());
        }
        // A request must not wait for memory that others wait for it to free.
        self.sectors
            .try_create_and_insert(page, bit, GFP_ATOMIC)
            .map_err(|_| AllocError)?;
        self.count += 1;
        Ok(())
    }

    /// The first page from `page` on that is cached, and which of its sectors are.
    fn first_from(&self, page: u64) -> Option<(u64, u8)> {
        let cursor = self.sectors.cursor_lower_bound(&page)?;
        let (page, sectors) = cursor.current();
        Some((*page, *sectors))
    }
}

/// Where the sectors of a page are that have a bit in `sectors`.
fn places(page: u64, sectors: u8) -> impl Iterator<Item = Bytes> {
    (0..PAGE / SECTOR)
        .filter(move |sector| sectors & (1 << sector) != 0)
        .map(move |sector| Bytes::new(page * PAGE + sector * SECTOR))
}

/// The page that a byte is in, and the bit of its sector there.
fn place(at: Bytes) -> (u64, u8) {
    (at.get() / PAGE, 1 << (at.get() % PAGE / SECTOR))
}

/// The parts of `segment` that lie in one sector each, with their places, the first at `at`.
fn by_sector(at: Bytes, segment: Segment<'_>) -> impl Iterator<Item = (Bytes, Segment<'_>)> {
    let mut rest = Some(segment);
    let mut at = at.get();
    core::iter::from_fn(move || {
        let segment = rest.take().filter(|segment| segment.len() > 0)?;
        let room = SECTOR - at % SECTOR;
        // CAST: At most the size of a sector.
        let (now, later) = segment.split_at(room as usize);
        let here = Bytes::new(at);
        at += room;
        rest = Some(later);
        Some((here, now))
    })
}
