// SPDX-License-Identifier: GPL-2.0

//! The contents of a memory-backed disk, and what requests do to them.

use crate::{cache::Cache, crash_loss::Losses, locks};
use blk::{
    operations::Operations,
    pages::{Allocation, Pages},
    req_op::ReqOp,
    request::{Request, Started},
    segment::Segment,
    status::Status,
    units::{Bytes, Mebibytes, Sectors},
};
use core::ops::Range;
use kernel::{alloc::AllocError, prelude::*, sync::Arc};
use sync::{held::Held, level::Before};

/// The last byte that there can be. No disk has it.
const LAST: Bytes = Bytes::new(u64::MAX);

/// The contents of a disk that is on. The pages outlive it: they are there until the disk's
/// directory is removed.
pub(crate) struct Contents {
    pages: Arc<Pages>,
    cache: Option<Pin<KBox<Cache>>>,
}

impl Contents {
    /// The contents `pages`, behind a cache of `cache_size` if that is not zero.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(pages: Arc<Pages>, cache_size: Mebibytes) -> Result<Self> {
        let cache = if cache_size.get() > 0 {
            Some(Cache::new(pages.clone(), cache_size)?)
        } else {
            None
        };
        Ok(Self { pages, cache })
    }

    /// What is kept, without what is in the cache.
    #[inline]
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Does what a request asks for, to the first `length` of what it is about. Of that only the
    /// first `written` was ever written if the disk is zoned: a read gets ones for the rest.
    #[inline]
    pub(crate) fn carry_out<T: Operations>(
        &self,
        request: &Request<T, Started>,
        length: Sectors,
        written: Sectors,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Status {
        let (Some(start), Some(length), Some(written)) =
            (request.position().bytes(), length.bytes(), written.bytes())
        else {
            return Status::IO_ERROR;
        };
        match request.op() {
            ReqOp::Read if written < length => {
                self.read_written(request, start, length, written, held)
            }
            ReqOp::Read => {
                for (at, segment) in request.segments().within(start, length) {
                    self.read(at, segment, held);
                }
            }
            ReqOp::Write | ReqOp::ZoneAppend => {
                for (at, segment) in request.segments().within(start, length) {
                    if self.write(at, segment, request.is_fua(), held).is_err() {
                        return Status::NO_SPACE;
                    }
                }
            }
            ReqOp::Discard | ReqOp::WriteZeroes => {
                // The disk is smaller than 2^63 bytes.
                let end = Bytes::new(start.get().wrapping_add(length.get()));
                self.discard(start..end, held);
            }
            _ => (),
        }
        Status::OK
    }

    /// Forgets a part of the contents.
    pub(crate) fn forget(
        &self,
        start: Sectors,
        length: Sectors,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) {
        // The disk is smaller than 2^63 bytes.
        if let (Some(start), Some(end)) = (start.bytes(), start.saturating_add(length).bytes()) {
            self.discard(start..end, held);
        }
    }

    /// Copies contents to the request's memory, up to what was written in a zone.
    fn read_written<T: Operations>(
        &self,
        request: &Request<T, Started>,
        start: Bytes,
        length: Bytes,
        written: Bytes,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) {
        for (at, segment) in request.segments().within(start, length) {
            let before = at.get().saturating_sub(start.get());
            let known = written.get().saturating_sub(before);
            let (known, rest) = segment.split_at(usize::try_from(known).unwrap_or(usize::MAX));
            self.read(at, known, held);
            rest.fill(0xff);
        }
    }

    /// Fills `to` with the contents from `at` on.
    #[inline(always)]
    fn read(&self, at: Bytes, to: Segment<'_>, held: &mut Held<'_, impl Before<locks::Cache>>) {
        match &self.cache {
            None => self.pages.read(at, to),
            Some(cache) => cache.read(at, to, held),
        }
    }

    /// Takes what is in `from` for the contents from `at` on; `fua` says that it must be kept.
    #[inline(always)]
    fn write(
        &self,
        at: Bytes,
        from: Segment<'_>,
        fua: bool,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Result<(), AllocError> {
        match &self.cache {
            None => self.pages.write(at, from, Allocation::NoIo),
            Some(cache) => cache.write(at, from, fua, held),
        }
    }

    /// Makes the contents of `range` zero.
    fn discard(&self, range: Range<Bytes>, held: &mut Held<'_, impl Before<locks::Cache>>) {
        match &self.cache {
            None => self.pages.discard(range),
            Some(cache) => cache.discard(range, held),
        }
    }

    /// Makes what was written survive a loss of power.
    pub(crate) fn flush(&self, held: &mut Held<'_, impl Before<locks::Cache>>) -> Status {
        match &self.cache {
            Some(cache) if cache.flush(held).is_err() => Status::NO_SPACE,
            _ => Status::OK,
        }
    }

    /// [`Cache::crash`], if there is a cache.
    pub(crate) fn crash(
        &self,
        start: Sectors,
        length: Sectors,
        is_lost: impl Fn(Sectors) -> bool,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Losses {
        match &self.cache {
            Some(cache) => {
                let end = start.saturating_add(length).bytes();
                let range = start.bytes().unwrap_or(LAST)..end.unwrap_or(LAST);
                cache.crash(range, is_lost, held)
            }
            None => Losses::default(),
        }
    }
}
