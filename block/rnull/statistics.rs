// SPDX-License-Identifier: GPL-2.0

//! What a disk has done: how many requests of each kind, how much, and how long they took.

use crate::operation::{Operation, OPERATIONS};
use blk::{status::Status, units::Bytes};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use kernel::{
    cpu::{nr_cpu_ids, CpuId},
    prelude::*,
};

/// How many ranges of time are told apart: of those that have 0, 1, 2 and so on bits as a number of
/// nanoseconds. The last one has all longer times too, from 2^42 ns (73 minutes).
pub(crate) const BUCKETS: usize = 44;

/// The counters of a disk. Each CPU has its own, so that counting needs no lock and no CPU waits
/// for another's cache line; who reads them adds them up. So a reader of a disk at work gets sums
/// that may be some requests apart from each other.
pub(crate) struct Statistics {
    /// For each CPU, those of each kind of requests.
    cpus: KVec<KVec<OfOperation>>,
}

/// The counters of a kind of requests.
struct OfOperation {
    count: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
    latency: [AtomicU64; BUCKETS],
}

/// What the counters of a kind of requests come to.
pub(crate) struct Sums {
    /// Requests that ended.
    pub(crate) count: u64,
    /// What those were about that succeeded, in bytes.
    pub(crate) bytes: u64,
    /// Requests that failed.
    pub(crate) errors: u64,
    /// How many took how long.
    pub(crate) latency: [u64; BUCKETS],
}

impl OfOperation {
    const fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            latency: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Statistics {
    /// Counters that are zero.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut cpus = KVec::new();
        for _ in 0..nr_cpu_ids() {
            let mut counters = KVec::with_capacity(OPERATIONS, GFP_KERNEL)?;
            for _ in 0..OPERATIONS {
                counters.push(OfOperation::new(), GFP_KERNEL)?;
            }
            cpus.push(counters, GFP_KERNEL)?;
        }
        Ok(Self { cpus })
    }

    /// Counts a request that ends with `status`, `nanoseconds` after it came. Apart, so that the
    /// code of disks that do not count stays short.
    #[inline(never)]
    pub(crate) fn count(
        &self,
        operation: Operation,
        length: Bytes,
        status: Status,
        nanoseconds: u64,
    ) {
        // Who goes on on another CPU meanwhile still counts, there.
        let cpu = CpuId::current().as_u32() as usize;
        let counters = self.cpus.get(cpu);
        let Some(counters) = counters.and_then(|counters| counters.get(operation.index())) else {
            return;
        };
        counters.count.fetch_add(1, Relaxed);
        if status == Status::OK {
            counters.bytes.fetch_add(length.get(), Relaxed);
        } else {
            counters.errors.fetch_add(1, Relaxed);
        }
        counters.latency[bucket(nanoseconds)].fetch_add(1, Relaxed);
    }

    /// What the counters of the kind of requests at `index` of all come to.
    pub(crate) fn sums(&self, index: usize) -> Sums {
        let mut sums = Sums {
            count: 0,
            bytes: 0,
            errors: 0,
            latency: [0; BUCKETS],
        };
        for counters in self.of_all_cpus(index) {
            sums.count = sums.count.wrapping_add(counters.count.load(Relaxed));
            sums.bytes = sums.bytes.wrapping_add(counters.bytes.load(Relaxed));
            sums.errors = sums.errors.wrapping_add(counters.errors.load(Relaxed));
            for (sum, counter) in sums.latency.iter_mut().zip(&counters.latency) {
                *sum = sum.wrapping_add(counter.load(Relaxed));
            }
        }
        sums
    }

    /// Makes all counters zero. What ends meanwhile is counted or not.
    pub(crate) fn reset(&self) {
        for counters in (0..OPERATIONS).flat_map(|index| self.of_all_cpus(index)) {
            for counter in [&counters.count, &counters.bytes, &counters.errors] {
                counter.store(0, Relaxed);
            }
            for counter in &counters.latency {
                counter.store(0, Relaxed);
            }
        }
    }

    /// Each CPU's counters of the kind of requests at `index`.
    fn of_all_cpus(&self, index: usize) -> impl Iterator<Item = &OfOperation> {
        self.cpus
            .iter()
            .filter_map(move |counters| counters.get(index))
    }
}

/// The range of time that `nanoseconds` is in.
#[inline]
fn bucket(nanoseconds: u64) -> usize {
    // CAST: At most 64.
    let bits = (u64::BITS - nanoseconds.leading_zeros()) as usize;
    bits.min(BUCKETS - 1)
}

/// The shortest and the longest time of a range, in nanoseconds.
pub(crate) fn range(bucket: usize) -> (u64, u64) {
    match bucket {
        0 => (0, 0),
        bits if bits < BUCKETS - 1 => (1 << (bits - 1), (1 << bits) - 1),
        _ => (1 << (BUCKETS - 2), u64::MAX),
    }
}
