// SPDX-License-Identifier: GPL-2.0

//! The directory `crash` of a disk's directory.

use crate::{configfs::ConfiguredDisk, crash::Crash, crash_loss::Loss};
use blk::{
    attribute::{Attribute, Show, Store},
    configfs::DefaultGroup,
    value::Value,
};
use core::marker::PhantomData;
use kernel::{prelude::*, str::Formatter};
use sync::{context::Process, held::Held};

/// The directory.
pub(crate) const GROUP: DefaultGroup<ConfiguredDisk> = DefaultGroup::new(
    c"crash",
    &[
        Attribute::read_write::<Now>(),
        Attribute::read_write::<File<Lose>>(),
        Attribute::read_write::<File<Torn>>(),
        Attribute::read_write::<File<Seed>>(),
        Attribute::read_only::<File<Crashes>>(),
        Attribute::read_only::<File<LostSectors>>(),
        Attribute::read_only::<File<KeptSectors>>(),
    ],
);

/// Takes the power from a disk that is on; shows whether that happened.
struct Now;

impl Show for Now {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"now";

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, _) = disk.device(held);
        Ok(device.has_crashed().print(out)?)
    }
}

impl Store for Now {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        if !bool::parse(text)? {
            pr_err!("crash/now: only turning the disk off and on brings the power back\n");
            return Err(EINVAL);
        }
        let (mut device, mut held) = disk.device(held);
        device.crash(&mut held)
    }
}

/// A part of [`Crash`] with a file.
trait Part: 'static {
    type Value: Value;
    const NAME: &'static CStr;

    fn of(crash: &mut Crash) -> &mut Self::Value;
}

/// Makes the parts.
macro_rules! parts {
    ($($part:ident $file:literal: $type:ty, $($field:ident).+;)*) => {$(
        enum $part {}

        impl Part for $part {
            type Value = $type;
            const NAME: &'static CStr = $file;

            fn of(crash: &mut Crash) -> &mut $type {
                &mut crash.$($field).+
            }
        }
    )*};
}

parts! {
    Lose c"lose": Loss, lose;
    Torn c"torn": bool, torn;
    Seed c"seed": u64, seed;
    Crashes c"crashes": u64, crashes;
    LostSectors c"lost_sectors": u64, losses.lost;
    KeptSectors c"kept_sectors": u64, losses.kept;
}

/// The file of part `P`.
struct File<P>(PhantomData<P>);

impl<P: Part> Show for File<P> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = P::NAME;

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (mut device, _) = disk.device(held);
        Ok(P::of(&mut device.crash).print(out)?)
    }
}

impl<P: Part> Store for File<P> {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let value = P::Value::parse(text)?;
        let (mut device, _) = disk.device(held);
        *P::of(&mut device.crash) = value;
        Ok(())
    }
}
