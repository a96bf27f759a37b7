// SPDX-License-Identifier: GPL-2.0

//! The directory `statistics/` of a disk in configfs.

use crate::{
    configfs::ConfiguredDisk,
    operation::NAMES,
    statistics::{range, Statistics},
};
use blk::{
    attribute::{Attribute, Show, Store},
    configfs::{DefaultGroup, SubGroup},
    value::Value,
};
use kernel::{fmt::Write, prelude::*, str::Formatter, sync::Arc};
use sync::{context::Process, held::Held};

/// The directory.
pub(crate) const GROUP: DefaultGroup<ConfiguredDisk> = DefaultGroup::new(c"statistics", FILES);

const FILES: &[Attribute<SubGroup<ConfiguredDisk>>] = &[
    Attribute::read_write::<Enabled>(),
    Attribute::write_only::<Reset>(),
    Attribute::read_only::<OfOperation<0>>(),
    Attribute::read_only::<OfOperation<1>>(),
    Attribute::read_only::<OfOperation<2>>(),
    Attribute::read_only::<OfOperation<3>>(),
    Attribute::read_only::<OfOperation<4>>(),
    Attribute::read_only::<OfOperation<5>>(),
    Attribute::read_only::<OfOperation<6>>(),
];

/// The file `enabled`: whether the disk counts.
struct Enabled;

impl Show for Enabled {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"enabled";

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, _) = disk.device(held);
        Ok(device.statistics.is_some().print(out)?)
    }
}

impl Store for Enabled {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let enabled = bool::parse(text)?;
        let (mut device, _) = disk.device(held);
        if device.is_on() {
            return Err(EBUSY);
        }
        // Those that there are stay, with what they have counted.
        match (enabled, &device.statistics) {
            (true, None) => {
                device.statistics = Some(Arc::new(Statistics::new()?, GFP_KERNEL)?);
            }
            (false, Some(_)) => device.statistics = None,
            _ => (),
        }
        Ok(())
    }
}

/// The file `reset`: a 1 makes all counters zero.
struct Reset;

impl Show for Reset {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"reset";

    fn show(_: &ConfiguredDisk, _: &mut Formatter<'_>, _: &mut Held<'_, Process>) -> Result {
        Ok(())
    }
}

impl Store for Reset {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        if !bool::parse(text)? {
            return Ok(());
        }
        let (device, _) = disk.device(held);
        let Some(statistics) = &device.statistics else {
            pr_err!("statistics/reset: the disk does not count: statistics/enabled is 0\n");
            return Err(EINVAL);
        };
        statistics.reset();
        Ok(())
    }
}

/// The file of the kind of requests at `INDEX` of all: what was counted, a line each. Of a disk
/// that does not count it is empty.
struct OfOperation<const INDEX: usize>;

impl<const INDEX: usize> Show for OfOperation<INDEX> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = NAMES[INDEX];

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let statistics = disk.device(held).0.statistics.clone();
        let Some(statistics) = statistics else {
            return Ok(());
        };
        let sums = statistics.sums(INDEX);
        for (name, sum) in [
            ("count", sums.count),
            ("bytes", sums.bytes),
            ("errors", sums.errors),
        ] {
            out.write_fmt(fmt!("{} {}\n", name, sum))?;
        }
        for (bucket, count) in sums.latency.iter().enumerate() {
            if *count > 0 {
                let (least, most) = range(bucket);
                out.write_fmt(fmt!("latency {} {} {}\n", least, most, count))?;
            }
        }
        Ok(())
    }
}
