// SPDX-License-Identifier: GPL-2.0

//! The order of the driver's locks; `Documentation/locking.rst` has it as a table.

use kernel::sync::Mutex;
use sync::lock::Lock;

sync::levels! {
    /// A disk's settings, and whether it is on.
    Device: Process;
    /// Names and numbers of all disks that are on, and the tag set that disks share.
    Registry: Process;
}

/// A lock of level `L` that sleeps.
pub(crate) type Sleeping<T, L> = Lock<Mutex<T>, L>;
