// SPDX-License-Identifier: GPL-2.0

//! How many zones of a disk are open and active, and how many may be.
//!
//! A zone is open if it is implicitly or explicitly open, and active if it is open or closed.

use blk::{
    status::Status,
    zone::{Condition, ZoneLimits},
};

/// The numbers of a disk.
pub(crate) struct Counts {
    max_open: u32,
    max_active: u32,
    implicitly_open: u32,
    explicitly_open: u32,
    closed: u32,
}

/// Why nothing is done to a zone.
pub(crate) enum Refusal {
    /// The request ends with this error.
    With(Status),
    /// There are as many open zones as may be, of which one can be closed.
    UntilOneIsClosed,
}

impl Counts {
    /// The numbers of a disk with no open zones; `None` if it can have any number.
    pub(crate) fn new(limits: &ZoneLimits) -> Option<Self> {
        (limits.max_open != 0 || limits.max_active != 0).then_some(Self {
            max_open: limits.max_open,
            max_active: limits.max_active,
            implicitly_open: 0,
            explicitly_open: 0,
            closed: 0,
        })
    }

    /// Counts the change of a zone from one condition to another.
    pub(crate) fn change(&mut self, from: Condition, to: Condition) {
        // The numbers are those of zones, so that they cannot wrap.
        if let Some(count) = self.count(from) {
            *count = count.wrapping_sub(1);
        }
        if let Some(count) = self.count(to) {
            *count = count.wrapping_add(1);
        }
    }

    fn count(&mut self, condition: Condition) -> Option<&mut u32> {
        match condition {
            Condition::ImplicitlyOpen => Some(&mut self.implicitly_open),
            Condition::ExplicitlyOpen => Some(&mut self.explicitly_open),
            Condition::Closed => Some(&mut self.closed),
            _ => None,
        }
    }

    /// Whether a zone in condition `from` can become open, or full, which takes a place as well.
    ///
    /// # Errors
    ///
    /// As the type says.
    pub(crate) fn check(&self, from: Condition) -> Result<(), Refusal> {
        match from {
            Condition::Empty if !self.may_activate() => {
                return Err(Refusal::With(Status::ZONE_ACTIVE_RESOURCE));
            }
            Condition::Empty | Condition::Closed => (),
            // It has a place, or needs none.
            _ => return Ok(()),
        }
        let open = self.implicitly_open + self.explicitly_open;
        if self.max_open == 0 || open < self.max_open {
            Ok(())
        } else if self.implicitly_open > 0 && self.may_activate() {
            Err(Refusal::UntilOneIsClosed)
        } else {
            Err(Refusal::With(Status::ZONE_OPEN_RESOURCE))
        }
    }

    fn may_activate(&self) -> bool {
        let active = self.implicitly_open + self.explicitly_open + self.closed;
        self.max_active == 0 || active < self.max_active
    }
}
