// SPDX-License-Identifier: GPL-2.0

//! Names and numbers of the disks that are on.

use crate::{
    locks::{self, Sleeping},
    names,
};
use blk::{disk::Name, major::Major};
use kernel::{new_mutex, prelude::*};
use sync::{held::Held, level::Before, lock::Lock};

/// The major device number, and who has which minor number and name.
#[pin_data]
pub(crate) struct Registry {
    major: Major,
    /// In the order of the minor numbers.
    #[pin]
    entries: Sleeping<KVec<Entry>, locks::Registry>,
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
            entries <- Lock::new(new_mutex!(KVec::new())),
        }))
    }

    /// The major device number.
    pub(crate) fn major(&self) -> &Major {
        &self.major
    }

    /// Whether a disk named `name` is on.
    pub(crate) fn has(
        &self,
        name: Name,
        held: &mut Held<'_, impl Before<locks::Registry>>,
    ) -> bool {
        let (entries, _) = self.entries.lock(held);
        entries.iter().any(|entry| entry.name == name)
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
        let (mut entries, _) = self.entries.lock(held);
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
        let (mut entries, _) = self.entries.lock(held);
        entries.retain(|entry| entry.minor != claim.minor());
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
