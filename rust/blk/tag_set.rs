// SPDX-License-Identifier: GPL-2.0

//! The requests of a disk, and the queues they come through.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::operations::{Operations, OperationsTable, QueueContext};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    new_mutex,
    prelude::*,
    sync::Mutex,
    time::{msecs_to_jiffies, Msecs},
    types::Opaque,
};
use sync::{context::Process, held::Held, level::Level};

/// What a [`TagSet`] is to be. There are no defaults, so that nothing is forgotten.
pub struct TagSetOptions {
    /// Number of hardware queues, 1 or more; more than there can be CPUs count as that many.
    pub hw_queues: u32,
    /// Number of requests for each hardware queue, 1 or more; more than 10,240 count as that many.
    pub queue_depth: u32,
    /// Time after which a request counts as lost; 0 for the block layer's 30 s.
    pub timeout: Msecs,
}

/// Requests and their tags (`struct blk_mq_tag_set`), for the disks made with it.
///
/// # Invariants
///
/// `raw` was initialised by `blk_mq_alloc_tag_set()` with the operations table of `T`.
#[pin_data(PinnedDrop)]
pub struct TagSet<T: Operations> {
    #[pin]
    raw: Opaque<bindings::blk_mq_tag_set>,
    /// Keeps the number of queues as it is while a disk is made: `blk_mq_alloc_queue()` reads it
    /// several times without a lock.
    #[pin]
    making_disk: Mutex<()>,
    _operations: PhantomData<fn(T)>,
}

// SAFETY: The tag set may be freed on any CPU; it keeps nothing of `T`.
unsafe impl<T: Operations> Send for TagSet<T> {}

// SAFETY: The functions that take `&self` are synchronised by blk-mq itself.
unsafe impl<T: Operations> Sync for TagSet<T> {}

impl<T: Operations> TagSet<T> {
    /// Allocates a tag set. Process context, may sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the number of queues or the depth is zero, `ENOMEM` if memory is short even
    /// for a smaller depth.
    pub fn new(options: TagSetOptions) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: As the type asks.
            raw <- Opaque::try_ffi_init(move |slot: *mut bindings::blk_mq_tag_set| {
                // SAFETY: `slot` is valid for writes and will not move.
                unsafe {
                    slot.write(bindings::blk_mq_tag_set {
                        ops: OperationsTable::<T>::TABLE,
                        nr_hw_queues: options.hw_queues,
                        queue_depth: options.queue_depth,
                        numa_node: bindings::NUMA_NO_NODE,
                        // CAST: A time of 2^32 ms is less than 2^32 jiffies, HZ being at most
                        // 1000.
                        timeout: msecs_to_jiffies(options.timeout) as c_uint,
                        nr_maps: 1,
                        flags: T::Context::FLAGS,
                        ..pin_init::zeroed()
                    })
                };
                // SAFETY: The fields that the driver sets are set; on error the function frees
                // what it allocated.
                to_result(unsafe { bindings::blk_mq_alloc_tag_set(slot) })
            }),
            making_disk <- new_mutex!(()),
            _operations: PhantomData,
        })
    }

    /// Changes the number of hardware queues. Waits for the requests in flight on all disks of this
    /// tag set.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the queues are not as many as asked for afterwards: memory was short, the
    /// number is zero, or it is more than there can be CPUs.
    pub fn update_nr_hw_queues(
        &self,
        hw_queues: u32,
        _held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result {
        let wanted = c_int::try_from(hw_queues).map_err(|_| ENOMEM)?;
        let _guard = self.making_disk.lock();
        // SAFETY: By the type's invariant the tag set is valid. The function takes the locks it
        // needs against all but the making of a disk, for which the guard stands.
        unsafe { bindings::blk_mq_update_nr_hw_queues(self.raw.get(), wanted) };
        // SAFETY: The tag set is valid, and only the call above changes the field.
        let got = unsafe { (*self.raw.get()).nr_hw_queues };
        if got == hw_queues {
            Ok(())
        } else {
            Err(ENOMEM)
        }
    }

    /// Keeps the number of hardware queues as it is.
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.making_disk.lock()
    }

    /// The C structure.
    pub(crate) fn raw(&self) -> *mut bindings::blk_mq_tag_set {
        self.raw.get()
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for TagSet<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant the tag set is valid. No queue uses it: each `Disk`
        // keeps a reference on its tag set until its queue is dead.
        unsafe { bindings::blk_mq_free_tag_set(self.raw.get()) };
    }
}
