// SPDX-License-Identifier: GPL-2.0

//! What is fuzzed: functions that take any bytes and panic where a promise is broken. Plain tests give
//! them the corpora, and what has made one panic before.

#[path = "../../block/rnull/latency_model.rs"]
mod latency_model;
#[path = "targets/latency_text.rs"]
pub mod latency_text;
#[path = "targets/mutator.rs"]
pub mod mutator;
#[path = "targets/tarfs.rs"]
pub mod tarfs;
