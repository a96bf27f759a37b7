// SPDX-License-Identifier: GPL-2.0
//! What the guest tests share.

use lab::guest::Guest;

pub mod attribute_values;
pub mod failures;
pub mod image;
pub mod mutation;
pub mod null_block;
pub mod sample;

/// Runs a command that must succeed, and returns its output.
pub fn ok(guest: &mut Guest, command: &str) -> String {
    guest
        .run(command)
        .unwrap()
        .ok()
        .unwrap()
        .text()
        .into_owned()
}
