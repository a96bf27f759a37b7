// SPDX-License-Identifier: GPL-2.0

//! What a disk's settings come to: adjustments, limits, and a tag set.

use crate::{
    general::Irqmode,
    options::{parameters, Settings},
    TIMEOUT,
};
use blk::{
    limits::Limits,
    node::{online_nodes, Node},
    tag_set::{Flags, HwQueues, TagSetOptions},
    units::{Bytes, Mebibytes, Sectors, SECTOR_SHIFT},
    zone::ZoneLimits,
};
use kernel::{cpu::nr_cpu_ids, page::PAGE_SIZE, prelude::*};

/// The largest part of a disk that one request can discard: what fits into 32 bits as bytes.
const MOST_DISCARD_SECTORS: u32 = u32::MAX >> SECTOR_SHIFT;

/// The largest limit to a disk's bandwidth, in MiB/s.
const MOST_MBPS: u32 = 40 * 1024;

impl Settings {
    /// Replaces settings that no disk can have by the nearest ones it can.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there are none.
    pub(crate) fn adjust(&mut self) -> Result {
        match self.queue_mode {
            0 => {
                pr_warn!("queue_mode 0 (bio) is no more: it is set to 2 (blk-mq)\n");
                self.queue_mode = 2;
            }
            1 => {
                pr_err!("queue_mode 1 (the legacy request interface) is no more: use 2\n");
                return Err(EINVAL);
            }
            _ => (),
        }
        self.submit_queues = if self.use_per_node_hctx {
            online_nodes()
        } else {
            self.submit_queues.clamp(1, nr_cpu_ids())
        };
        self.poll_queues = self.poll_queues.min(most_poll_queues());
        self.irqmode = self.irqmode.min(2);
        if self.memory_backed {
            self.blocking = true;
        } else {
            self.cache_size = Mebibytes::new(0);
        }
        self.mbps = self.mbps.min(MOST_MBPS);
        self.cache_size = self.cache_size.min(Mebibytes::new(u64::MAX >> 20));
        if self.zoned && !self.zone_size.get().is_power_of_two() {
            pr_err!("zone_size must be a power of two\n");
            return Err(EINVAL);
        }
        if self.discard && (self.zoned || !self.memory_backed) {
            pr_info!("discard is turned off: the disk is zoned, or not memory-backed\n");
            self.discard = false;
        }
        Ok(())
    }

    /// Where requests complete.
    pub(crate) fn irqmode(&self) -> Irqmode {
        match self.irqmode {
            0 => Irqmode::Inline,
            1 => Irqmode::Softirq,
            _ => Irqmode::Timer,
        }
    }

    /// The size of the disk.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is 2^64 bytes or more.
    pub(crate) fn capacity(&self) -> Result<Sectors> {
        let size = self.size;
        size.bytes().map(Bytes::sectors).ok_or_else(|| {
            pr_err!("size {} MiB is 2^64 bytes or more\n", size.get());
            EINVAL
        })
    }

    /// What the disk can do in one request; `zones` if it is zoned.
    pub(crate) fn limits(&self, zones: Option<ZoneLimits>) -> Limits {
        let if_so = |so, sectors| if so { sectors } else { 0 };
        let limits = Limits::new()
            .logical_block_size(self.blocksize)
            .physical_block_size(self.blocksize)
            .max_hw_sectors(self.max_sectors)
            .max_hw_discard_sectors(if_so(self.discard, MOST_DISCARD_SECTORS))
            // Zeroes would have to be written at a zone's write pointer.
            .max_write_zeroes_sectors(if_so(
                self.memory_backed && !self.zoned,
                MOST_DISCARD_SECTORS,
            ))
            .dma_alignment(1)
            .virt_boundary_mask(if self.virt_boundary { PAGE_SIZE - 1 } else { 0 })
            .write_cache(self.cache_size.get() > 0, self.fua)
            .rotational(self.rotational);
        match zones {
            Some(zones) => limits.zoned(zones),
            None => limits,
        }
    }

    /// What a tag set for this disk alone is like.
    pub(crate) fn tag_set_options(&self) -> TagSetOptions {
        TagSetOptions {
            hw_queues: HwQueues {
                submit: self.submit_queues,
                poll: self.poll_queues,
            },
            queue_depth: self.hw_queue_depth,
            timeout: TIMEOUT,
            node: Node::new(self.home_node),
            flags: Flags {
                blocking: self.blocking,
                no_scheduler: self.no_sched,
                queues_share_tags: self.shared_tag_bitmap,
            },
        }
    }
}

/// The most queues for polling that a disk can have.
pub(crate) fn most_poll_queues() -> u32 {
    // CAST: C compares the int parameter with unsigned numbers.
    parameters::poll_queues.get() as u32
}
