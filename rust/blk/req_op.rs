// SPDX-License-Identifier: GPL-2.0

//! What a request asks for, and where.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

use crate::{
    operations::Operations,
    request::Request,
    units::{Bytes, Sectors},
};
use core::ops::Range;
use kernel::bindings::{self, req_op};

/// What a request asks for (`enum req_op`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReqOp {
    /// Fill the buffers.
    Read,
    /// Take what is in the buffers.
    Write,
    /// Make what was written so far survive a loss of power. A disk without a write cache gets
    /// none.
    Flush,
    /// Forget the contents.
    Discard,
    /// Make the contents zero; there are no buffers.
    WriteZeroes,
    /// Write at a zone's write pointer, and say where that was.
    ZoneAppend,
    /// Open a zone.
    ZoneOpen,
    /// Close a zone.
    ZoneClose,
    /// Make a zone full.
    ZoneFinish,
    /// Make a zone empty.
    ZoneReset,
    /// Make all zones empty.
    ZoneResetAll,
    /// Something that a disk gets only if its driver asked for it.
    Other,
}

impl<T: Operations, State> Request<T, State> {
    /// What the request asks for (`req_op()`).
    #[inline]
    pub fn op(&self) -> ReqOp {
        // SAFETY: The request is ours, so that its fields can be read.
        let flags = unsafe { (*self.as_ptr().as_ptr()).cmd_flags };
        // CAST: The mask leaves 8 bits.
        match (flags & ((1 << bindings::REQ_OP_BITS) - 1)) as req_op {
            bindings::req_op_REQ_OP_READ => ReqOp::Read,
            bindings::req_op_REQ_OP_WRITE => ReqOp::Write,
            bindings::req_op_REQ_OP_FLUSH => ReqOp::Flush,
            bindings::req_op_REQ_OP_DISCARD => ReqOp::Discard,
            bindings::req_op_REQ_OP_WRITE_ZEROES => ReqOp::WriteZeroes,
            bindings::req_op_REQ_OP_ZONE_APPEND => ReqOp::ZoneAppend,
            bindings::req_op_REQ_OP_ZONE_OPEN => ReqOp::ZoneOpen,
            bindings::req_op_REQ_OP_ZONE_CLOSE => ReqOp::ZoneClose,
            bindings::req_op_REQ_OP_ZONE_FINISH => ReqOp::ZoneFinish,
            bindings::req_op_REQ_OP_ZONE_RESET => ReqOp::ZoneReset,
            bindings::req_op_REQ_OP_ZONE_RESET_ALL => ReqOp::ZoneResetAll,
            _ => ReqOp::Other,
        }
    }

    /// Whether a write must survive a loss of power once it ended (`REQ_FUA`). Only a disk that can
    /// do that gets such.
    #[inline]
    pub fn is_fua(&self) -> bool {
        // SAFETY: As above.
        let flags = unsafe { (*self.as_ptr().as_ptr()).cmd_flags };
        flags & (1 << bindings::req_flag_bits___REQ_FUA) != 0
    }

    /// Where on the disk the request begins (`blk_rq_pos()`).
    #[inline]
    pub fn position(&self) -> Sectors {
        // SAFETY: As above.
        Sectors::new(unsafe { (*self.as_ptr().as_ptr()).__sector })
    }

    /// Says where the data of a zone append went, for whoever submitted it.
    #[inline]
    pub fn set_position(&self, position: Sectors) {
        // SAFETY: The request is ours, and nobody else reads the field before it ends.
        unsafe { (*self.as_ptr().as_ptr()).__sector = position.get() };
    }

    /// How much of the disk it is about (`blk_rq_bytes()`): whole blocks, below 2^32.
    #[inline]
    pub fn length(&self) -> Bytes {
        // SAFETY: As above.
        Bytes::new(u64::from(unsafe { (*self.as_ptr().as_ptr()).__data_len }))
    }

    /// The bytes of the disk that it is about, as indices into memory; `None` if there is no such
    /// memory.
    #[inline]
    pub fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.position().bytes()?.get()).ok()?;
        let length = usize::try_from(self.length().get()).ok()?;
        Some(start..start.checked_add(length)?)
    }
}
