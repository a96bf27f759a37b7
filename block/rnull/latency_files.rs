// SPDX-License-Identifier: GPL-2.0

//! The directory `latency/` of a disk in configfs.

use crate::{configfs::ConfiguredDisk, latency_model::LatencyModel, operation::NAMES};
use blk::{
    attribute::{Attribute, Show, Store},
    configfs::{DefaultGroup, SubGroup},
    value::Value,
};
use core::fmt::Write;
use kernel::{prelude::*, str::Formatter};
use sync::{context::Process, held::Held};

/// The directory.
pub(crate) const GROUP: DefaultGroup<ConfiguredDisk> = DefaultGroup::new(c"latency", FILES);

const FILES: &[Attribute<SubGroup<ConfiguredDisk>>] = &[
    Attribute::read_write::<Seed>(),
    Attribute::read_write::<Model<0>>(),
    Attribute::read_write::<Model<1>>(),
    Attribute::read_write::<Model<2>>(),
    Attribute::read_write::<Model<3>>(),
    Attribute::read_write::<Model<4>>(),
    Attribute::read_write::<Model<5>>(),
    Attribute::read_write::<Model<6>>(),
];

/// The file of the kind of requests at `INDEX` of all: how long they take.
struct Model<const INDEX: usize>;

impl<const INDEX: usize> Show for Model<INDEX> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = NAMES[INDEX];

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, _) = disk.device(held);
        Ok(writeln!(out, "{}", device.latencies.models[INDEX])?)
    }
}

impl<const INDEX: usize> Store for Model<INDEX> {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let text = text.to_str().map_err(|_| EINVAL)?.trim();
        let model = LatencyModel::parse(text).map_err(|rule| {
            pr_err!(
                "latency/{} cannot be {:?}: it must be {}\n",
                Self::NAME,
                text,
                rule
            );
            EINVAL
        })?;
        let (mut device, _) = disk.device(held);
        if device.is_on() {
            return Err(EBUSY);
        }
        device.latencies.models[INDEX] = model;
        Ok(())
    }
}

/// The file `seed`: what the random numbers begin with when the disk is turned on.
struct Seed;

impl Show for Seed {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"seed";

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, _) = disk.device(held);
        Ok(device.latencies.seed.print(out)?)
    }
}

impl Store for Seed {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let seed = u64::parse(text)?;
        let (mut device, _) = disk.device(held);
        if device.is_on() {
            return Err(EBUSY);
        }
        device.latencies.seed = seed;
        Ok(())
    }
}
