// SPDX-License-Identifier: GPL-2.0

//! What happens to a request on a disk that has more to do than [`crate::plain`] knows.

use crate::{
    bad_sectors::BadSectors,
    contents::Contents,
    crash::Supply,
    fault::Faults,
    latency::{Latencies, Pace},
    locks,
    operation::Operation,
    rules::Rules,
    statistics::Statistics,
    zone_requests,
    zones::Zones,
    THIS_MODULE,
};
use blk::{
    batch::Batch,
    delay::{Deadline, DelayLine, Delayed},
    fifo::Holder,
    operations::{HwData, Operations, QueueData},
    poll_list::PollList,
    req_op::ReqOp,
    request::{Busy, Completed, IdleRequest, Refused, Request, Started, TimedOut},
    status::{AtomicStatus, Flag, Status},
    throttle::Throttle,
    timestamp::Timestamp,
    units::Sectors,
    zone::ZoneReport,
};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kernel::{prelude::*, sync::Arc};
use sync::{
    context::{Atomic, HardIrq, NoIo, Softirq},
    held::Held,
    level::Before,
};

/// What the disk does is in its [`Disk`], and looked up for each request.
pub(crate) enum General {}

/// A disk's settings, as requests need them.
pub(crate) struct Disk {
    /// Where a request completes.
    pub(crate) irqmode: Irqmode,
    /// Time after which it completes with [`Irqmode::Timer`], in nanoseconds.
    pub(crate) completion_nsec: u64,
    /// The disk's bandwidth, if it is limited.
    pub(crate) throttle: Option<Pin<KBox<Throttle>>>,
    /// What a memory-backed disk keeps.
    pub(crate) contents: Option<Arc<Contents>>,
    /// The sectors for which requests fail.
    pub(crate) bad_sectors: BadSectors,
    /// The faults that are injected.
    pub(crate) faults: Arc<Faults>,
    /// How long requests take, if that is to differ.
    pub(crate) latencies: Option<Arc<Latencies>>,
    /// Where requests are counted, if they are.
    pub(crate) statistics: Option<Arc<Statistics>>,
    /// Whether it has power.
    pub(crate) supply: Arc<Supply>,
    /// The rules by which requests fail, if it was turned on to have some.
    pub(crate) rules: Option<Arc<Rules>>,
    /// The zones of a zoned disk.
    pub(crate) zones: Option<Arc<Zones>>,
}

impl Disk {
    /// Does what a request asks for if there is power and no rule against it, and says how it is
    /// to end.
    #[inline]
    fn carry_out(&self, request: &Request<General, Started>, held: &mut Held<'_, NoIo>) -> Status {
        if self.supply.has_failed() {
            return Status::IO_ERROR;
        }
        match &self.rules {
            None => self.act(request, held),
            Some(rules) => rules.apply(request, held, |held| self.act(request, held)),
        }
    }

    /// Does what a request asks for, and says how it is to end.
    #[inline]
    fn act(&self, request: &Request<General, Started>, held: &mut Held<'_, NoIo>) -> Status {
        // It is about no place of the disk.
        if request.op() == ReqOp::Flush {
            let contents = self.contents.as_ref();
            return contents.map_or(Status::OK, |contents| contents.flush(held));
        }
        match &self.zones {
            Some(zones) => zone_requests::carry_out(request, zones, self, held),
            None => {
                self.transfer(request, request.length().sectors(), held)
                    .status
            }
        }
    }

    /// Reads, writes or discards what a request is about, as far as there are no bad sectors. Of a
    /// read only the first `written` is known; the rest is ones.
    #[inline]
    pub(crate) fn transfer(
        &self,
        request: &Request<General, Started>,
        written: Sectors,
        held: &mut Held<'_, impl Before<locks::Cache>>,
    ) -> Transferred {
        let wanted = request.length().sectors();
        let bad = self.bad_sectors.check(request.position(), wanted);
        let (length, status) = match bad {
            None => (wanted, Status::OK),
            Some(good) => (good, Status::IO_ERROR),
        };
        let done = match &self.contents {
            Some(contents) if status == Status::OK || length > Sectors::new(0) => {
                contents.carry_out(request, length, written, held)
            }
            _ => Status::OK,
        };
        match done {
            Status::OK => Transferred { length, status },
            error => Transferred {
                length: Sectors::new(0),
                status: error,
            },
        }
    }
}

/// What came of the data of a request.
pub(crate) struct Transferred {
    /// How much of it was read or written.
    pub(crate) length: Sectors,
    /// How the request is to end.
    pub(crate) status: Status,
}

/// Where a request completes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Irqmode {
    /// Where it is submitted.
    Inline,
    /// In softirq context, or on the CPU it came from.
    Softirq,
    /// In a timer's interrupt.
    Timer,
}

/// A hardware queue's requests that wait.
#[pin_data]
pub(crate) struct HwQueue {
    /// For [`Operations::poll`].
    #[pin]
    polled: PollList<General>,
    /// For their time.
    #[pin]
    delayed: DelayLine<General>,
    /// For a time of their own.
    pace: Option<Pin<KBox<Pace>>>,
    /// For their timeout.
    #[pin]
    lost: PollList<General>,
    /// How often a request was sent back.
    requeued: AtomicU32,
}

/// What is kept for a request.
#[derive(Zeroable)]
pub(crate) struct RequestState {
    /// How it will end.
    status: AtomicStatus,
    deadline: Deadline,
    /// When it came, if the disk counts.
    came: Timestamp,
    /// Whether it waits for its timeout.
    lost: Flag,
}

impl RequestState {
    /// Notes how the request is to end, and returns that: if its timeout came first, as it says.
    #[inline]
    fn settle(&self, status: Status) -> Status {
        let timed_out = self.status.get();
        if timed_out != Status::OK {
            return timed_out;
        }
        self.status.set(status);
        status
    }
}

/// Ends a request, together with others if it can, and counts it.
#[inline]
fn end<State>(request: Request<General, State>, batch: &mut Batch<General>, status: Status) {
    count(&request, status);
    batch.end_with(request, status);
}

/// Counts a request that is about to end.
#[inline]
fn count<State>(request: &Request<General, State>, status: Status) {
    if let Some(statistics) = &request.queue_data().statistics {
        let operation = Operation::from(request.op());
        let nanoseconds = request.data().came.elapsed();
        statistics.count(operation, request.length(), status, nanoseconds);
    }
}

/// How a request that waited is to end. What a disk has done it cannot tell without power.
#[inline]
fn outcome<State>(request: &Request<General, State>) -> Status {
    if request.queue_data().supply.has_failed() {
        return Status::IO_ERROR;
    }
    request.data().status.get()
}

impl Operations for General {
    type QueueData = Arc<Disk>;
    type HwData = Pin<KBox<HwQueue>>;
    type RequestData = RequestState;
    type Context = NoIo;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(
        disk: QueueData<'_, Self>,
        index: u32,
        _held: &mut Held<'_, NoIo>,
    ) -> Result<Self::HwData> {
        disk.faults.hw_queue()?;
        let pace = match &disk.latencies {
            Some(latencies) => Some(Pace::new(latencies.clone(), disk.completion_nsec, index)?),
            None => None,
        };
        KBox::pin_init(
            pin_init!(HwQueue {
                polled <- PollList::new(),
                delayed <- DelayLine::new(disk.completion_nsec),
                pace,
                lost <- PollList::new(),
                requeued: AtomicU32::new(0),
            }),
            GFP_KERNEL,
        )
    }

    #[inline]
    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        held: &mut Held<'_, NoIo>,
    ) -> Result<(), Refused<'call, Self>> {
        let faults = &request.queue_data().faults;
        let lost = faults.timeout.happens();
        if faults.requeue.happens() {
            // Both ways in turn, as in C.
            if request.hw_data().requeued.fetch_add(1, Relaxed) % 2 == 0 {
                return Err(request.refuse(Busy::System));
            }
            request.requeue();
            return Ok(());
        }
        if let Some(throttle) = &request.queue_data().throttle {
            if !throttle.charge(&request) {
                return Err(request.refuse(Busy::Device));
            }
        }
        request.data().status.set(Status::OK);
        request.data().lost.set(lost);
        if request.queue_data().statistics.is_some() {
            request.data().came.set_now();
        }
        let request = request.start();
        if lost {
            batch.hold(request);
            return Ok(());
        }
        let (irqmode, status) = {
            let disk = request.queue_data();
            (disk.irqmode, disk.carry_out(&request, held))
        };
        let status = request.data().settle(status);
        if let Some(pace) = &request.hw_data().pace {
            pace.delay(&request);
        }
        if request.is_polled() {
            batch.hold(request);
            return Ok(());
        }
        match irqmode {
            Irqmode::Inline => end(request, batch, status),
            Irqmode::Softirq => {
                if let Some(request) = request.complete() {
                    end(request, batch, status);
                }
            }
            Irqmode::Timer => batch.hold(request),
        }
        Ok(())
    }

    fn complete(request: Request<Self, Completed>, _held: &mut Held<'_, Softirq>) {
        let status = outcome(&request);
        count(&request, status);
        request.end(status);
    }

    fn holder<'a>(
        queue: HwData<'a, Self>,
        request: &Request<Self, Started>,
    ) -> Option<&'a dyn Holder<Self>> {
        let queue = queue.get_ref();
        Some(if request.data().lost.get() {
            &queue.lost
        } else if let Some(pace) = &queue.pace {
            &pace.waiting
        } else if request.is_polled() {
            &queue.polled
        } else {
            &queue.delayed
        })
    }

    fn poll(queue: HwData<'_, Self>, batch: &mut Batch<Self>, _held: &mut Held<'_, Atomic>) -> u32 {
        let mut requests = match &queue.pace {
            Some(pace) => pace.waiting.take_due(),
            None => queue.polled.take(),
        };
        let mut ended = 0;
        while let Some(request) = requests.pop() {
            let status = outcome(&request);
            end(request, batch, status);
            ended += 1;
        }
        ended
    }

    fn stopped(disk: QueueData<'_, Self>) {
        if let Some(throttle) = &disk.throttle {
            throttle.stop();
        }
    }

    fn report_zones(
        disk: QueueData<'_, Self>,
        from: Sectors,
        report: &mut ZoneReport<'_>,
        held: &mut Held<'_, NoIo>,
    ) -> Result {
        match &disk.zones {
            Some(zones) => zones.report(from, report, held),
            None => Ok(()),
        }
    }

    fn timeout(request: TimedOut<'_, Self>, _held: &mut Held<'_, Atomic>) {
        pr_info!("a request timed out\n");
        request.data().status.set(Status::TIMEOUT);
        let queue = request.hw_data();
        let paced = || queue.pace.as_ref()?.waiting.remove(&request);
        let found = queue.polled.remove(&request).or_else(paced);
        if let Some(request) = found.or_else(|| queue.lost.remove(&request)) {
            count(&request, Status::TIMEOUT);
            request.end(Status::TIMEOUT);
        }
    }
}

impl Delayed for General {
    #[inline]
    fn deadline(data: &RequestState) -> &Deadline {
        &data.deadline
    }

    #[inline]
    fn due(
        request: Request<Self, Started>,
        batch: &mut Batch<Self>,
        _held: &mut Held<'_, HardIrq>,
    ) {
        let status = outcome(&request);
        end(request, batch, status);
    }
}
