// SPDX-License-Identifier: GPL-2.0
//! Other people's test suites, of which a person has a checkout, run in guests.

pub mod blktests;
mod checkout;
mod outcome;
mod runner;
mod system;
pub mod xfstests;

pub use runner::Driver;
