// SPDX-License-Identifier: GPL-2.0

//! Where a request completes, when that is known before it comes.

use blk::{
    batch::Batch,
    operations::Operations,
    request::{Request, Started},
};

/// A way to complete requests that succeed.
pub(crate) trait Completion: 'static {
    /// Completes `request`.
    fn complete<T: Operations>(request: Request<T, Started>, batch: &mut Batch<T>);
}

/// `irqmode=0`: a request completes where it is submitted.
pub(crate) enum Inline {}

impl Completion for Inline {
    #[inline]
    fn complete<T: Operations>(request: Request<T, Started>, batch: &mut Batch<T>) {
        batch.end(request);
    }
}

/// `irqmode=1`: a request completes where the queue's settings want it (`rq_affinity`), in softirq
/// context if that is elsewhere or if there is one queue for several CPUs.
pub(crate) enum Softirq {}

impl Completion for Softirq {
    #[inline]
    fn complete<T: Operations>(request: Request<T, Started>, batch: &mut Batch<T>) {
        if let Some(request) = request.complete() {
            batch.end(request);
        }
    }
}
