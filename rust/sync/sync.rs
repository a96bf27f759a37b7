// SPDX-License-Identifier: GPL-2.0

//! The order of locks, as types.
//!
//! Two locks that two CPUs take in opposite orders can stop both for ever; so can a lock that an
//! interrupt takes on the CPU that holds it, and a lock that sleeps where nothing may. The kernel
//! finds such mistakes while it runs, if it was built for that (lockdep) and if the run takes the
//! wrong path. Here they do not compile.
//!
//! - A [`Level`](level::Level) is a place in the order. A driver lists the levels of its locks, in
//!   their order, with [`levels!`].
//! - A [`Context`](context::Context) is part of a level: where its locks may be taken, and so how
//!   they are taken (may they sleep, are interrupts off).
//! - A [`Held`](held::Held) is what its owner has locked: a level, and all before it. It takes no
//!   memory. The callbacks that a driver implements get one for the context they run in.
//! - A [`Lock`](lock::Lock) is taken with a unique borrow of a `Held`, of a level before its own,
//!   and gives a `Held` of its own level, for the locks that come later still. While that one or
//!   the data is in use the outer `Held` is borrowed, and so takes no other lock.
//!
//! Nothing of this is left at run time: [`Held`](held::Held) is empty, and a [`Lock`](lock::Lock)
//! is the kernel's lock inside it.
//!
//! ```
//! use sync::{context::Process, held::Held, levels, lock::{Lock, Primitive}};
//! # struct Mutex<T>(std::sync::Mutex<T>);
//! # // SAFETY: A mutex excludes others, and may sleep where it is used here.
//! # unsafe impl<T> Primitive<Process> for Mutex<T> {
//! #     type Guard<'a> = std::sync::MutexGuard<'a, T> where T: 'a;
//! #     fn lock(&self) -> Self::Guard<'_> { self.0.lock().unwrap() }
//! # }
//!
//! levels! {
//!     /// The list of shelves.
//!     Shop: Process;
//!     /// What lies on one shelf.
//!     Shelf: Process;
//! }
//!
//! fn count(
//!     shop: &Lock<Mutex<Vec<Lock<Mutex<u32>, Shelf>>>, Shop>,
//!     held: &mut Held<'_, Process>,
//! ) -> u32 {
//!     let (shelves, mut held) = shop.lock(held);
//!     shelves.iter().map(|shelf| *shelf.lock(&mut held).0).sum()
//! }
//! ```
//!
//! What it does not see: locks that others own (the kernel's own locks that a driver is called
//! under, or that it calls into), and waiting for something else than a lock. Functions that wait
//! for requests ask for a `Held` of a level whose context allows it.
//!
//! Cargo compiles the order alone; the kernel's locks stand behind `cfg(MODULE)`, which Kbuild
//! sets.

#![cfg_attr(not(MODULE), no_std)]

pub mod context;
pub mod held;
pub mod level;
pub mod lock;

#[cfg(MODULE)]
mod primitives;
#[cfg(MODULE)]
pub mod spin_lock;
