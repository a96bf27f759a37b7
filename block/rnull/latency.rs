// SPDX-License-Identifier: GPL-2.0

//! How long the requests of a disk take.

use crate::{
    general::General,
    latency_model::LatencyModel,
    operation::{Operation, OPERATIONS},
    random,
};
use blk::{
    delay::Delayed,
    delay_queue::DelayQueue,
    request::{Request, Started},
};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use kernel::{prelude::*, sync::Arc};

/// What users say about it.
#[derive(Clone)]
pub(crate) struct Latencies {
    /// For each kind of requests.
    pub(crate) models: [LatencyModel; OPERATIONS],
    /// What the random numbers begin with.
    pub(crate) seed: u64,
}

impl Latencies {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            models: [LatencyModel::Off; OPERATIONS],
            seed: 0,
        }
    }

    /// Whether there is a model for any kind of requests.
    pub(crate) fn are_set(&self) -> bool {
        self.models.iter().any(|model| *model != LatencyModel::Off)
    }
}

/// How long the requests of a hardware queue take, and where they wait.
///
/// Each kind of requests has random numbers of its own, so that what one takes depends on how many
/// of its kind the hardware queue had before, and on nothing else.
#[pin_data]
pub(crate) struct Pace {
    latencies: Arc<Latencies>,
    /// Time of the kinds of requests without a model, in nanoseconds.
    completion_nsec: u64,
    random: [Numbers; OPERATIONS],
    #[pin]
    pub(crate) waiting: DelayQueue<General>,
}

/// Random numbers.
struct Numbers {
    seed: u64,
    drawn: AtomicU64,
}

impl Pace {
    /// That of hardware queue `index`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        latencies: Arc<Latencies>,
        completion_nsec: u64,
        index: u32,
    ) -> Result<Pin<KBox<Self>>> {
        let first = u64::from(index).wrapping_mul(OPERATIONS as u64);
        let random = core::array::from_fn(|operation| Numbers {
            seed: random::number(latencies.seed, first.wrapping_add(operation as u64)),
            drawn: AtomicU64::new(0),
        });
        KBox::pin_init(
            pin_init!(Self {
                latencies,
                completion_nsec,
                random,
                waiting <- DelayQueue::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Says how long `request` is to wait.
    pub(crate) fn delay(&self, request: &Request<General, Started>) {
        let operation = Operation::from(request.op()).index();
        let numbers = self.random.get(operation);
        let model = self.latencies.models.get(operation);
        let nanoseconds = numbers.zip(model).and_then(|(numbers, model)| {
            let Numbers { seed, drawn } = numbers;
            model.draw(|| random::number(*seed, drawn.fetch_add(1, Relaxed)))
        });
        General::deadline(request.data()).set_delay(nanoseconds.unwrap_or(self.completion_nsec));
    }
}
