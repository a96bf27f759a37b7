// SPDX-License-Identifier: GPL-2.0

//! What the disks have in common: names and numbers, of which each has its own, and shared tags.

use crate::{
    general::General,
    locks::{self, Sleeping},
    names, shared_tags,
};
use blk::{disk::Name, major::Major, tag_set::TagSet};
use kernel::{new_mutex, prelude::*, sync::Arc};
use sync::{held::Held, level::Before, lock::Lock};

/// The major device number, who has which minor number and name, and the shared tag set.
#[pin_data]
pub(crate) struct Registry {
    major: Major,
    #[pin]
    state: Sleeping<State, locks::Registry>,
}

/// What changes.
struct State {
    /// In the order of the minor numbers.
    entries: KVec<Entry>,
    /// Made for the first disk that wants it, and kept from then on.
    shared_tags: Option<Arc<TagSet<General>>>,
}

/// The name and number of one disk.
#[derive(Clone, Copy)]
struct Entry {
    minor: u32,
    name: Name,
}

impl Registry {
    /// Gets a major number, listed in `/proc/devices`.
    ///
    /// # Errors
    ///
    /// Those of [`Major::register`].
    pub(crate) fn new() -> Result<impl PinInit<Self>> {
        let major = Major::register(names::DISK)?;
        Ok(pin_init!(Self {
            major,
            state <- Lock::new(new_mutex!(State {
                entries: KVec::new(),
                shared_tags: None,
            })),
        }))
    }

    /// The major device number.
    pub(crate) fn major(&self) -> &Major {
        &self.major
    }

    /// The tag set of disks with `shared_tags`.
    ///
    /// # Errors
    ///
    /// Those of [`TagSet::new`].
    pub(crate) fn shared_tags(
        &self,
        held: &mut Held<'_, impl Before<locks::Registry>>,
    ) -> Result<Arc<TagSet<General>>> {
        let (mut state, _) = self.state.lock(held);
        if let Some(tag_set) = &state.shared_tags {
            return Ok(tag_set.clone());
        }
        let tag_set = shared_tags::make()?;
        state.shared_tags = Some(tag_set.clone());
        Ok(tag_set)
    }

    /// Whether a disk named `name` is on.
    pub(crate) fn has(
        &self,
        name: Name,
        held: &mut Held<'_, impl Before<locks::Registry>>,
    ) -> bool {
        let (state, _) = self.state.lock(held);
        state.entries.iter().any(|entry| entry.name == name)
    }

    /// Takes the lowest free number, with the name `name` or, if there is none, [`names::DISK`]
    /// and the number.
    ///
    /// # Errors
    ///
    /// `EEXIST` if another disk has the name, `ENOMEM`.
    pub(crate) fn claim(
        &self,
        name: Option<Name>,
        held: &mut Held<'_, impl Before<locks::Registry>>,
    ) -> Result<Claim> {
        let (mut state, _) = self.state.lock(held);
        let entries = &mut state.entries;
        // Entry n has number n, up to the lowest free number.
        let place = entries
            .iter()
            .zip(0..)
            .take_while(|(entry, number)| entry.minor == *number)
            .count();
        let minor = u32::try_from(place).map_err(|_| ENOMEM)?;
        let name = match name {
            Some(name) => name,
            None => Name::from_fmt(fmt!("{}{}", names::DISK, minor))?,
        };
        if entries.iter().any(|entry| entry.name == name) {
            return Err(EEXIST);
        }

        entries.reserve(1, GFP_KERNEL)?;
        entries
            .insert_within_capacity(place, Entry { minor, name })
            .map_err(|_| ENOMEM)?;
        Ok(Claim(Entry { minor, name }))
    }

    /// Gives a name and a number back.
    pub(crate) fn release(&self, claim: Claim, held: &mut Held<'_, impl Before<locks::Registry>>) {
        let (mut state, _) = self.state.lock(held);
        state.entries.retain(|entry| entry.minor != claim.minor());
    }
}

/// A name and a number that nobody else has, until [`Registry::release`] gets it, or as long as
/// the registry is there.
pub(crate) struct Claim(Entry);

impl Claim {
    /// The number.
    pub(crate) fn minor(&self) -> u32 {
        self.0.minor
    }

    /// The name.
    pub(crate) fn name(&self) -> Name {
        self.0.name
    }
}
