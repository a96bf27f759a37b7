// SPDX-License-Identifier: GPL-2.0

//! What happens to a request: a type for each way to complete it.
//!
//! The buffers of a read stay as they are, as with C null_blk without memory behind it.

use blk::{
    batch::Batch,
    operations::{Operations, QueueData},
    request::{IdleRequest, Refused},
};
use kernel::prelude::*;
use sync::{
    context::{Atomic, NoIo},
    held::Held,
};

/// `irqmode=0`: a request completes where it is submitted.
pub(crate) enum Inline {}

impl Operations for Inline {
    type QueueData = ();
    type HwData = ();
    type Context = Atomic;

    fn init_hctx(_queue: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
        Ok(())
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch,
        _held: &mut Held<'_, Atomic>,
    ) -> Result<(), Refused<'call, Self>> {
        batch.end(request.start());
        Ok(())
    }
}

/// `irqmode=1`: a request completes where the queue's settings want it (`rq_affinity`), in softirq
/// context if that is elsewhere or if there is one queue for several CPUs.
pub(crate) enum Softirq {}

impl Operations for Softirq {
    type QueueData = ();
    type HwData = ();
    type Context = Atomic;

    fn init_hctx(_queue: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
        Ok(())
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch,
        _held: &mut Held<'_, Atomic>,
    ) -> Result<(), Refused<'call, Self>> {
        if let Some(request) = request.start().complete() {
            batch.end(request);
        }
        Ok(())
    }
}
