// SPDX-License-Identifier: GPL-2.0

//! The directory `rules` of a disk's directory.

use crate::{
    configfs::ConfiguredDisk,
    locks,
    rules::{Rule, Rules, MOST_RULES},
    rules_text::{self, LONGEST_LINE},
};
use blk::{
    attribute::{Attribute, Show, Store, SIMPLE_ATTR_SIZE},
    configfs::DefaultGroup,
    value::Value,
};
use core::{marker::PhantomData, sync::atomic::Ordering::Relaxed};
use kernel::{
    fmt::Write,
    prelude::*,
    str::{CString, Formatter},
};
use sync::{context::Process, held::Held};

/// The directory.
pub(crate) const GROUP: DefaultGroup<ConfiguredDisk> = DefaultGroup::new(
    c"rules",
    &[
        Attribute::read_write::<List>(),
        Attribute::read_write::<File<From>>(),
        Attribute::read_write::<File<Prepared>>(),
        Attribute::read_write::<File<Seed>>(),
    ],
);

/// The rules: `+RULE` adds one, `-NUMBER` removes one, `-all` all of them.
struct List;

impl Show for List {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"rules";

    /// Those from [`From`] on that fit.
    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let list = |number, rule: &_| {
            out.write_fmt(fmt!("{number}: {rule}\n"))?;
            Ok(out.bytes_written() + LONGEST_LINE <= SIMPLE_ATTR_SIZE)
        };
        let (device, mut held) = disk.device(held);
        device.rules.list(list, &mut held)
    }
}

impl Store for List {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let text = text.to_str().map_err(|_| EINVAL)?.trim_ascii();
        let edit = Edit::parse(text)?;
        let (device, mut held) = disk.device(held);
        match edit {
            Edit::Add(_) if !device.takes_rules() => {
                pr_err!("rules: the disk must be turned on with a rule, or with `prepared`\n");
                Err(EBUSY)
            }
            Edit::Add(rule) => device.rules.add(rule, &mut held).inspect_err(|error| {
                if *error == ENOSPC {
                    pr_err!("rules: there are {MOST_RULES}, which is the most; remove some\n");
                }
            }),
            Edit::Remove(number) => device.rules.remove(number, &mut held),
            Edit::Clear => {
                device.rules.clear(&mut held);
                Ok(())
            }
        }
    }
}

/// What a user does to the rules.
enum Edit {
    Add(Rule),
    Remove(u32),
    Clear,
}

impl Edit {
    /// Reads `+RULE`, `-NUMBER` or `-all`.
    fn parse(text: &str) -> Result<Self> {
        match text.split_at_checked(1) {
            Some(("+", rule)) => rules_text::parse(rule).map(Self::Add),
            Some(("-", "all")) => Ok(Self::Clear),
            Some(("-", number)) => {
                let number = CString::try_from_fmt(fmt!("{number}"))?;
                u32::parse(&number).map(Self::Remove)
            }
            _ => {
                pr_err!("rules: {text}: must be `+RULE`, `-NUMBER` or `-all`\n");
                Err(EINVAL)
            }
        }
    }
}

/// A setting of the rules.
trait Setting: 'static {
    type Value: Value;
    const NAME: &'static CStr;

    fn get(rules: &Rules, held: &mut Held<'_, locks::Device>) -> Self::Value;

    fn set(rules: &Rules, value: Self::Value, held: &mut Held<'_, locks::Device>);
}

/// The number from which on rules are listed.
enum From {}

impl Setting for From {
    type Value = u32;
    const NAME: &'static CStr = c"from";

    fn get(rules: &Rules, _held: &mut Held<'_, locks::Device>) -> u32 {
        rules.from.load(Relaxed)
    }

    fn set(rules: &Rules, value: u32, _held: &mut Held<'_, locks::Device>) {
        rules.from.store(value, Relaxed);
    }
}

/// Whether a disk that is turned on without rules can get some.
enum Prepared {}

impl Setting for Prepared {
    type Value = bool;
    const NAME: &'static CStr = c"prepared";

    fn get(rules: &Rules, _held: &mut Held<'_, locks::Device>) -> bool {
        rules.prepared.load(Relaxed)
    }

    fn set(rules: &Rules, value: bool, _held: &mut Held<'_, locks::Device>) {
        rules.prepared.store(value, Relaxed);
    }
}

/// What the random numbers begin with.
enum Seed {}

impl Setting for Seed {
    type Value = u64;
    const NAME: &'static CStr = c"seed";

    fn get(rules: &Rules, held: &mut Held<'_, locks::Device>) -> u64 {
        rules.seed(held)
    }

    fn set(rules: &Rules, value: u64, held: &mut Held<'_, locks::Device>) {
        rules.set_seed(value, held);
    }
}

/// The file of setting `S`.
struct File<S>(PhantomData<S>);

impl<S: Setting> Show for File<S> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = S::NAME;

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, mut held) = disk.device(held);
        Ok(S::get(&device.rules, &mut held).print(out)?)
    }
}

impl<S: Setting> Store for File<S> {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let value = S::Value::parse(text)?;
        let (device, mut held) = disk.device(held);
        S::set(&device.rules, value, &mut held);
        Ok(())
    }
}
