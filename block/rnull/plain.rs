// SPDX-License-Identifier: GPL-2.0

//! What happens to a request on a disk that does nothing with it: the quick way.
//!
//! The buffers of a read stay as they are, as with C null_blk without memory behind it.

use crate::{bad_sectors::BadSectors, completion::Completion, fault::Faults, THIS_MODULE};
use blk::{
    batch::Batch,
    fifo::Holder,
    operations::{HwData, Operations, QueueData},
    poll_list::PollList,
    request::{IdleRequest, Refused, Request, Started, TimedOut},
    status::Status,
    units::Sectors,
};
use core::{marker::PhantomData, ops::Deref};
use kernel::{prelude::*, sync::Arc};
use sync::{
    context::{Atomic, NoIo},
    held::Held,
};

/// What users can change while the disk is on.
pub(crate) struct Watch {
    /// The sectors for which requests fail.
    pub(crate) bad_sectors: BadSectors,
    /// Of these only those of hardware queues.
    pub(crate) faults: Arc<Faults>,
}

/// Whether a request is for bad sectors. Apart, so that disks without any have a short loop.
#[cold]
#[inline(never)]
fn is_bad(watch: &Watch, start: Sectors, length: Sectors) -> bool {
    watch.bad_sectors.check(start, length).is_some()
}

/// Whether a request is to fail.
#[inline(always)]
fn fails<'a, T: Operations>(request: &'a Request<T, Started>) -> bool
where
    QueueData<'a, T>: Deref<Target = Watch>,
{
    BadSectors::are_there_any()
        && is_bad(
            &request.queue_data(),
            request.position(),
            request.length().sectors(),
        )
}

/// A disk without queues for polling. Nothing is kept for a request.
pub(crate) struct Plain<C>(PhantomData<C>);

impl<C: Completion> Operations for Plain<C> {
    type QueueData = Arc<Watch>;
    type HwData = ();
    type RequestData = ();
    type Context = Atomic;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(watch: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
        watch.faults.hw_queue()
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        _held: &mut Held<'_, Atomic>,
    ) -> Result<(), Refused<'call, Self>> {
        let request = request.start();
        if fails(&request) {
            request.end(Status::IO_ERROR);
        } else {
            C::complete(request, batch);
        }
        Ok(())
    }

    fn timeout(_request: TimedOut<'_, Self>, _held: &mut Held<'_, Atomic>) {
        pr_info!("a request timed out\n");
    }
}

/// A disk with queues for polling, in which requests wait for [`Operations::poll`].
pub(crate) struct Polled<C>(PhantomData<C>);

impl<C: Completion> Operations for Polled<C> {
    type QueueData = Arc<Watch>;
    type HwData = Pin<KBox<PollList<Self>>>;
    type RequestData = ();
    type Context = Atomic;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(
        watch: QueueData<'_, Self>,
        _index: u32,
        _held: &mut Held<'_, NoIo>,
    ) -> Result<Self::HwData> {
        watch.faults.hw_queue()?;
        KBox::pin_init(PollList::new(), GFP_KERNEL)
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        _held: &mut Held<'_, Atomic>,
    ) -> Result<(), Refused<'call, Self>> {
        let request = request.start();
        if fails(&request) {
            request.end(Status::IO_ERROR);
        } else if request.is_polled() {
            batch.hold(request);
        } else {
            C::complete(request, batch);
        }
        Ok(())
    }

    fn holder<'a>(
        waiting: HwData<'a, Self>,
        _request: &Request<Self, Started>,
    ) -> Option<&'a dyn Holder<Self>> {
        Some(waiting.get_ref())
    }

    #[inline]
    fn poll(
        waiting: HwData<'_, Self>,
        batch: &mut Batch<Self>,
        _held: &mut Held<'_, Atomic>,
    ) -> u32 {
        let mut requests = waiting.take();
        let mut ended = 0;
        while let Some(request) = requests.pop() {
            batch.end(request);
            ended += 1;
        }
        ended
    }

    fn timeout(request: TimedOut<'_, Self>, _held: &mut Held<'_, Atomic>) {
        pr_info!("a request timed out\n");
        let found = request.hw_data().remove(&request);
        if let Some(request) = found {
            request.end(Status::TIMEOUT);
        }
    }
}
