// SPDX-License-Identifier: GPL-2.0

//! Questions that the code of a hot path asks without reading memory.
//!
//! C header: [`include/linux/jump_label.h`](srctree/include/linux/jump_label.h)

use kernel::{bindings, jump_label::static_branch_unlikely};
use sync::{context::Process, held::Held, level::Level};

/// A key that is off until it is turned on once, for good (`struct static_key_false`).
#[repr(transparent)]
struct StaticKey {
    raw: bindings::static_key_false,
}

/// Whether a table of bad blocks ever had one, of any disk.
static mut BAD_BLOCKS: StaticKey = StaticKey {
    raw: pin_init::zeroed(),
};

/// Whether [`use_bad_blocks`] was ever called: where it is asked stands an instruction without
/// effect until then.
#[inline(always)]
pub(crate) fn are_bad_blocks_in_use() -> bool {
    // SAFETY: The key is a static of this module, all zeroes as `DEFINE_STATIC_KEY_FALSE` makes it.
    unsafe { static_branch_unlikely!(BAD_BLOCKS, StaticKey, raw) }
}

/// Turns the answer of [`are_bad_blocks_in_use`] to yes, by changing the code. That takes some
/// milliseconds, once.
pub(crate) fn use_bad_blocks(_held: &mut Held<'_, impl Level<Context = Process>>) {
    // SAFETY: The key is as above, and the context one that may sleep. The function takes the locks
    // it needs.
    unsafe { bindings::static_key_enable((&raw mut BAD_BLOCKS).cast()) };
}
