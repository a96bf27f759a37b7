// SPDX-License-Identifier: GPL-2.0

//! The requests of a disk, and the queues they come through.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    node::Node,
    operations::{Operations, OperationsTable, QueueContext},
};
use core::marker::PhantomData;
use kernel::{
    bindings, container_of,
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Mutex,
    },
    time::{msecs_to_jiffies, Msecs},
    types::Opaque,
};
use sync::{context::Process, held::Held, level::Level};

/// Numbers of hardware queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HwQueues {
    /// Queues for requests of all kinds.
    pub submit: u32,
    /// Queues for requests whose submitters poll for their end, numbered after the others.
    pub poll: u32,
}

impl HwQueues {
    /// How many there are, as C functions take it.
    fn total(self) -> Option<c_int> {
        c_int::try_from(self.submit.checked_add(self.poll)?).ok()
    }
}

/// Properties of a [`TagSet`] that are there or not.
#[derive(Clone, Copy, Default)]
pub struct Flags {
    /// blk-mq lets [`Operations::queue_rq`] sleep, even if its context does not need that
    /// (`BLK_MQ_F_BLOCKING`).
    pub blocking: bool,
    /// Disks start without an I/O scheduler (`BLK_MQ_F_NO_SCHED_BY_DEFAULT`).
    pub no_scheduler: bool,
    /// The queues have their requests in common: `queue_depth` is for all of them together
    /// (`BLK_MQ_F_TAG_HCTX_SHARED`).
    pub queues_share_tags: bool,
}

impl Flags {
    /// The C flags.
    fn raw(self) -> c_uint {
        let flag = |set, flag| if set { flag } else { 0 };
        flag(self.blocking, bindings::BLK_MQ_F_BLOCKING)
            | flag(self.no_scheduler, bindings::BLK_MQ_F_NO_SCHED_BY_DEFAULT)
            | flag(self.queues_share_tags, bindings::BLK_MQ_F_TAG_HCTX_SHARED)
    }
}

/// What a [`TagSet`] is to be.
pub struct TagSetOptions {
    /// Numbers of hardware queues, altogether 1 or more. Without queues for polling, more than
    /// there can be CPUs count as that many; no such queues can be added to the tag set later.
    pub hw_queues: HwQueues,
    /// Number of requests for each hardware queue, 1 or more; more than 10,240 count as that many.
    pub queue_depth: u32,
    /// Time after which a request counts as lost; 0 for the block layer's 30 s.
    pub timeout: Msecs,
    /// Where to have the requests, for queues whose CPUs do not say.
    pub node: Node,
    /// The rest.
    pub flags: Flags,
}

impl TagSetOptions {
    /// `queues` hardware queues with `depth` requests each, and otherwise what is usual: no queues
    /// for polling, the block layer's timeout, memory anywhere.
    pub fn new(queues: u32, depth: u32) -> Self {
        Self {
            hw_queues: HwQueues {
                submit: queues,
                poll: 0,
            },
            queue_depth: depth,
            timeout: 0,
            node: Node::ANY,
            flags: Flags::default(),
        }
    }
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
    /// The numbers of queues that were asked for, and those before.
    asked: Counts,
    before: Counts,
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
    /// `EINVAL` if the number of queues or the depth is zero, or the number is beyond 2^31 - 1;
    /// `ENOMEM` if memory is short even for a smaller depth.
    pub fn new(options: TagSetOptions) -> impl PinInit<Self, Error> {
        let queues = options.hw_queues;
        try_pin_init!(Self {
            // `map_queues()` reads these while `raw` is made.
            asked: Counts::new(queues),
            before: Counts::new(queues),
            // INVARIANT: As the type asks.
            raw <- Opaque::try_ffi_init(move |slot: *mut bindings::blk_mq_tag_set| {
                // SAFETY: `slot` is valid for writes and will not move.
                unsafe {
                    slot.write(bindings::blk_mq_tag_set {
                        ops: OperationsTable::<T>::TABLE,
                        // CAST: Not negative.
                        nr_hw_queues: queues.total().ok_or(EINVAL)? as c_uint,
                        queue_depth: options.queue_depth,
                        cmd_size: const { request_data_size::<T>() },
                        numa_node: options.node.raw(),
                        flags: T::Context::FLAGS | options.flags.raw(),
                        // CAST: A time of 2^32 ms is less than 2^32 jiffies, HZ being at most
                        // 1000.
                        timeout: msecs_to_jiffies(options.timeout) as c_uint,
                        // A map is for requests of all kinds, for reads, or for polling.
                        nr_maps: if queues.poll > 0 { 3 } else { 1 },
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

    /// Changes the numbers of hardware queues. Waits for the requests in flight on all disks of
    /// this tag set.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the queues are not as many as asked for afterwards: memory was short, the
    /// number is zero or beyond 2^31 - 1, or, without queues for polling from the start, it is
    /// more than there can be CPUs. The queues are then as before.
    pub fn update_nr_hw_queues(
        &self,
        queues: HwQueues,
        _held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result {
        let wanted = queues.total().ok_or(ENOMEM)?;
        let _guard = self.making_disk.lock();
        self.before.store(self.asked.load());
        self.asked.store(queues);
        // SAFETY: By the type's invariant the tag set is valid. The function takes the locks it
        // needs against all but the making of a disk, for which the guard stands.
        unsafe { bindings::blk_mq_update_nr_hw_queues(self.raw.get(), wanted) };
        if self.nr_hw_queues() == wanted {
            Ok(())
        } else {
            self.asked.store(self.before.load());
            Err(ENOMEM)
        }
    }

    /// The number of hardware queues that there are.
    fn nr_hw_queues(&self) -> c_int {
        // SAFETY: The tag set is valid, and the field changes only while `update_nr_hw_queues()`
        // or the making of the tag set runs, the callers of this function.
        let queues = unsafe { (*self.raw.get()).nr_hw_queues };
        // CAST: It comes from `HwQueues::total()`.
        queues as c_int
    }

    /// `->map_queues`: says which queue the requests of each CPU go to.
    ///
    /// # Safety
    ///
    /// `set` must be the one in a `TagSet<T>` whose other fields are initialised, and nobody may
    /// use the maps in it meanwhile.
    pub(crate) unsafe extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: By this function's contract the structure around `set` is there, and the fields
        // read here are initialised.
        let (asked, before, now) = unsafe {
            let this = container_of!(Opaque::cast_from(set), Self, raw);
            (
                (*this).asked.load(),
                (*this).before.load(),
                (*set).nr_hw_queues,
            )
        };
        // If memory is short, there are as many queues as before. In a kernel that a crash
        // started there is one.
        let queues = [asked, before]
            .into_iter()
            .find(|queues| queues.total() == c_int::try_from(now).ok())
            .unwrap_or(HwQueues {
                submit: now,
                poll: 0,
            });

        // SAFETY: By this function's contract the maps are ours; `nr_maps` says how many there are.
        let maps = unsafe { &mut (&mut (*set).map)[..] };
        // SAFETY: As above.
        let count = unsafe { (*set).nr_maps } as usize;
        let kinds = [
            (bindings::hctx_type_HCTX_TYPE_DEFAULT, queues.submit, 0),
            // Reads go where the rest goes.
            (bindings::hctx_type_HCTX_TYPE_READ, 0, 0),
            (
                bindings::hctx_type_HCTX_TYPE_POLL,
                queues.poll,
                queues.submit,
            ),
        ];
        for (kind, queues, offset) in kinds {
            if let Some(map) = maps.iter_mut().take(count).nth(kind as usize) {
                map.nr_queues = queues;
                map.queue_offset = offset;
                if queues > 0 {
                    // SAFETY: The map is complete: `blk_mq_alloc_tag_set()` made its table.
                    unsafe { bindings::blk_mq_map_queues(map) };
                }
            }
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

/// [`HwQueues`] that `->map_queues` reads while `blk_mq_update_nr_hw_queues()` runs in the same
/// task; nobody else reads them, so that the order of the two accesses does not matter.
struct Counts {
    submit: Atomic<u32>,
    poll: Atomic<u32>,
}

impl Counts {
    fn new(queues: HwQueues) -> Self {
        Self {
            submit: Atomic::new(queues.submit),
            poll: Atomic::new(queues.poll),
        }
    }

    fn load(&self) -> HwQueues {
        HwQueues {
            submit: self.submit.load(Relaxed),
            poll: self.poll.load(Relaxed),
        }
    }

    fn store(&self, queues: HwQueues) {
        self.submit.store(queues.submit, Relaxed);
        self.poll.store(queues.poll, Relaxed);
    }
}

/// The bytes that each request has for [`Operations::RequestData`].
const fn request_data_size<T: Operations>() -> c_uint {
    let size = size_of::<T::RequestData>();
    // The block layer allocates requests in pieces of a few pages.
    assert!(size <= 4096);
    // CAST: Checked above.
    size as c_uint
}
