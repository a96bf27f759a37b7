// SPDX-License-Identifier: GPL-2.0

//! The order of the driver's locks; `Documentation/locking.rst` has it as a table.

use kernel::sync::{Mutex, SpinLock};
use sync::lock::Lock;

sync::levels! {
    /// A disk's settings, and whether it is on.
    Device: Process;
    /// Names and numbers of all disks that are on, and the tag set that disks share.
    Registry: Process;
    /// A zone's condition and write pointer, and the order of its writes.
    Zone: NoIo;
    /// The write cache of a disk.
    Cache: NoIo;
    /// How many zones of a disk are open and closed.
    ZoneCounts: Atomic;
    /// The error rules of a disk.
    Rules: Atomic;
}

/// A lock of level `L` that sleeps.
pub(crate) type Sleeping<T, L> = Lock<Mutex<T>, L>;

/// A lock of level `L` that spins.
pub(crate) type Spinning<T, L> = Lock<SpinLock<T>, L>;
