// SPDX-License-Identifier: GPL-2.0

//! What happens to a request on a disk that has more to do than [`crate::plain`] knows.

use crate::{contents::Contents, zone_requests, zones::Zones, THIS_MODULE};
use blk::{
    batch::Batch,
    delay::{Deadline, DelayLine, Delayed},
    fifo::Holder,
    operations::{HwData, Operations, QueueData},
    poll_list::PollList,
    request::{Completed, IdleRequest, Refused, Request, Started, TimedOut},
    status::{AtomicStatus, Status},
    units::Sectors,
    zone::ZoneReport,
};
use kernel::{prelude::*, sync::Arc};
use sync::{
    context::{Atomic, HardIrq, NoIo, Softirq},
    held::Held,
};

/// What the disk does is in its [`Disk`], and looked up for each request.
pub(crate) enum General {}

/// A disk's settings, as requests need them.
pub(crate) struct Disk {
    /// Where a request completes.
    pub(crate) irqmode: Irqmode,
    /// Time after which it completes with [`Irqmode::Timer`], in nanoseconds.
    pub(crate) completion_nsec: u64,
    /// What a memory-backed disk keeps.
    pub(crate) contents: Option<Contents>,
    /// The zones of a zoned disk.
    pub(crate) zones: Option<Arc<Zones>>,
}

impl Disk {
    /// Does what a request asks for, and says how it is to end.
    #[inline]
    fn carry_out(&self, request: &Request<General, Started>, held: &mut Held<'_, NoIo>) -> Status {
        match (&self.zones, &self.contents) {
            (Some(zones), contents) => {
                zone_requests::carry_out(request, zones, contents.as_ref(), held)
            }
            (None, Some(contents)) => contents.carry_out(request, request.length()),
            (None, None) => Status::OK,
        }
    }
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
}

/// What is kept for a request.
#[derive(Zeroable)]
pub(crate) struct RequestState {
    /// How it will end.
    status: AtomicStatus,
    deadline: Deadline,
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

impl Operations for General {
    type QueueData = Arc<Disk>;
    type HwData = Pin<KBox<HwQueue>>;
    type RequestData = RequestState;
    type Context = NoIo;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(
        disk: QueueData<'_, Self>,
        _index: u32,
        _held: &mut Held<'_, NoIo>,
    ) -> Result<Self::HwData> {
        KBox::pin_init(
            pin_init!(HwQueue {
                polled <- PollList::new(),
                delayed <- DelayLine::new(disk.completion_nsec),
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
        request.data().status.set(Status::OK);
        let request = request.start();
        let (irqmode, status) = {
            let disk = request.queue_data();
            (disk.irqmode, disk.carry_out(&request, held))
        };
        let status = request.data().settle(status);
        if request.is_polled() {
            batch.hold(request);
            return Ok(());
        }
        match irqmode {
            Irqmode::Inline => batch.end_with(request, status),
            Irqmode::Softirq => {
                if let Some(request) = request.complete() {
                    batch.end_with(request, status);
                }
            }
            Irqmode::Timer => batch.hold(request),
        }
        Ok(())
    }

    fn complete(request: Request<Self, Completed>, _held: &mut Held<'_, Softirq>) {
        let status = request.data().status.get();
        request.end(status);
    }

    fn holder<'a>(queue: HwData<'a, Self>, polled: bool) -> Option<&'a dyn Holder<Self>> {
        let queue = queue.get_ref();
        Some(if polled {
            &queue.polled
        } else {
            &queue.delayed
        })
    }

    fn poll(queue: HwData<'_, Self>, batch: &mut Batch<Self>, _held: &mut Held<'_, Atomic>) -> u32 {
        let mut requests = queue.polled.take();
        let mut ended = 0;
        while let Some(request) = requests.pop() {
            let status = request.data().status.get();
            batch.end_with(request, status);
            ended += 1;
        }
        ended
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
        let found = request.hw_data().polled.remove(&request);
        if let Some(request) = found {
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
        let status = request.data().status.get();
        batch.end_with(request, status);
    }
}
