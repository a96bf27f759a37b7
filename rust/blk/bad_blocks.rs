// SPDX-License-Identifier: GPL-2.0

//! Ranges of sectors that cannot be read or written.
//!
//! C header: [`include/linux/badblocks.h`](srctree/include/linux/badblocks.h)

use crate::{static_key, units::Sectors};
use blk_bindings::badblocks;
use core::{
    ops::Range,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};
use kernel::{
    error::to_result,
    fmt::{self, Write},
    prelude::*,
    types::Opaque,
};
use sync::{context::Process, held::Held, level::Level};

/// A table of bad sectors, of up to 512 ranges of up to 512 sectors. Looking something up takes no
/// lock.
#[pin_data(PinnedDrop)]
pub struct BadBlocks {
    #[pin]
    raw: Opaque<badblocks>,
    /// Whether there ever was a bad sector, or somebody said that some were good.
    in_use: AtomicBool,
    /// The sector behind the last one that ever was bad.
    end: AtomicU64,
}

/// The sector behind the last one that a table has room for.
const END: u64 = 1 << 54;

/// The most sectors that C clears at once: it counts them in an `int`, and goes on for ever, with
/// interrupts off, where that is 0.
const MOST_CLEARED: u64 = 1 << 30;

// SAFETY: The table may be freed on any CPU.
unsafe impl Send for BadBlocks {}

// SAFETY: The C functions synchronise all access with a lock in the table.
unsafe impl Sync for BadBlocks {}

impl BadBlocks {
    /// An empty table.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            raw <- Opaque::try_ffi_init(|raw: *mut badblocks| {
                // SAFETY: The place is valid and will not move. The function expects it zeroed.
                unsafe { raw.write(pin_init::zeroed()) };
                // SAFETY: As above.
                to_result(unsafe { blk_bindings::badblocks_init(raw, 1) })
            }),
            in_use: AtomicBool::new(false),
            end: AtomicU64::new(0),
        })
    }

    /// Makes the sectors of `range` bad. The end of the range is in it, as users write it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the table is full, or has no room for sectors as high: for those from 2^54 on.
    pub fn add(
        &self,
        first: Sectors,
        last: Sectors,
        held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result {
        let len = Self::len(first, last)?;
        if last.get() >= END {
            return Err(EINVAL);
        }
        self.in_use.store(true, Relaxed);
        self.end.fetch_max(last.get().saturating_add(1), Relaxed);
        static_key::use_bad_blocks(held);
        // SAFETY: The table is initialised.
        match unsafe { blk_bindings::badblocks_set(self.raw.get(), first.get(), len, 1) } {
            true => Ok(()),
            false => Err(EINVAL),
        }
    }

    /// Makes the sectors of `range` good. The end of the range is in it, as users write it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the table is full, or the range has 2^64 sectors.
    pub fn remove(&self, first: Sectors, last: Sectors) -> Result {
        Self::len(first, last)?;
        self.in_use.store(true, Relaxed);
        let end = last.get().saturating_add(1).min(self.end.load(Relaxed));
        let mut start = first.get();
        while start < end {
            let len = end.saturating_sub(start).min(MOST_CLEARED);
            // SAFETY: The table is initialised.
            if !unsafe { blk_bindings::badblocks_clear(self.raw.get(), start, len) } {
                return Err(EINVAL);
            }
            start = start.saturating_add(len);
        }
        Ok(())
    }

    /// The number of sectors from `first` to `last`.
    fn len(first: Sectors, last: Sectors) -> Result<u64> {
        let beyond = last.get().checked_sub(first.get()).ok_or(EINVAL)?;
        beyond.checked_add(1).ok_or(EINVAL)
    }

    /// Whether any table of the module ever had a bad sector. While none had, asking costs one
    /// instruction without effect.
    #[inline(always)]
    pub fn are_there_any() -> bool {
        static_key::are_bad_blocks_in_use()
    }

    /// The first bad sectors among the `len` from `start` on. Any context.
    #[inline]
    pub fn first_in(&self, start: Sectors, len: Sectors) -> Option<Range<Sectors>> {
        if !Self::are_there_any() || !self.in_use.load(Relaxed) {
            return None;
        }
        let (mut first, mut bad) = (0, 0);
        // SAFETY: The table is initialised.
        let found = unsafe {
            blk_bindings::badblocks_check(
                self.raw.get(),
                start.get(),
                len.get(),
                &mut first,
                &mut bad,
            )
        };
        (found != 0).then(|| Sectors::new(first)..Sectors::new(first.saturating_add(bad)))
    }

    /// Writes the table: a line for each range, with its first sector and its length.
    ///
    /// # Errors
    ///
    /// Those of `out`, and `ENOMEM`.
    pub fn print(&self, out: &mut dyn Write) -> Result {
        if !self.in_use.load(Relaxed) {
            return Ok(());
        }
        let mut page = KVec::from_elem(0u8, kernel::page::PAGE_SIZE, GFP_KERNEL)?;
        // SAFETY: The table is initialised, and the buffer is as long as the function wants it.
        let len =
            unsafe { blk_bindings::badblocks_show(self.raw.get(), page.as_mut_ptr().cast(), 0) };
        let len = usize::try_from(len).map_err(|_| EINVAL)?;
        let text = core::str::from_utf8(page.get(..len).unwrap_or(&page)).map_err(|_| EINVAL)?;
        Ok(fmt::Write::write_str(out, text)?)
    }
}

#[pinned_drop]
impl PinnedDrop for BadBlocks {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The table is initialised, and nobody uses it any more.
        unsafe { blk_bindings::badblocks_exit(self.raw.get()) };
    }
}
