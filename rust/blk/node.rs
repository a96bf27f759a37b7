// SPDX-License-Identifier: GPL-2.0

//! NUMA nodes.
//!
//! C header: [`include/linux/nodemask.h`](srctree/include/linux/nodemask.h)

use kernel::{bindings, prelude::*};

/// The number of NUMA nodes that are online, 1 or more.
pub fn online_nodes() -> u32 {
    #[cfg(CONFIG_NUMA)]
    // SAFETY: The kernel defines the variable; it changes only when memory is plugged in, and any
    // value it had is as good as another.
    unsafe {
        (&raw const bindings::nr_online_nodes).read_volatile()
    }
    #[cfg(not(CONFIG_NUMA))]
    1
}

/// Where memory is to be, or that it does not matter.
///
/// # Invariants
///
/// The number is that of a node, or `NUMA_NO_NODE`.
#[derive(Clone, Copy)]
pub struct Node(c_int);

impl Node {
    /// Any node.
    pub const ANY: Self = Self(bindings::NUMA_NO_NODE);

    /// The node with number `node`. A number that no online node has stands for any node, because
    /// the kernel's allocators take a node number without checking it.
    pub fn new(node: u32) -> Self {
        if node < online_nodes() {
            // CAST: A node number is below 1,024.
            Self(node as c_int)
        } else {
            Self::ANY
        }
    }

    /// The number, as C functions take it.
    pub(crate) fn raw(self) -> c_int {
        self.0
    }
}
