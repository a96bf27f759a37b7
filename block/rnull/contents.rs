// SPDX-License-Identifier: GPL-2.0

//! The contents of a memory-backed disk, and what requests do to them.

use crate::general::General;
use blk::{
    pages::{Allocation, Pages},
    req_op::ReqOp,
    request::{Request, Started},
    status::Status,
    units::{Bytes, Sectors},
};
use kernel::sync::Arc;

/// The contents of a disk that is on. The pages outlive it: they are there until the disk's
/// directory is removed.
pub(crate) struct Contents {
    pages: Arc<Pages>,
}

impl Contents {
    /// The contents `pages`.
    pub(crate) fn new(pages: Arc<Pages>) -> Self {
        Self { pages }
    }

    /// Does what a request asks for, to the first `length` of what it is about.
    #[inline]
    pub(crate) fn carry_out(&self, request: &Request<General, Started>, length: Bytes) -> Status {
        let Some(start) = request.position().bytes() else {
            return Status::IO_ERROR;
        };
        match request.op() {
            ReqOp::Read => self.read(request, start, length),
            ReqOp::Write | ReqOp::ZoneAppend => self.write(request, start, length),
            ReqOp::Discard | ReqOp::WriteZeroes => {
                // The disk is smaller than 2^63 bytes.
                let end = Bytes::new(start.get().wrapping_add(length.get()));
                self.pages.discard(start..end);
                Status::OK
            }
            _ => Status::OK,
        }
    }

    /// Forgets a part of the contents.
    pub(crate) fn forget(&self, start: Sectors, length: Sectors) {
        // The disk is smaller than 2^63 bytes.
        if let (Some(start), Some(end)) = (start.bytes(), start.saturating_add(length).bytes()) {
            self.pages.discard(start..end);
        }
    }

    /// Reads a zone of which the first `written` of what the request is about was written: the
    /// rest is ones.
    pub(crate) fn read_written(
        &self,
        request: &Request<General, Started>,
        written: Sectors,
    ) -> Status {
        if request.op() != ReqOp::Read {
            return self.carry_out(request, request.length());
        }
        let (Some(start), Some(written)) = (request.position().bytes(), written.bytes()) else {
            return Status::IO_ERROR;
        };
        for (at, segment) in request.segments().within(start, request.length()) {
            let before = at.get().saturating_sub(start.get());
            let known = written.get().saturating_sub(before);
            let (known, rest) = segment.split_at(usize::try_from(known).unwrap_or(usize::MAX));
            self.pages.read(at, known);
            rest.fill(0xff);
        }
        Status::OK
    }

    /// Copies contents to the request's memory.
    #[inline]
    fn read(&self, request: &Request<General, Started>, start: Bytes, length: Bytes) -> Status {
        for (at, segment) in request.segments().within(start, length) {
            self.pages.read(at, segment);
        }
        Status::OK
    }

    /// Copies the request's memory to the contents.
    #[inline]
    fn write(&self, request: &Request<General, Started>, start: Bytes, length: Bytes) -> Status {
        for (at, segment) in request.segments().within(start, length) {
            if self.pages.write(at, segment, Allocation::NoIo).is_err() {
                return Status::NO_SPACE;
            }
        }
        Status::OK
    }
}
