// SPDX-License-Identifier: GPL-2.0

//! A limit on how often something is logged.

use kernel::{bindings, prelude::*, types::Opaque};

/// The kernel's default limit, that of `printk_ratelimited`.
///
/// C header: `include/linux/ratelimit.h`.
#[pin_data]
pub(crate) struct RateLimit {
    #[pin]
    state: Opaque<bindings::ratelimit_state>,
}

// SAFETY: A `ratelimit_state` belongs to no task or CPU.
unsafe impl Send for RateLimit {}
// SAFETY: `___ratelimit`, the only access, synchronises with a raw spinlock it tries.
unsafe impl Sync for RateLimit {}

impl RateLimit {
    /// A fresh limit.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- Opaque::ffi_init(|state| {
                // SAFETY: `state` is valid for writes and stays at its address, as the
                // initialiser of a pinned field promises.
                unsafe { vfs_bindings::blockyard_ratelimit_default_init(state) }
            }),
        })
    }

    /// Whether one more message may be written now.
    pub(crate) fn permits(&self) -> bool {
        // SAFETY: The state was initialised by `new` and the name is a C string.
        unsafe { bindings::___ratelimit(self.state.get(), c"rust/vfs".as_char_ptr()) != 0 }
    }
}
