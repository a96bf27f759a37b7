// SPDX-License-Identifier: GPL-2.0

//! What an archive has and its image has not, or not as other programs read it.

use std::fmt;

use crate::message;
use crate::tar::{Difference, NotKept, Reason};

/// How much of an archive other programs read differently.
#[derive(Clone, Debug, Default)]
pub struct Differing {
    /// Number of entries.
    pub entries: u64,
    /// The first.
    first: Option<String>,
}

impl Differing {
    /// Counts the entry called `entry`, if there is something about it.
    pub fn add(&mut self, entry: &[u8], differences: &[Difference]) {
        if let Some(difference) = differences.first() {
            self.entries = self.entries.saturating_add(1);
            self.first
                .get_or_insert_with(|| format!("{:?}: {difference}", message::text(entry)));
        }
    }
}

impl fmt::Display for Differing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.as_deref().unwrap_or_default();
        write!(f, "{} entries (first {first})", self.entries)
    }
}

/// How much of an archive its image has no place for.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    /// Number of extended attributes and access control lists.
    pub xattrs: u64,
    /// Number of pax records whose keyword is not known.
    pub unknown_records: u64,
    /// The first extended attribute, and the first record.
    first_xattr: Option<String>,
    first_record: Option<String>,
}

impl LeftOut {
    /// Counts what the entry called `entry` has.
    pub fn add(&mut self, entry: &[u8], not_kept: &NotKept) {
        let (count, first) = match not_kept.reason {
            Reason::UnknownRecord => (&mut self.unknown_records, &mut self.first_record),
            _ => (&mut self.xattrs, &mut self.first_xattr),
        };
        *count = count.saturating_add(1);
        first.get_or_insert_with(|| {
            let (name, entry) = (message::text(&not_kept.name), message::text(entry));
            format!("{name:?} of {entry:?}: {}", not_kept.reason)
        });
    }

    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.xattrs == 0 && self.unknown_records == 0
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("extended attributes", self.xattrs, &self.first_xattr),
            ("pax records", self.unknown_records, &self.first_record),
        ];
        let mut separator = "";
        for (kind, count, first) in kinds {
            if let Some(first) = first {
                write!(f, "{separator}{count} {kind} (first {first})")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}
