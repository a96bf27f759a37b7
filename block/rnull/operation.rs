// SPDX-License-Identifier: GPL-2.0

//! The kinds of requests that users tell apart.

use blk::req_op::ReqOp;
use kernel::prelude::*;

/// A kind of requests.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Read,
    Write,
    Flush,
    Discard,
    WriteZeroes,
    ZoneAppend,
    /// Whatever changes a zone's condition.
    ZoneManagement,
}

/// How many kinds there are.
pub(crate) const OPERATIONS: usize = 7;

/// What users call them: the names of files, each at the place that [`Operation::index`] says.
pub(crate) const NAMES: [&CStr; OPERATIONS] = [
    c"read",
    c"write",
    c"flush",
    c"discard",
    c"write_zeroes",
    c"zone_append",
    c"zone_management",
];

impl Operation {
    /// The place of this kind in lists of all, below [`OPERATIONS`].
    pub(crate) const fn index(self) -> usize {
        // CAST: The numbers are those of the variants.
        self as usize
    }
}

impl From<ReqOp> for Operation {
    #[inline]
    fn from(op: ReqOp) -> Self {
        match op {
            ReqOp::Read => Self::Read,
            ReqOp::Write => Self::Write,
            ReqOp::Flush => Self::Flush,
            ReqOp::Discard => Self::Discard,
            ReqOp::WriteZeroes => Self::WriteZeroes,
            ReqOp::ZoneAppend => Self::ZoneAppend,
            // Of the others a disk gets none.
            _ => Self::ZoneManagement,
        }
    }
}
