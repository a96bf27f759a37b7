// SPDX-License-Identifier: GPL-2.0

//! The functions of a driver that blk-mq calls.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    batch::Batch,
    fifo::Holder,
    request::{Completed, IdleRequest, Refused, Request, Started, TimedOut},
    request_list::{add_tail, RequestList},
    status::Status,
    tag_set::TagSet,
    units::Sectors,
    zone::ZoneReport,
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{bindings, prelude::*, types::ForeignOwnable};
use sync::{
    context::{Atomic, Context, NoIo, Softirq},
    held::Held,
};

/// What a driver's function gets of [`Operations::QueueData`].
pub type QueueData<'a, T> = <<T as Operations>::QueueData as ForeignOwnable>::Borrowed<'a>;

/// What a driver's function gets of [`Operations::HwData`].
pub type HwData<'a, T> = <<T as Operations>::HwData as ForeignOwnable>::Borrowed<'a>;

/// A driver, as blk-mq sees it (`struct blk_mq_ops`).
///
/// The C table is generated for each implementation, with the functions of the implementation
/// inlined into its loops: a driver whose disks differ implements the trait once for each kind of
/// disk and decides when it makes the disk, not for each request.
///
/// # Context
///
/// What each function may do stands in the type of its `held`. All run on several CPUs at once,
/// hence the bounds `Send` and `Sync` on the data.
pub trait Operations: Sized + 'static {
    /// Data of a disk, shared by all its queues. It lives in the disk's
    /// [`Disk`](crate::disk::Disk) and is dropped with it.
    type QueueData: ForeignOwnable + Send + Sync;

    /// Data of one hardware queue of a disk. blk-mq makes and drops it together with the queue.
    type HwData: ForeignOwnable + Send + Sync;

    /// The module that the functions are part of: `&THIS_MODULE`. An open disk pins it.
    const MODULE: &'static ThisModule;

    /// Whether `queue_rq` may sleep ([`NoIo`]) or not ([`Atomic`], which costs less).
    type Context: QueueContext;

    /// Data of one request. It is zeroed when the tag set is made, and otherwise as the last use
    /// of the request left it; it is not dropped. `()` costs nothing.
    ///
    /// [`Operations::timeout`] looks at it while another CPU works on the request, hence `Sync`.
    type RequestData: Zeroable + Send + Sync;

    /// Makes the data of hardware queue number `index` of a disk.
    ///
    /// # Errors
    ///
    /// An error makes the disk, or the change of its number of queues, fail. blk-mq does not pass
    /// its number on: users see `ENOMEM`.
    fn init_hctx(
        queue: QueueData<'_, Self>,
        index: u32,
        held: &mut Held<'_, NoIo>,
    ) -> Result<Self::HwData>;

    /// Takes one request, or refuses it.
    ///
    /// It is called for a request alone as well as for each request of a list (`->queue_rqs`).
    /// Requests that it passes to `batch` end together when the call, or the list, is over.
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        held: &mut Held<'_, Self::Context>,
    ) -> Result<(), Refused<'call, Self>>;

    /// Ends a request that [`Request::complete`] sent here.
    fn complete(request: Request<Self, Completed>, _held: &mut Held<'_, Softirq>) {
        request.end(Status::OK);
    }

    /// Where a request waits that `queue_rq` gave to [`Batch::hold`], in the data of its hardware
    /// queue. A driver that lets none wait needs no such place.
    fn holder<'a>(
        _hw: HwData<'a, Self>,
        _request: &Request<Self, Started>,
    ) -> Option<&'a dyn Holder<Self>> {
        None
    }

    /// Looks for requests that are done in a queue for polling, and ends them; returns how many.
    fn poll(_hw: HwData<'_, Self>, _batch: &mut Batch<Self>, _held: &mut Held<'_, Atomic>) -> u32 {
        0
    }

    /// Hears of a request that is not done after the tag set's timeout. It is called once for a
    /// request. The driver ends the request if it finds it where it keeps requests (see
    /// [`Fifo::remove`](crate::fifo::Fifo::remove)); otherwise it ends it when it is done.
    fn timeout(_request: TimedOut<'_, Self>, _held: &mut Held<'_, Atomic>) {}

    /// Hears that no request comes any more and none is under way, before the disk's queue goes: the
    /// last time to stop what uses it.
    fn stopped(_queue: QueueData<'_, Self>) {}

    /// Reports the zones of a zoned disk, from the one that the sector `from` is in, as long as
    /// more are wanted. A disk that reports none cannot be a zoned one.
    ///
    /// # Errors
    ///
    /// Those of the report.
    fn report_zones(
        _queue: QueueData<'_, Self>,
        _from: Sectors,
        _report: &mut ZoneReport<'_>,
        _held: &mut Held<'_, NoIo>,
    ) -> Result {
        Ok(())
    }
}

/// A context that [`Operations::queue_rq`] can run in.
pub trait QueueContext: Context {
    /// The flags of a tag set (`BLK_MQ_F_*`) that make it so.
    const FLAGS: c_uint;
}

/// Under RCU.
impl QueueContext for Atomic {
    const FLAGS: c_uint = 0;
}

/// Under SRCU, without help of the context that submits.
impl QueueContext for NoIo {
    const FLAGS: c_uint = bindings::BLK_MQ_F_BLOCKING;
}

/// Makes the C table of an implementation of [`Operations`].
///
/// The safety requirements of its functions are those of `struct blk_mq_ops`; that they hold is
/// up to blk-mq, which is the only caller.
pub(crate) struct OperationsTable<T: Operations>(PhantomData<T>);

impl<T: Operations> OperationsTable<T> {
    /// The table. It is constant, so that a disk that outlives its [`crate::disk::Disk`] because
    /// somebody holds it open still has it.
    pub(crate) const TABLE: &'static bindings::blk_mq_ops = &bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: Some(Self::queue_rqs),
        complete: Some(Self::complete),
        init_hctx: Some(Self::init_hctx),
        exit_hctx: Some(Self::exit_hctx),
        map_queues: Some(TagSet::<T>::map_queues),
        poll: Some(Self::poll),
        timeout: Some(Self::timeout),
        ..pin_init::zeroed()
    };

    /// `->queue_rq`.
    ///
    /// # Safety
    ///
    /// `bd` must be valid, and `bd.rq` an idle request of a queue with this table, given up by
    /// blk-mq for the call, and for good if the function returns `BLK_STS_OK`.
    unsafe extern "C" fn queue_rq(
        _hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: By this function's contract `bd` and the request in it are valid, and the
        // request is the driver's.
        let request = unsafe { IdleRequest::from_raw(NonNull::new_unchecked((*bd).rq)) };

        // SAFETY: the tag set's flags make blk-mq call this in this context, with no lock of the driver.
        let mut held = unsafe { Held::outermost() };
        match T::queue_rq(request, &mut Batch::new(), &mut held) {
            Ok(()) => Status::OK.raw(),
            Err(refused) => refused.into_status().raw(),
        }
    }

    /// `->queue_rqs`.
    ///
    /// # Safety
    ///
    /// `list` must be valid and hold idle requests of queues with this table, given up by blk-mq
    /// for the call, and for good if they are not in the list when the function returns.
    unsafe extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: By this function's contract `list` is valid and nobody else's for the call.
        let list = unsafe { &mut *list };
        // SAFETY: By this function's contract the requests are as the function wants them.
        let mut requests = unsafe { RequestList::take(list) };
        let mut refused = RequestList::new();

        // SAFETY: As in `queue_rq`.
        let mut held = unsafe { Held::outermost() };
        let mut batch = Batch::new();
        while let Some(request) = requests.pop() {
            if let Err(request) = T::queue_rq(request, &mut batch, &mut held) {
                refused.push(request.into_request());
            }
        }
        // The ends of the requests can submit others, which go to the end of the caller's list.
        drop(batch);

        // blk-mq offers what it finds in the list again, one by one.
        while let Some(request) = refused.pop() {
            // SAFETY: The list is the caller's, who takes the request back; what may have been
            // added to it since is a chain made by `rq_list_add_tail()`.
            unsafe { add_tail(list, request.into_raw()) };
        }
    }

    /// `->complete`.
    ///
    /// # Safety
    ///
    /// `request` must be one that [`Request::complete`] gave to blk-mq, and must not be touched
    /// by blk-mq afterwards.
    unsafe extern "C" fn complete(request: *mut bindings::request) {
        // SAFETY: By this function's contract the request is valid and the driver's again;
        // `blk_mq_complete_request_remote()` put it into state `MQ_RQ_COMPLETE`.
        let request = unsafe { Request::from_completed(NonNull::new_unchecked(request)) };
        // SAFETY: blk-mq calls this in softirq context, or on the way of a CPU that goes in
        // process context, with no lock of the driver.
        T::complete(request, &mut unsafe { Held::outermost() });
    }

    /// `->poll`.
    ///
    /// # Safety
    ///
    /// `hctx` must be valid and one that [`Self::init_hctx`] succeeded on, for the call.
    unsafe extern "C" fn poll(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _batch: *mut bindings::io_comp_batch,
    ) -> c_int {
        // SAFETY: By this function's contract `driver_data` is what `into_foreign()` returned; the
        // caller holds a reference on the queue, so that `exit_hctx()` is not called meanwhile.
        let hw = unsafe { T::HwData::borrow((*hctx).driver_data) };
        // The caller's batch may be missing, and would not have more requests than this one.
        // SAFETY: The submitter calls this in process context, under RCU, with no lock of the
        // driver.
        let done = T::poll(hw, &mut Batch::new(), &mut unsafe { Held::outermost() });
        // CAST: There are fewer than 2^31 requests.
        done as c_int
    }

    /// `->timeout`.
    ///
    /// # Safety
    ///
    /// `request` must be one of a queue with this table that was started, and referenced for the
    /// call so that it is not used for something else.
    unsafe extern "C" fn timeout(request: *mut bindings::request) -> bindings::blk_eh_timer_return {
        // SAFETY: By this function's contract.
        let request = unsafe { TimedOut::from_raw(NonNull::new_unchecked(request)) };
        // SAFETY: blk-mq calls this from a work item, under SRCU, with no lock of the driver.
        T::timeout(request, &mut unsafe { Held::outermost() });
        bindings::blk_eh_timer_return_BLK_EH_DONE
    }

    /// `->init_hctx`.
    ///
    /// # Safety
    ///
    /// `hctx` must be valid, not be in use yet, and belong to a queue made by
    /// [`Disk::new`](crate::disk::Disk::new) for `T`.
    unsafe extern "C" fn init_hctx(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _driver_data: *mut c_void,
        index: c_uint,
    ) -> c_int {
        // SAFETY: By this function's contract the queue is valid, and `queuedata` was set by
        // `blk_mq_alloc_queue()`, before the first call of this function, to what
        // `into_foreign()` returned. It is converted back after `exit_hctx()` of all queues.
        let queue = unsafe { T::QueueData::borrow((*(*hctx).queue).queuedata) };

        kernel::error::from_result(|| {
            // SAFETY: blk-mq calls this in process context, on the way of a function that took a
            // `Held`, with the disk's requests held back.
            let mut held = unsafe { Held::outermost() };
            let data = T::init_hctx(queue, index, &mut held)?.into_foreign();
            // SAFETY: By this function's contract `hctx` is valid and nobody else uses it.
            unsafe { (*hctx).driver_data = data };
            Ok(0)
        })
    }

    /// `->exit_hctx`.
    ///
    /// # Safety
    ///
    /// `hctx` must be one that [`Self::init_hctx`] succeeded on, once for each success, and have
    /// no requests in flight.
    unsafe extern "C" fn exit_hctx(hctx: *mut bindings::blk_mq_hw_ctx, _index: c_uint) {
        // SAFETY: By this function's contract `driver_data` is what `into_foreign()` returned in
        // `init_hctx()`, and with no requests in flight nobody borrows it.
        drop(unsafe { T::HwData::from_foreign((*hctx).driver_data) });
    }
}
