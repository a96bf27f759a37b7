// SPDX-License-Identifier: GPL-2.0

//! Faults that are injected on purpose, by the rules of the kernel's own fault injection
//! (`Documentation/fault-injection/`), which stock kernels are built without.

use crate::random;
use blk::{module_parameter, params::Text};
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use kernel::prelude::*;

module_parameter!(timeout: Text = Text::NONE,
    "Requests that are never done: <interval>,<probability>,<space>,<times>");
module_parameter!(requeue: Text = Text::NONE,
    "Requests that are sent back: <interval>,<probability>,<space>,<times>");
module_parameter!(init_hctx: Text = Text::NONE,
    "Hardware queues that cannot be made: <interval>,<probability>,<space>,<times>");

/// What decides whether a fault happens.
pub(crate) struct Fault {
    /// Of 100 times that are left after the other rules, how many have it.
    pub(crate) probability: AtomicU64,
    /// Every how many times there can be one.
    pub(crate) interval: AtomicU64,
    /// How often there can be one; -1 for ever.
    pub(crate) times: AtomicI32,
    /// How many times there is none at first.
    pub(crate) space: AtomicI32,
    /// What the random numbers begin with: the same, and the same order of requests, gives the
    /// same faults.
    seed: AtomicU64,
    /// How many random numbers were drawn.
    drawn: AtomicU64,
    /// Times that got as far as the interval.
    count: AtomicU64,
    /// How often it was asked whether there is a fault, and how often there was.
    pub(crate) asked: AtomicU64,
    pub(crate) injected: AtomicU64,
}

/// `<interval>,<probability>,<space>,<times>`, as a module parameter has it.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    interval: u64,
    probability: u64,
    space: i32,
    times: i32,
}

impl Rule {
    /// No faults: what a disk has if the parameter was not given.
    pub(crate) const NONE: Self = Self {
        interval: 1,
        probability: 0,
        space: 0,
        times: 1,
    };

    /// Reads the parameter `name`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `text` is not four numbers.
    pub(crate) fn parse(name: &str, text: &CStr) -> Result<Self> {
        let text = text.to_str().map_err(|_| EINVAL)?;
        Self::numbers(text).ok_or_else(|| {
            pr_err!("{name}={text}: must be <interval>,<probability>,<space>,<times>\n");
            EINVAL
        })
    }

    /// The four numbers; what follows them does not count.
    fn numbers(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ',').map(str::trim_start);
        let rule = Self {
            interval: parts.next()?.parse().ok()?,
            probability: parts.next()?.parse().ok()?,
            space: parts.next()?.parse().ok()?,
            times: number_at_start(parts.next()?)?,
        };
        Some(rule)
    }
}

/// The number that a text begins with.
fn number_at_start(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let length = text.len() - digits.len() + end;
    text.get(..length)?.parse().ok()
}

impl Fault {
    /// Faults by `rule`.
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            probability: AtomicU64::new(rule.probability),
            interval: AtomicU64::new(rule.interval),
            times: AtomicI32::new(rule.times),
            space: AtomicI32::new(rule.space),
            seed: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            count: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            injected: AtomicU64::new(0),
        }
    }

    /// Whether there can be a fault.
    pub(crate) fn is_armed(&self) -> bool {
        self.probability.load(Relaxed) > 0
    }

    /// Whether there is a fault now (`should_fail()` with a size of 1).
    #[inline]
    pub(crate) fn happens(&self) -> bool {
        self.is_armed() && self.decide()
    }

    /// Whether there is a fault, if there can be one.
    #[cold]
    fn decide(&self) -> bool {
        self.asked.fetch_add(1, Relaxed);
        if self.times.load(Relaxed) == 0 {
            return false;
        }
        if self.space.load(Relaxed) > 1 {
            self.space.fetch_sub(1, Relaxed);
            return false;
        }
        let interval = self.interval.load(Relaxed);
        if interval > 1 {
            let count = self.count.fetch_add(1, Relaxed).wrapping_add(1);
            if count % interval != 0 {
                return false;
            }
        }
        if self.probability.load(Relaxed) <= self.percent() {
            return false;
        }
        // Fewer than once stays so, and -1 is for ever.
        let _ = self
            .times
            .fetch_update(Relaxed, Relaxed, |times| (times > 0).then(|| times - 1));
        self.injected.fetch_add(1, Relaxed);
        true
    }

    /// A random number below 100.
    fn percent(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Relaxed);
        random::below(100, random::number(self.seed(), drawn)).into()
    }

    /// What the random numbers began with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Relaxed)
    }

    /// Begins anew, with other random numbers.
    pub(crate) fn set_seed(&self, seed: u64) {
        self.seed.store(seed, Relaxed);
        self.drawn.store(0, Relaxed);
        self.count.store(0, Relaxed);
        self.asked.store(0, Relaxed);
        self.injected.store(0, Relaxed);
    }
}

/// The faults of a disk.
pub(crate) struct Faults {
    /// A request is never done.
    pub(crate) timeout: Fault,
    /// A request is sent back.
    pub(crate) requeue: Fault,
    /// The data of a hardware queue cannot be made.
    pub(crate) init_hctx: Fault,
}

impl Faults {
    /// Whether the data of a hardware queue can be made.
    ///
    /// # Errors
    ///
    /// `EFAULT` if a fault is injected.
    pub(crate) fn hw_queue(&self) -> Result {
        if self.init_hctx.happens() {
            return Err(EFAULT);
        }
        Ok(())
    }

    /// Faults as the module's parameters say.
    ///
    /// # Errors
    ///
    /// Those of [`Rule::parse`].
    pub(crate) fn new() -> Result<Self> {
        let rule = |name, text: Text| match text.as_c_str() {
            Some(text) if !text.is_empty() => Rule::parse(name, text),
            _ => Ok(Rule::NONE),
        };
        Ok(Self {
            timeout: Fault::new(rule("timeout", timeout.get())?),
            requeue: Fault::new(rule("requeue", requeue.get())?),
            init_hctx: Fault::new(rule("init_hctx", init_hctx.get())?),
        })
    }

    /// Whether requests can be affected.
    pub(crate) fn are_armed(&self) -> bool {
        self.timeout.is_armed() || self.requeue.is_armed()
    }
}
