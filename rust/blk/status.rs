// SPDX-License-Identifier: GPL-2.0

//! How requests end, and other notes of a driver's about them.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use kernel::bindings;

/// How a request ended (`blk_status_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(bindings::blk_status_t);

// The numbers are those of include/linux/blk_types.h, whose `__force` casts bindgen cannot read.
impl Status {
    /// The request succeeded.
    pub const OK: Self = Self(0);
    /// The disk cannot do that (`BLK_STS_NOTSUPP`, `EOPNOTSUPP`).
    pub const NOT_SUPPORTED: Self = Self(1);
    /// The driver did not end the request in time (`BLK_STS_TIMEOUT`, `ETIMEDOUT`).
    pub const TIMEOUT: Self = Self(2);
    /// The device is full (`BLK_STS_NOSPC`, `ENOSPC`).
    pub const NO_SPACE: Self = Self(3);
    /// The device failed (`BLK_STS_IOERR`, `EIO` to the submitter).
    pub const IO_ERROR: Self = Self(10);
    /// There are as many open zones as the disk can have (`BLK_STS_ZONE_OPEN_RESOURCE`,
    /// `ETOOMANYREFS`).
    pub const ZONE_OPEN_RESOURCE: Self = Self(14);
    /// There are as many active zones as the disk can have (`BLK_STS_ZONE_ACTIVE_RESOURCE`,
    /// `EOVERFLOW`).
    pub const ZONE_ACTIVE_RESOURCE: Self = Self(15);
    /// `BLK_STS_RESOURCE`, see [`Busy::System`](crate::request::Busy::System).
    pub(crate) const RESOURCE: Self = Self(9);
    /// `BLK_STS_DEV_RESOURCE`, see [`Busy::Device`](crate::request::Busy::Device).
    pub(crate) const DEV_RESOURCE: Self = Self(13);

    /// The ways to fail that drivers may end a request with, by the names of their constants in C,
    /// without `BLK_STS_` and in lower case.
    const FAILURES: [(&str, Self); 17] = [
        ("notsupp", Self::NOT_SUPPORTED),
        ("timeout", Self::TIMEOUT),
        ("nospc", Self::NO_SPACE),
        ("transport", Self(4)),
        ("target", Self(5)),
        ("resv_conflict", Self(6)),
        ("medium", Self(7)),
        ("protection", Self(8)),
        ("resource", Self::RESOURCE),
        ("ioerr", Self::IO_ERROR),
        ("again", Self(12)),
        ("dev_resource", Self::DEV_RESOURCE),
        ("zone_open_resource", Self::ZONE_OPEN_RESOURCE),
        ("zone_active_resource", Self::ZONE_ACTIVE_RESOURCE),
        ("offline", Self(16)),
        ("duration_limit", Self(17)),
        ("inval", Self(19)),
    ];

    /// The failure that C calls `BLK_STS_` and `name` in upper case.
    pub fn failure(name: &str) -> Option<Self> {
        let named = Self::FAILURES.iter().find(|(known, _)| *known == name);
        named.map(|(_, status)| *status)
    }

    /// What C calls it, without `BLK_STS_` and in lower case.
    pub fn name(self) -> &'static str {
        let named = Self::FAILURES.iter().find(|(_, status)| *status == self);
        named.map_or("ok", |(name, _)| name)
    }

    /// The C value.
    #[inline]
    pub(crate) const fn raw(self) -> bindings::blk_status_t {
        self.0
    }
}

/// A [`Status`] that the timeout of its request can change while the driver works on it. Part of
/// the request's data.
///
/// The kernel crate's atomics call a function of C for each access; this one is inline.
pub struct AtomicStatus(AtomicU8);

// SAFETY: Zero is `Status::OK`.
unsafe impl pin_init::Zeroable for AtomicStatus {}

impl AtomicStatus {
    /// The status.
    #[inline]
    pub fn get(&self) -> Status {
        Status(self.0.load(Relaxed))
    }

    /// Changes the status.
    #[inline]
    pub fn set(&self, status: Status) {
        self.0.store(status.0, Relaxed);
    }
}

/// Something that is true of a request or not. Part of the request's data.
pub struct Flag(AtomicBool);

// SAFETY: Zero is `false`.
unsafe impl pin_init::Zeroable for Flag {}

impl Flag {
    /// Whether it is true.
    #[inline]
    pub fn get(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Says whether it is.
    #[inline]
    pub fn set(&self, value: bool) {
        self.0.store(value, Relaxed);
    }
}
