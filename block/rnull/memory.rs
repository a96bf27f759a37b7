// SPDX-License-Identifier: GPL-2.0

//! What happens to a request on a memory-backed disk with nothing else to it: the quick way.

use crate::{
    bad_sectors::BadSectors, completion::Completion, contents::Contents, fault::Faults, THIS_MODULE,
};
use blk::{
    batch::Batch,
    operations::{Operations, QueueData},
    pages::Allocation,
    req_op::ReqOp,
    request::{IdleRequest, Refused, Request, Started, TimedOut},
    status::Status,
    units::Sectors,
};
use core::marker::PhantomData;
use kernel::{prelude::*, sync::Arc};
use sync::{
    context::{Atomic, NoIo},
    held::Held,
};

/// A disk without a write cache, as requests need it.
pub(crate) struct Disk {
    pub(crate) contents: Arc<Contents>,
    /// The sectors for which requests fail.
    pub(crate) bad_sectors: BadSectors,
    /// Of these only those of hardware queues.
    pub(crate) faults: Arc<Faults>,
}

/// A disk without queues for polling. Nothing is kept for a request.
pub(crate) struct Memory<C>(PhantomData<C>);

impl<C: Completion> Memory<C> {
    /// Reads or writes all that a request is about. Apart, so that the loop over the requests keeps
    /// its state in registers.
    #[inline(never)]
    fn transfer(request: &Request<Self, Started>, held: &mut Held<'_, NoIo>) -> Status {
        if BadSectors::are_there_any() {
            return Self::carry_out(request, held);
        }
        let disk = request.queue_data();
        let pages = disk.contents.pages();
        match (request.op(), request.position().bytes()) {
            (ReqOp::Read, Some(start)) => {
                for (at, segment) in request.segments().from(start) {
                    pages.read(at, segment);
                }
            }
            (ReqOp::Write, Some(start)) => {
                for (at, segment) in request.segments().from(start) {
                    if pages.write(at, segment, Allocation::NoIo).is_err() {
                        return Status::NO_SPACE;
                    }
                }
            }
            _ => return Self::carry_out(request, held),
        }
        Status::OK
    }

    /// Does what a request asks for, whatever it is, as far as there are no bad sectors.
    #[cold]
    #[inline(never)]
    fn carry_out(request: &Request<Self, Started>, held: &mut Held<'_, NoIo>) -> Status {
        let disk = request.queue_data();
        let (length, status) = if request.op() == ReqOp::Flush {
            (Sectors::new(0), Status::OK)
        } else {
            let wanted = request.length().sectors();
            match disk.bad_sectors.check(request.position(), wanted) {
                None => (wanted, Status::OK),
                Some(good) => (good, Status::IO_ERROR),
            }
        };
        if length == Sectors::new(0) {
            return status;
        }
        match disk.contents.carry_out(request, length, length, held) {
            Status::OK => status,
            error => error,
        }
    }
}

impl<C: Completion> Operations for Memory<C> {
    type QueueData = Arc<Disk>;
    type HwData = ();
    type RequestData = ();
    type Context = NoIo;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(disk: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
        disk.faults.hw_queue()
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        held: &mut Held<'_, NoIo>,
    ) -> Result<(), Refused<'call, Self>> {
        let request = request.start();
        match Self::transfer(&request, held) {
            Status::OK => C::complete(request, batch),
            error => request.end(error),
        }
        Ok(())
    }

    fn timeout(_request: TimedOut<'_, Self>, _held: &mut Held<'_, Atomic>) {
        pr_info!("a request timed out\n");
    }
}
