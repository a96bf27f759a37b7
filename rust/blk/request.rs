// SPDX-License-Identifier: GPL-2.0

//! Requests, each with exactly one owner.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)
//!
//! blk-mq hands a request to the driver in `->queue_rq` or `->queue_rqs`, and from then until the
//! driver ends it (or hands it back) touches it only where its own rules allow. The types here
//! carry that ownership: none of them is `Clone`, every way to give a request up consumes it, and
//! one that is dropped ends with an I/O error rather than being lost.
//!
//! Why a [`Request`] may be kept as long as the driver likes: an unfinished request holds a
//! reference on its queue's `q_usage_counter`, and `del_gendisk()` waits for that count. So the
//! disk, its queue, its tag set and their data all outlive the request. A driver that never ends a
//! request makes the removal of its disk wait for ever; it cannot make memory invalid.

use crate::{
    operations::{HwData, Operations, QueueData},
    status::Status,
    units::Bytes,
};
use core::{marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};
use kernel::{bindings, types::ForeignOwnable};

/// A request that the driver owns, in whatever state.
///
/// # Invariants
///
/// The pointer is to a request that blk-mq gave to this driver and that was neither ended nor
/// handed back; no other [`Owned`] points to it.
struct Owned(NonNull<bindings::request>);

// SAFETY: A request may be ended on any CPU; nothing in it is bound to the CPU it was queued on.
unsafe impl Send for Owned {}

impl Owned {
    /// Gives up the ownership without ending the request.
    #[inline]
    fn into_raw(self) -> NonNull<bindings::request> {
        ManuallyDrop::new(self).0
    }

    /// Ends the request with `status`.
    #[inline]
    fn end(self, status: Status) {
        let request = self.into_raw();
        // SAFETY: By the type's invariant the request was ours to end, and it was forgotten, so
        // that it ends once. `blk_mq_end_request()` may be called in any context, for a request
        // that was started and (as blk-mq itself does in `blk_mq_try_issue_directly()`) for one
        // that was not.
        unsafe { bindings::blk_mq_end_request(request.as_ptr(), status.raw()) };
    }

    /// The data of the request's queue.
    #[inline]
    fn queue_data<T: Operations>(&self) -> QueueData<'_, T> {
        // SAFETY: By the type's invariant the request is valid, and it has a queue from its
        // allocation to its end. `queuedata` was set by `Disk::new()` to what `into_foreign()`
        // returned and is converted back only after `del_gendisk()`, which waits for this request.
        unsafe { T::QueueData::borrow((*(*self.0.as_ptr()).q).queuedata) }
    }

    /// The data of the hardware queue the request was queued to.
    #[inline]
    fn hw_data<T: Operations>(&self) -> HwData<'_, T> {
        // SAFETY: As above for `mq_hctx`, which blk-mq clears only when the request is freed.
        // `driver_data` was set by `init_hctx()` to what `into_foreign()` returned; `exit_hctx()`
        // converts it back when the queue is frozen or dead, which this request prevents.
        unsafe { T::HwData::borrow((*(*self.0.as_ptr()).mq_hctx).driver_data) }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        Owned(self.0).end(Status::IO_ERROR);
    }
}

/// A request that blk-mq offers to the driver and that was not started yet.
///
/// It exists for the length of the callback that offers it (`'call`, which is invariant, so that a
/// request of one call cannot be handed back in another), and is either started, refused, or
/// dropped, which ends it with [`Status::IO_ERROR`].
pub struct IdleRequest<'call, T: Operations> {
    owned: Owned,
    _call: PhantomData<fn(&'call T) -> &'call T>,
}

impl<'call, T: Operations> IdleRequest<'call, T> {
    /// Takes the ownership of a request.
    ///
    /// # Safety
    ///
    /// `request` must be one that blk-mq passed to the operations table of `T` in a call that
    /// lasts for `'call`, not started, and owned by nobody else.
    #[inline]
    pub(crate) unsafe fn from_raw(request: NonNull<bindings::request>) -> Self {
        Self {
            // INVARIANT: As this function's caller promises.
            owned: Owned(request),
            _call: PhantomData,
        }
    }

    /// Gives up the ownership without ending the request.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::request> {
        self.owned.into_raw()
    }

    /// The data of the disk that the request is for.
    #[inline]
    pub fn queue_data(&self) -> QueueData<'_, T> {
        self.owned.queue_data::<T>()
    }

    /// The data of the hardware queue that the request came through.
    #[inline]
    pub fn hw_data(&self) -> HwData<'_, T> {
        self.owned.hw_data::<T>()
    }

    /// The disk's queue.
    #[inline]
    pub(crate) fn queue(&self) -> *mut bindings::request_queue {
        // SAFETY: By the invariant of `Owned` the request is valid.
        unsafe { (*self.owned.0.as_ptr()).q }
    }

    /// How much of the disk it is about (`blk_rq_bytes()`).
    #[inline]
    pub fn length(&self) -> Bytes {
        // SAFETY: As above.
        Bytes::new(u64::from(unsafe { (*self.owned.0.as_ptr()).__data_len }))
    }

    /// The request's own data.
    #[inline]
    pub fn data(&self) -> &T::RequestData {
        // SAFETY: By the invariant of `Owned` the request is valid while it is owned.
        unsafe { &*data::<T>(self.owned.0) }
    }

    /// Takes the request up: its timeout runs from here, and tracing and statistics see it as
    /// issued.
    #[inline]
    pub fn start(self) -> Request<T, Started> {
        // SAFETY: By the invariant of `Owned` the request is ours, and by the type's it is idle,
        // as `blk_mq_start_request()` wants it.
        unsafe { bindings::blk_mq_start_request(self.owned.0.as_ptr()) };
        Request {
            owned: self.owned,
            _state: PhantomData,
        }
    }

    /// Gives the request back to blk-mq, which queues it anew (`blk_mq_requeue_request()`).
    pub fn requeue(self) {
        let request = self.into_raw();
        // SAFETY: The request was ours, and blk-mq's own code requeues such that was not started.
        unsafe { bindings::blk_mq_requeue_request(request.as_ptr(), true) };
    }

    /// Hands the request back, for blk-mq to offer it again later.
    #[inline]
    pub fn refuse(self, busy: Busy) -> Refused<'call, T> {
        Refused {
            request: self,
            busy,
        }
    }
}

/// Why a driver cannot take a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Memory or another resource of the system is short; blk-mq tries again after a while
    /// (`BLK_STS_RESOURCE`).
    System,
    /// The device is busy and will run the queue when it is not (`BLK_STS_DEV_RESOURCE`).
    Device,
}

/// A request on its way back to blk-mq, made by [`IdleRequest::refuse`].
#[must_use = "a refused request is to be returned to blk-mq; dropping it ends it with an error"]
pub struct Refused<'call, T: Operations> {
    request: IdleRequest<'call, T>,
    busy: Busy,
}

impl<'call, T: Operations> Refused<'call, T> {
    /// The request, for a list of refused ones.
    #[inline]
    pub(crate) fn into_request(self) -> IdleRequest<'call, T> {
        self.request
    }

    /// Gives up the ownership, and says what `->queue_rq` is to return for it.
    #[inline]
    pub(crate) fn into_status(self) -> Status {
        // blk-mq owns the request again as soon as `->queue_rq` returns a busy status.
        self.request.into_raw();
        match self.busy {
            Busy::System => Status::RESOURCE,
            Busy::Device => Status::DEV_RESOURCE,
        }
    }
}

/// State of a [`Request`]: the driver works on it.
pub enum Started {}

/// State of a [`Request`]: the work is done, and the request is on the CPU that is to end it.
pub enum Completed {}

/// A request that the driver has started, in state [`Started`] or [`Completed`].
///
/// It may be kept and moved between CPUs until it is ended. Dropping it ends it with
/// [`Status::IO_ERROR`].
pub struct Request<T: Operations, State> {
    owned: Owned,
    _state: PhantomData<fn(T, State)>,
}

impl<T: Operations, State> Request<T, State> {
    /// Gives up the ownership without ending the request.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::request> {
        self.owned.into_raw()
    }

    /// The request's own data.
    #[inline]
    pub fn data(&self) -> &T::RequestData {
        // SAFETY: By the invariant of `Owned` the request is valid while it is owned.
        unsafe { &*data::<T>(self.owned.0) }
    }

    /// The C structure, which stays the request's own.
    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<bindings::request> {
        self.owned.0
    }

    /// The data of the disk that the request is for.
    #[inline]
    pub fn queue_data(&self) -> QueueData<'_, T> {
        self.owned.queue_data::<T>()
    }

    /// The data of the hardware queue that the request came through.
    #[inline]
    pub fn hw_data(&self) -> HwData<'_, T> {
        self.owned.hw_data::<T>()
    }

    /// Ends the request with `status`. Any context.
    ///
    /// Where several requests end together, [`Batch::end`](crate::batch::Batch::end) costs less.
    #[inline]
    pub fn end(self, status: Status) {
        self.owned.end(status);
    }
}

impl<T: Operations> Request<T, Started> {
    /// Takes the ownership of a started request.
    ///
    /// # Safety
    ///
    /// `request` must have been started by the operations of `T`, not be completed, and be owned
    /// by nobody else.
    #[inline]
    pub(crate) unsafe fn from_started(request: NonNull<bindings::request>) -> Self {
        Self {
            // INVARIANT: As this function's caller promises.
            owned: Owned(request),
            _state: PhantomData,
        }
    }

    /// The hardware queue of the request.
    #[inline]
    pub(crate) fn hw_queue(&self) -> *mut bindings::blk_mq_hw_ctx {
        // SAFETY: By the invariant of `Owned` the request is valid.
        unsafe { (*self.owned.0.as_ptr()).mq_hctx }
    }

    /// Whether the submitter polls for the end of the request, so that it waits in the driver for
    /// [`Operations::poll`].
    #[inline]
    pub fn is_polled(&self) -> bool {
        // SAFETY: The request has a hardware queue from its allocation to its end.
        let kind = unsafe { (*self.hw_queue()).type_ };
        u32::from(kind) == bindings::hctx_type_HCTX_TYPE_POLL
    }

    /// Completes the request on the CPU that submitted it, or in softirq context, as the queue's
    /// settings ask.
    ///
    /// Returns the request if that is here and now. Otherwise [`Operations::complete`] gets it.
    #[inline]
    pub fn complete(self) -> Option<Request<T, Completed>> {
        let request = self.owned.into_raw();
        // SAFETY: The request is ours and started. If the function returns true, blk-mq owns the
        // request until it calls `->complete`; the operations table has that function for every
        // `T`.
        let elsewhere = unsafe { bindings::blk_mq_complete_request_remote(request.as_ptr()) };
        // SAFETY: The function returned false, so the request is still ours, and it is in state
        // `MQ_RQ_COMPLETE`.
        (!elsewhere).then(|| unsafe { Request::from_completed(request) })
    }
}

impl<T: Operations> Request<T, Completed> {
    /// Takes the ownership of a completed request.
    ///
    /// # Safety
    ///
    /// `request` must have been started by the operations of `T`, be in state `MQ_RQ_COMPLETE`,
    /// and be owned by nobody else.
    #[inline]
    pub(crate) unsafe fn from_completed(request: NonNull<bindings::request>) -> Self {
        Self {
            // INVARIANT: As this function's caller promises.
            owned: Owned(request),
            _state: PhantomData,
        }
    }
}

/// A request that was not done in time, wherever it is: its owner may be ending it on another CPU.
/// It is not used for something else before the call that tells of it returns.
///
/// # Invariants
///
/// The pointer is to a request that was started by the operations of `T`, and valid for `'call`.
pub struct TimedOut<'call, T: Operations> {
    request: NonNull<bindings::request>,
    _call: PhantomData<&'call T>,
}

impl<'call, T: Operations> TimedOut<'call, T> {
    /// A request that timed out.
    ///
    /// # Safety
    ///
    /// As the type's invariant.
    pub(crate) unsafe fn from_raw(request: NonNull<bindings::request>) -> Self {
        // INVARIANT: As this function's caller promises.
        Self {
            request,
            _call: PhantomData,
        }
    }

    /// The C structure.
    pub(crate) fn as_ptr(&self) -> NonNull<bindings::request> {
        self.request
    }

    /// The request's own data.
    pub fn data(&self) -> &'call T::RequestData {
        // SAFETY: By the type's invariant.
        unsafe { &*data::<T>(self.request) }
    }

    /// The data of the hardware queue that the request came through.
    pub fn hw_data(&self) -> HwData<'call, T> {
        // SAFETY: By the type's invariant the request is valid. A request whose end is under way
        // keeps its hardware queue until the reference that the timeout holds is gone.
        unsafe { T::HwData::borrow((*(*self.request.as_ptr()).mq_hctx).driver_data) }
    }
}

/// The driver's data of a request (`blk_mq_rq_to_pdu()`).
#[inline]
pub(crate) fn data<T: Operations>(request: NonNull<bindings::request>) -> *const T::RequestData {
    const {
        assert!(align_of::<T::RequestData>() <= align_of::<bindings::request>());
    }
    // The data is behind the request, where the tag set asked for it.
    request.as_ptr().wrapping_add(1).cast_const().cast()
}
