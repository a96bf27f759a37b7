// SPDX-License-Identifier: GPL-2.0

//! Requests that fail because of bad sectors.

use crate::options::Settings;
use blk::{
    bad_blocks::BadBlocks,
    units::{Bytes, Sectors},
};
use kernel::sync::Arc;

/// The bad sectors of a disk that is on.
pub(crate) struct BadSectors {
    table: Arc<BadBlocks>,
    /// Whether sectors become good when a request fails because of them.
    once: bool,
    /// Whether a request is carried out up to the first bad block.
    partial_io: bool,
    block: Sectors,
}

impl BadSectors {
    /// The bad sectors in `table`, with what `settings` say of them.
    pub(crate) fn new(table: Arc<BadBlocks>, settings: &Settings) -> Self {
        Self {
            table,
            once: settings.badblocks_once,
            partial_io: settings.badblocks_partial_io,
            block: Bytes::new(settings.blocksize.into()).sectors(),
        }
    }

    /// Whether any disk has bad sectors. This is quick, and to be asked first.
    #[inline(always)]
    pub(crate) fn are_there_any() -> bool {
        BadBlocks::are_there_any()
    }

    /// Whether a request for `length` sectors from `start` on is to fail. If so, returns how many
    /// of them it reads or writes all the same.
    #[inline]
    pub(crate) fn check(&self, start: Sectors, length: Sectors) -> Option<Sectors> {
        let bad = self.table.first_in(start, length)?;
        if self.once {
            // There is nobody to tell if the table is too full to have a range divided.
            let last = Sectors::new(bad.end.get().saturating_sub(1));
            let _ = self.table.remove(bad.start, last);
        }
        let first_bad = bad.start.get();
        let block = self.block.get().max(1);
        let good = (first_bad - first_bad % block).saturating_sub(start.get());
        Some(Sectors::new(if self.partial_io { good } else { 0 }))
    }
}
