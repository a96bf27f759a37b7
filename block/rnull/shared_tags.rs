// SPDX-License-Identifier: GPL-2.0

//! The tag set that all disks with `shared_tags` have in common.

use crate::{general::General, options::parameters, TIMEOUT};
use blk::{
    node::Node,
    tag_set::{Flags, HwQueues, TagSet, TagSetOptions},
};
use kernel::{prelude::*, sync::Arc};

/// Makes the tag set. What it is like is said by the module's parameters, as it belongs to no disk.
///
/// # Errors
///
/// Those of [`TagSet::new`].
pub(crate) fn make() -> Result<Arc<TagSet<General>>> {
    // CAST: C assigns these int parameters to unsigned fields.
    let options = TagSetOptions {
        hw_queues: HwQueues {
            submit: parameters::submit_queues.get() as u32,
            poll: parameters::poll_queues.get() as u32,
        },
        queue_depth: parameters::hw_queue_depth.get() as u32,
        timeout: TIMEOUT,
        node: Node::new(parameters::home_node.get() as u32),
        flags: Flags {
            blocking: parameters::blocking.get(),
            no_scheduler: parameters::no_sched.get() != 0,
            queues_share_tags: parameters::shared_tag_bitmap.get(),
        },
    };
    Arc::pin_init(TagSet::new(options), GFP_KERNEL)
}
