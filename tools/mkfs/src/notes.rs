// SPDX-License-Identifier: GPL-2.0

//! Notes about entries: what an image has no place for, what other programs read differently.

use std::fmt;

use serde_json::{json, Value};

use crate::message;
use crate::tar::{Difference, NotKept};

/// Notes that are kept; more are only counted, so that they take no memory.
const KEPT: usize = 100;

/// Bytes that are kept of a name: as many as Linux has for one. Archives have longer ones.
const NAME_MAX: usize = 255;

/// Something about an entry.
#[derive(Clone, Debug)]
struct Note {
    entry: Vec<u8>,
    /// What of the entry it is about, if not about all of it.
    name: Option<Vec<u8>>,
    reason: String,
}

/// Notes of one kind.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    count: u64,
    /// The first of them.
    first: Vec<Note>,
}

impl Notes {
    /// Adds that something of the entry called `entry` is not kept.
    pub fn add_not_kept(&mut self, entry: &[u8], not_kept: &NotKept) {
        self.push(|| Note {
            entry: entry.to_vec(),
            name: Some(not_kept.name.iter().copied().take(NAME_MAX).collect()),
            reason: not_kept.reason.to_string(),
        });
    }

    /// Adds that the entry called `entry` is read differently.
    pub fn add_difference(&mut self, entry: &[u8], difference: Difference) {
        self.push(|| Note {
            entry: entry.to_vec(),
            name: None,
            reason: difference.to_string(),
        });
    }

    /// Number of notes.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the number and the first notes as JSON.
    pub fn json(&self) -> Value {
        let note = |note: &Note| {
            json!({
                "entry": message::json(&note.entry),
                "name": note.name.as_deref().map(message::json),
                "reason": note.reason,
            })
        };
        let first: Vec<_> = self.first.iter().map(note).collect();
        json!({ "count": self.count, "first": first })
    }

    fn push(&mut self, note: impl FnOnce() -> Note) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < KEPT {
            self.first.push(note());
        }
    }
}

/// The first note.
impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(note) = self.first.first() else {
            return Ok(());
        };
        if let Some(name) = &note.name {
            write!(f, "{:?} of ", message::text(name))?;
        }
        write!(f, "{:?}: {}", message::text(&note.entry), note.reason)
    }
}
