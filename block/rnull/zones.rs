// SPDX-License-Identifier: GPL-2.0

//! The zones of a disk, and what requests do to them.
//!
//! Each zone has a lock, which is held while data is copied: writes come in their order, and what
//! is read is not changed meanwhile. One zone's lock is held at a time: to close another zone, a
//! request gives up its own, and then looks at it anew.

use crate::{
    general::Transferred,
    locks::{self, Sleeping, Spinning},
    options::Settings,
    zone_geometry::Geometry,
    zone_limits::{Counts, Refusal},
};
use blk::{
    req_op::ReqOp,
    status::Status,
    units::Sectors,
    zone::{Condition, Zone, ZoneLimits, ZoneReport},
};
use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
};
use sync::{held::Held, level::Before, lock::Lock};

/// The zones of a disk.
pub(crate) struct Zones {
    geometry: Geometry,
    limits: ZoneLimits,
    zones: KVVec<Pin<KBox<Sleeping<State, locks::Zone>>>>,
    /// If there are limits.
    counts: Option<Pin<KBox<Spinning<Counts, locks::ZoneCounts>>>>,
    /// The zone that is looked at first for one to close; it may be beyond the last one.
    next_to_close: Atomic<u32>,
}

/// Where a zone stands.
#[derive(Clone, Copy)]
struct State {
    condition: Condition,
    write_pointer: Option<Sectors>,
}

/// How a write finds its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has it, and it must be right.
    Given,
    /// It gets it.
    Appended,
}

impl Zones {
    /// The zones of a disk that is turned on: full, or empty. Settings that no disk can have are
    /// replaced by the nearest ones it can.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there are none, `ENOMEM`.
    pub(crate) fn new(settings: &mut Settings) -> Result<Self> {
        let geometry = Geometry::new(settings)?;
        let limits = geometry.limits(settings);
        let mut zones = KVVec::with_capacity(geometry.count as usize, GFP_KERNEL)?;
        for number in 0..geometry.count {
            let start = geometry.start(number);
            let state = if geometry.is_conventional(number) {
                State {
                    condition: Condition::NotWritePointer,
                    write_pointer: Some(start.saturating_add(geometry.length(number))),
                }
            } else if settings.zone_full {
                State {
                    condition: Condition::Full,
                    write_pointer: Some(start.saturating_add(geometry.capacity(number))),
                }
            } else {
                State {
                    condition: Condition::Empty,
                    write_pointer: Some(start),
                }
            };
            let zone = KBox::pin_init(Lock::new(new_mutex!(state)), GFP_KERNEL)?;
            zones.push(zone, GFP_KERNEL)?;
        }
        let counts = Counts::new(&limits)
            .map(|counts| KBox::pin_init(Lock::new(new_spinlock!(counts)), GFP_KERNEL))
            .transpose()?;
        Ok(Self {
            next_to_close: Atomic::new(geometry.conventional),
            geometry,
            limits,
            zones,
            counts,
        })
    }

    /// What the block layer has to know of them.
    pub(crate) fn limits(&self) -> ZoneLimits {
        self.limits
    }

    /// The zone of a sector, and its number.
    #[inline]
    fn find(&self, sector: Sectors) -> Option<(u32, &Sleeping<State, locks::Zone>)> {
        let number = u32::try_from(self.geometry.zone_of(sector)).ok()?;
        Some((number, self.zones.get(number as usize)?))
    }

    /// Reads, or does something else that changes no zone. `transfer` gets how much of the data
    /// was ever written.
    #[inline]
    pub(crate) fn read(
        &self,
        at: Sectors,
        length: Sectors,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        transfer: impl FnOnce(Sectors, &mut Held<'_, locks::Zone>) -> Status,
    ) -> Status {
        let Some((_, zone)) = self.find(at) else {
            return Status::IO_ERROR;
        };
        let (zone, mut held) = zone.lock(held);
        let written = match (zone.condition, zone.write_pointer) {
            (Condition::Offline, _) => return Status::IO_ERROR,
            (Condition::NotWritePointer, _) | (_, None) => length,
            (_, Some(write_pointer)) => write_pointer.saturating_sub(at).min(length),
        };
        transfer(written, &mut held)
    }

    /// Writes. `transfer` gets the place of the data.
    #[inline]
    pub(crate) fn write(
        &self,
        at: Sectors,
        length: Sectors,
        place: Place,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        mut transfer: impl FnMut(Sectors, &mut Held<'_, locks::Zone>) -> Transferred,
    ) -> Status {
        let Some((number, lock)) = self.find(at) else {
            return Status::IO_ERROR;
        };
        if self.geometry.is_conventional(number) {
            return match place {
                Place::Given => transfer(at, &mut lock.lock(held).1).status,
                Place::Appended => Status::IO_ERROR,
            };
        }
        let start = self.geometry.start(number);
        let end = start.saturating_add(self.geometry.capacity(number));
        self.act(lock, held, |zone, held| {
            // A full zone has no room, and one that cannot be written no write pointer.
            let at = match (place, zone.write_pointer) {
                (Place::Given, Some(write_pointer)) if write_pointer == at => at,
                (Place::Appended, Some(write_pointer)) => write_pointer,
                _ => return Err(Refusal::With(Status::IO_ERROR)),
            };
            if at.saturating_add(length) > end {
                return Err(Refusal::With(Status::IO_ERROR));
            }
            if matches!(zone.condition, Condition::Empty | Condition::Closed) {
                self.enter(zone, Condition::ImplicitlyOpen, held)?;
            }
            let written = transfer(at, held);
            let write_pointer = at.saturating_add(written.length);
            zone.write_pointer = Some(write_pointer);
            if write_pointer == end {
                self.change(zone, Condition::Full, held);
            }
            Ok(written.status)
        })
    }

    /// Opens, closes, finishes or resets a zone, or resets all. `discard` gets what is to be
    /// forgotten: a start and a length.
    pub(crate) fn manage(
        &self,
        op: ReqOp,
        at: Sectors,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        mut discard: impl FnMut(Sectors, Sectors, &mut Held<'_, locks::Zone>) -> Status,
    ) -> Status {
        if op == ReqOp::ZoneResetAll {
            return self.reset_all(held, discard);
        }
        let Some((number, lock)) = self.find(at) else {
            return Status::IO_ERROR;
        };
        self.act(lock, held, |zone, held| match (op, zone.condition) {
            (_, Condition::NotWritePointer | Condition::ReadOnly | Condition::Offline) => {
                Err(Refusal::With(Status::IO_ERROR))
            }
            (ReqOp::ZoneOpen, Condition::ExplicitlyOpen) => Ok(Status::OK),
            (ReqOp::ZoneOpen, Condition::Full) => Err(Refusal::With(Status::IO_ERROR)),
            (ReqOp::ZoneOpen, _) => {
                self.enter(zone, Condition::ExplicitlyOpen, held)?;
                Ok(Status::OK)
            }
            (ReqOp::ZoneClose, Condition::Closed) => Ok(Status::OK),
            (ReqOp::ZoneClose, Condition::Empty | Condition::Full) => {
                Err(Refusal::With(Status::IO_ERROR))
            }
            (ReqOp::ZoneClose, _) => {
                self.close(number, zone, held);
                Ok(Status::OK)
            }
            // As in C: without limits, the write pointer of a full zone goes to its end.
            (ReqOp::ZoneFinish, Condition::Full) if self.counts.is_some() => Ok(Status::OK),
            (ReqOp::ZoneFinish, _) => {
                self.enter(zone, Condition::Full, held)?;
                let start = self.geometry.start(number);
                zone.write_pointer = Some(start.saturating_add(self.geometry.length(number)));
                Ok(Status::OK)
            }
            (ReqOp::ZoneReset, _) => {
                self.empty(number, zone, held);
                let start = self.geometry.start(number);
                Ok(discard(start, self.geometry.length(number), held))
            }
            _ => Err(Refusal::With(Status::NOT_SUPPORTED)),
        })
    }

    /// Resets all zones that can be.
    fn reset_all(
        &self,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        mut discard: impl FnMut(Sectors, Sectors, &mut Held<'_, locks::Zone>) -> Status,
    ) -> Status {
        for (lock, number) in self.zones.iter().zip(0..) {
            let (mut zone, mut held) = lock.lock(held);
            if !matches!(
                zone.condition,
                Condition::NotWritePointer
                    | Condition::Empty
                    | Condition::ReadOnly
                    | Condition::Offline
            ) {
                self.empty(number, &mut zone, &mut held);
                let start = self.geometry.start(number);
                // As in C, which goes on.
                let _ = discard(start, self.geometry.length(number), &mut held);
            }
        }
        Status::OK
    }

    /// Makes the zone of a sector read-only or offline, or empties it if it is so already.
    /// `discard` gets what is to be forgotten.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such zone, or if it is conventional.
    pub(crate) fn fail(
        &self,
        sector: Sectors,
        condition: Condition,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        discard: impl FnOnce(Sectors, Sectors, &mut Held<'_, locks::Zone>) -> Status,
    ) -> Result {
        let Some((number, lock)) = self.find(sector) else {
            pr_err!("sector {} is beyond the last zone\n", sector.get());
            return Err(EINVAL);
        };
        if self.geometry.is_conventional(number) {
            pr_err!("zone {number} is conventional: its condition cannot change\n");
            return Err(EINVAL);
        }
        // As in C, a zone takes a place to become full, for which another is closed.
        if lock.lock(held).0.condition != condition {
            let _ = self.manage(ReqOp::ZoneFinish, sector, held, |_, _, _| Status::OK);
        }
        let (mut zone, mut held) = lock.lock(held);
        if zone.condition == condition {
            self.empty(number, &mut zone, &mut held);
            let start = self.geometry.start(number);
            // The zone is empty, whatever becomes of its memory.
            let _ = discard(start, self.geometry.length(number), &mut held);
        } else {
            self.change(&mut zone, condition, &mut held);
            zone.write_pointer = None;
        }
        Ok(())
    }

    /// What a loss of power does: no zone stays open, and one that lost data is written up to the
    /// first of that. `lose` gets the start and the length of what can lose some, and says where it
    /// did first.
    pub(crate) fn crash(
        &self,
        held: &mut Held<'_, impl Before<locks::Zone>>,
        mut lose: impl FnMut(Sectors, Sectors, &mut Held<'_, locks::Zone>) -> Option<Sectors>,
    ) {
        for (lock, number) in self.zones.iter().zip(0..) {
            let (mut zone, mut held) = lock.lock(held);
            let start = self.geometry.start(number);
            let first_lost = lose(start, self.geometry.length(number), &mut held);
            let is_open = match zone.condition {
                Condition::ImplicitlyOpen | Condition::ExplicitlyOpen => true,
                Condition::Closed | Condition::Full => false,
                _ => continue,
            };
            if let (Some(lost), Some(write_pointer)) = (first_lost, zone.write_pointer) {
                zone.write_pointer = Some(write_pointer.min(lost));
            }
            if is_open || first_lost.is_some() {
                self.close(number, &mut zone, &mut held);
            }
        }
    }

    /// Takes over the zones that the disk had when it lost its power, if they are where these are.
    pub(crate) fn resume(&self, before: &Self, held: &mut Held<'_, impl Before<locks::Zone>>) {
        if self.geometry != before.geometry {
            return;
        }
        for (lock, before) in self.zones.iter().zip(&before.zones) {
            let before = *before.lock(held).0;
            let (mut zone, mut held) = lock.lock(held);
            self.change(&mut zone, before.condition, &mut held);
            zone.write_pointer = before.write_pointer;
        }
    }

    /// Reports the zones from that of a sector on.
    ///
    /// # Errors
    ///
    /// Those of the report.
    pub(crate) fn report(
        &self,
        from: Sectors,
        report: &mut ZoneReport<'_>,
        held: &mut Held<'_, impl Before<locks::Zone>>,
    ) -> Result {
        let mut sector = from;
        while report.wanted() > 0 {
            let Some((number, lock)) = self.find(sector) else {
                break;
            };
            let State {
                condition,
                write_pointer,
            } = *lock.lock(held).0;
            report.zone(&Zone {
                start: self.geometry.start(number),
                length: self.geometry.length(number),
                capacity: self.geometry.capacity(number),
                write_pointer,
                condition,
            })?;
            // The end of a shorter last zone is in that zone.
            sector = self.geometry.start(number + 1);
        }
        Ok(())
    }

    /// Does something to a zone, again and again while another one has to be closed for it.
    #[inline]
    fn act(
        &self,
        lock: &Sleeping<State, locks::Zone>,
        outer: &mut Held<'_, impl Before<locks::Zone>>,
        mut act: impl FnMut(&mut State, &mut Held<'_, locks::Zone>) -> Result<Status, Refusal>,
    ) -> Status {
        loop {
            let result = {
                let (mut zone, mut held) = lock.lock(outer);
                act(&mut zone, &mut held)
            };
            match result {
                Ok(status) | Err(Refusal::With(status)) => return status,
                Err(Refusal::UntilOneIsClosed) => self.close_one(outer),
            }
        }
    }

    /// Closes an implicitly open zone, in turn.
    fn close_one(&self, outer: &mut Held<'_, impl Before<locks::Zone>>) {
        let mut number = self.next_to_close.load(Relaxed);
        for _ in self.geometry.conventional..self.geometry.count {
            if number >= self.geometry.count {
                number = self.geometry.conventional;
            }
            let Some(lock) = self.zones.get(number as usize) else {
                return;
            };
            let (mut zone, mut held) = lock.lock(outer);
            if zone.condition == Condition::ImplicitlyOpen {
                self.close(number, &mut zone, &mut held);
                self.next_to_close.store(number + 1, Relaxed);
                return;
            }
            number += 1;
        }
    }

    /// Closes an open zone.
    fn close(&self, number: u32, zone: &mut State, held: &mut Held<'_, locks::Zone>) {
        let nothing_written = zone.write_pointer == Some(self.geometry.start(number));
        let condition = if nothing_written {
            Condition::Empty
        } else {
            Condition::Closed
        };
        self.change(zone, condition, held);
    }

    /// Empties a zone.
    fn empty(&self, number: u32, zone: &mut State, held: &mut Held<'_, locks::Zone>) {
        self.change(zone, Condition::Empty, held);
        zone.write_pointer = Some(self.geometry.start(number));
    }

    /// Changes the condition of a zone if the limits allow it.
    #[inline]
    fn enter(
        &self,
        zone: &mut State,
        condition: Condition,
        held: &mut Held<'_, locks::Zone>,
    ) -> Result<(), Refusal> {
        if let Some(counts) = &self.counts {
            let (mut counts, _) = counts.lock(held);
            counts.check(zone.condition)?;
            counts.change(zone.condition, condition);
        }
        zone.condition = condition;
        Ok(())
    }

    /// Changes the condition of a zone.
    #[inline]
    fn change(&self, zone: &mut State, condition: Condition, held: &mut Held<'_, locks::Zone>) {
        if let Some(counts) = &self.counts {
            counts.lock(held).0.change(zone.condition, condition);
        }
        zone.condition = condition;
    }
}
