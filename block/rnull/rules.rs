// SPDX-License-Identifier: GPL-2.0

//! Error rules: requests that fail, and reads that lie, because users want them to.

use crate::{
    chance::Chance,
    general::General,
    locks::{self, Spinning},
    operation::Operation,
    random,
    sector_range::SectorRange,
};
use blk::{
    req_op::ReqOp,
    request::{Request, Started},
    status::Status,
    units::{Bytes, Sectors, SECTOR},
};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kernel::{new_spinlock, prelude::*, rbtree::RBTree};
use sync::{held::Held, level::Before, lock::Lock};

/// The most rules that a disk can have.
pub(crate) const MOST_RULES: u32 = 256;

/// Which requests something happens to, and what.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// A bit for each [`Operation`], at its index.
    pub(crate) operations: u8,
    pub(crate) sectors: SectorRange,
    pub(crate) effect: Effect,
    pub(crate) chance: Chance,
    /// How often it can happen from now on; for ever without.
    pub(crate) times: Option<u32>,
    /// Whether it is over for sectors that are written.
    pub(crate) heals: bool,
    /// How often it happened.
    pub(crate) hits: u64,
}

/// What happens to a request.
#[derive(Clone, Copy)]
pub(crate) enum Effect {
    /// It fails, and does nothing.
    Fails(Status),
    /// It succeeds, with a bit of each sector flipped. Reads only.
    Corrupts,
}

/// What a request is about, for rules.
#[derive(Clone, Copy)]
struct Subject {
    operation: Operation,
    /// Nothing if it is about no place, or all.
    place: Option<(Sectors, Sectors)>,
}

impl Subject {
    fn of(request: &Request<General, Started>) -> Self {
        let op = request.op();
        // A request about a zone is so by the zone's first sector.
        let length = request.length().sectors().max(Sectors::new(1));
        Self {
            operation: op.into(),
            place: match op {
                ReqOp::Flush | ReqOp::ZoneResetAll => None,
                _ => Some((request.position(), length)),
            },
        }
    }

    /// Whether it is about a place that holds new data afterwards.
    fn writes(self) -> bool {
        use Operation::{Write, WriteZeroes, ZoneAppend};
        matches!(self.operation, Write | WriteZeroes | ZoneAppend)
    }
}

impl Rule {
    /// Whether it is about such a request, and can still happen.
    fn is_for(&self, subject: Subject) -> bool {
        self.operations & 1 << subject.operation.index() != 0
            && self.times != Some(0)
            && !(self.heals && subject.writes())
            && subject
                .place
                .is_none_or(|(start, length)| self.sectors.touches(start, length))
    }

    /// Notes that it happens.
    fn hit(&mut self) {
        self.hits = self.hits.wrapping_add(1);
        if let Some(times) = &mut self.times {
            *times = times.saturating_sub(1);
        }
    }
}

/// The rules of a disk, in the order of their numbers: the first that happens is all that happens.
#[pin_data]
pub(crate) struct Rules {
    #[pin]
    table: Spinning<Table, locks::Rules>,
    /// Whether there are any. Requests look at this first.
    are_there: AtomicBool,
    /// Whether a disk that is turned on without any can get some.
    pub(crate) prepared: AtomicBool,
    /// The number from which on they are listed.
    pub(crate) from: AtomicU32,
}

/// What the lock of [`Rules`] protects.
struct Table {
    /// By number.
    rules: RBTree<u32, Rule>,
    seed: u64,
    /// How many random numbers were drawn.
    drawn: u64,
}

impl Rules {
    /// No rules.
    pub(crate) fn new() -> impl PinInit<Self> {
        let table = Table {
            rules: RBTree::new(),
            seed: 0,
            drawn: 0,
        };
        pin_init!(Self {
            table <- Lock::new(new_spinlock!(table)),
            are_there: AtomicBool::new(false),
            prepared: AtomicBool::new(false),
            from: AtomicU32::new(0),
        })
    }

    /// Whether a disk that is turned on has to look at them.
    pub(crate) fn are_wanted(&self) -> bool {
        self.are_there.load(Relaxed) || self.prepared.load(Relaxed)
    }

    /// Adds a rule, with the lowest number that is free.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if there are [`MOST_RULES`] already, `ENOMEM`.
    pub(crate) fn add(&self, rule: Rule, held: &mut Held<'_, impl Before<locks::Rules>>) -> Result {
        let (mut table, _) = self.table.lock(held);
        table.add(rule)?;
        self.are_there.store(true, Relaxed);
        Ok(())
    }

    /// Removes the rule `number`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is none.
    pub(crate) fn remove(
        &self,
        number: u32,
        held: &mut Held<'_, impl Before<locks::Rules>>,
    ) -> Result {
        let (mut table, _) = self.table.lock(held);
        table.rules.remove(&number).ok_or(ENOENT)?;
        self.note(&table);
        Ok(())
    }

    /// Removes all rules.
    pub(crate) fn clear(&self, held: &mut Held<'_, impl Before<locks::Rules>>) {
        let (mut table, _) = self.table.lock(held);
        table.rules = RBTree::new();
        self.note(&table);
    }

    /// Hands the rules to `take` with their numbers, those from [`Rules::from`] on, until that has
    /// had enough.
    ///
    /// # Errors
    ///
    /// Those of `take`.
    pub(crate) fn list(
        &self,
        mut take: impl FnMut(u32, &Rule) -> Result<bool>,
        held: &mut Held<'_, impl Before<locks::Rules>>,
    ) -> Result {
        let from = self.from.load(Relaxed);
        let (table, _) = self.table.lock(held);
        for (number, rule) in table.rules.iter().filter(|(number, _)| **number >= from) {
            if !take(*number, rule)? {
                break;
            }
        }
        Ok(())
    }

    /// What the random numbers begin with.
    pub(crate) fn seed(&self, held: &mut Held<'_, impl Before<locks::Rules>>) -> u64 {
        self.table.lock(held).0.seed
    }

    /// Begins anew, with other random numbers.
    pub(crate) fn set_seed(&self, seed: u64, held: &mut Held<'_, impl Before<locks::Rules>>) {
        let (mut table, _) = self.table.lock(held);
        (table.seed, table.drawn) = (seed, 0);
    }

    /// Does what a request asks for with `carry_out`, unless a rule has it otherwise, and says how
    /// the request is to end.
    #[inline]
    pub(crate) fn apply<L: Before<locks::Rules>>(
        &self,
        request: &Request<General, Started>,
        held: &mut Held<'_, L>,
        carry_out: impl FnOnce(&mut Held<'_, L>) -> Status,
    ) -> Status {
        if !self.are_there.load(Relaxed) {
            return carry_out(held);
        }
        let subject = Subject::of(request);
        let corruption = match self.judge(subject, held) {
            Some(Verdict::Fail(status)) => return status,
            Some(Verdict::Corrupt { sectors, seed }) => Some((sectors, seed)),
            None => None,
        };
        let status = carry_out(held);
        if status == Status::OK {
            if let Some((sectors, seed)) = corruption {
                corrupt(request, sectors, seed);
            }
            if subject.writes() {
                // An append knows only now where it went.
                self.heal(request.position(), request.length().sectors(), held);
            }
        }
        status
    }

    /// What happens to a request, if something does.
    fn judge(
        &self,
        subject: Subject,
        held: &mut Held<'_, impl Before<locks::Rules>>,
    ) -> Option<Verdict> {
        let (mut table, _) = self.table.lock(held);
        let Table { rules, seed, drawn } = &mut *table;
        let mut happens = |chance: Chance| {
            if chance == Chance::ALWAYS {
                return true;
            }
            *drawn = drawn.wrapping_add(1);
            chance.happens(random::number(*seed, *drawn))
        };
        let rule = rules
            .values_mut()
            .find(|rule| rule.is_for(subject) && happens(rule.chance))?;
        rule.hit();
        Some(match rule.effect {
            Effect::Fails(status) => Verdict::Fail(status),
            Effect::Corrupts => Verdict::Corrupt {
                sectors: rule.sectors,
                seed: *seed,
            },
        })
    }

    /// Takes sectors that were written out of the rules that heal.
    fn heal(
        &self,
        start: Sectors,
        length: Sectors,
        held: &mut Held<'_, impl Before<locks::Rules>>,
    ) {
        let (mut table, _) = self.table.lock(held);
        let mut number = 0;
        // What is added meanwhile is about other sectors.
        while let Some((found, rule)) = table.first_from(number) {
            if rule.heals && rule.sectors.touches(start, length) {
                table.cut(found, rule, start, length);
            }
            number = found + 1;
        }
        self.note(&table);
    }

    /// Notes whether there are rules.
    fn note(&self, table: &Table) {
        self.are_there.store(!table.rules.is_empty(), Relaxed);
    }
}

/// What a rule makes of a request.
enum Verdict {
    /// It fails.
    Fail(Status),
    /// What is read of these sectors is corrupted.
    Corrupt { sectors: SectorRange, seed: u64 },
}

impl Table {
    /// [`Rules::add`].
    fn add(&mut self, rule: Rule) -> Result {
        // Rule n has number n, up to the lowest free number.
        let taken = self
            .rules
            .keys()
            .zip(0..)
            .take_while(|(key, number)| **key == *number);
        let number = taken.fold(0, |_, (key, _)| *key + 1);
        if number >= MOST_RULES {
            return Err(ENOSPC);
        }
        // A request must not wait for memory that others wait for it to free.
        self.rules.try_create_and_insert(number, rule, GFP_ATOMIC)?;
        Ok(())
    }

    /// The first rule with a number of at least `number`.
    fn first_from(&self, number: u32) -> Option<(u32, Rule)> {
        let cursor = self.rules.cursor_lower_bound(&number)?;
        let (number, rule) = cursor.current();
        Some((*number, *rule))
    }

    /// Takes sectors out of the rule `number`, whose middle may be gone then: what is behind that
    /// becomes a rule of its own. If there is no room for one, the rule stays as it is.
    fn cut(&mut self, number: u32, mut rule: Rule, start: Sectors, length: Sectors) {
        let (before, behind) = rule.sectors.without(start, length);
        let stays = match (before, behind) {
            (None, None) => {
                self.rules.remove(&number);
                return;
            }
            (Some(before), Some(behind)) => {
                let behind = Rule {
                    sectors: behind,
                    hits: 0,
                    ..rule
                };
                if self.add(behind).is_err() {
                    return;
                }
                before
            }
            (Some(one), None) | (None, Some(one)) => one,
        };
        rule.sectors = stays;
        if let Some(there) = self.rules.get_mut(&number) {
            *there = rule;
        }
    }
}

/// Flips a bit of each sector that was read and is one of `sectors`: for one seed the same bit of
/// it each time.
fn corrupt(request: &Request<General, Started>, sectors: SectorRange, seed: u64) {
    let (Some(start), length) = (request.position().bytes(), request.length()) else {
        return;
    };
    for (at, segment) in request.segments().within(start, length) {
        // CAST: A length in memory.
        let end = at.get().wrapping_add(segment.len() as u64);
        let (mut at, mut rest) = (at.get(), segment);
        for sector in at / SECTOR..end.div_ceil(SECTOR) {
            let random = random::number(seed, sector);
            let byte = sector.wrapping_mul(SECTOR).wrapping_add(random % SECTOR);
            let here = Sectors::new(sector);
            if !sectors.touches(here, Bytes::new(SECTOR).sectors()) || !(at..end).contains(&byte) {
                continue;
            }
            // CAST: At most the segment's length.
            let (_, behind) = rest.split_at(byte.wrapping_sub(at) as usize);
            let mut flipped = [0];
            behind.copy_to(&mut flipped);
            flipped = flipped.map(|byte| byte ^ 1 << (random >> 32) % 8);
            behind.copy_from(&flipped);
            (at, rest) = (byte, behind);
        }
    }
}
