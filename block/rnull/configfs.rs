// SPDX-License-Identifier: GPL-2.0

//! The directory `rnull/` in configfs: a subdirectory is a disk, a file is a setting of it.

use crate::{
    crash_files,
    device::Device,
    fault::Faults,
    fault_files, latency_files,
    locks::{self, Sleeping},
    options::{Setting, ATTRIBUTES},
    registry::Registry,
    rules_files, statistics_files,
};
use blk::{
    attribute::{Attribute, Show, Store},
    bad_blocks::BadBlocks,
    configfs::{DefaultGroup, Directory, Group, Root},
    disk::Name,
    value::Value,
};
use core::marker::PhantomData;
use kernel::{
    fmt::Write,
    new_mutex,
    prelude::*,
    str::Formatter,
    sync::{Arc, MutexGuard},
};
use sync::{context::Process, held::Held, lock::Lock};

/// What `rnull/` stands for: disks can be made here.
pub(crate) struct Disks {
    registry: Arc<Registry>,
}

impl Disks {
    /// Disks that get their names and numbers from `registry`.
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }
}

impl Directory for Disks {
    type Child = ConfiguredDisk;

    const ATTRIBUTES: &'static [Attribute<Root<Self>>] = &[Attribute::read_only::<Features>()];

    const CHILD_ATTRIBUTES: &'static [Attribute<Group<ConfiguredDisk>>] = ATTRIBUTES;

    const CHILD_GROUPS: &'static [DefaultGroup<ConfiguredDisk>] = &[
        crash_files::GROUP,
        fault_files::TIMEOUT,
        fault_files::REQUEUE,
        fault_files::INIT_HCTX,
        latency_files::GROUP,
        rules_files::GROUP,
        statistics_files::GROUP,
    ];

    fn make_child(
        &self,
        name: &CStr,
        held: &mut Held<'_, Process>,
    ) -> Result<impl PinInit<ConfiguredDisk, Error>> {
        let name = Name::truncated(name);
        if self.registry.has(name, held) {
            return Err(EEXIST);
        }
        let device = Device::new(Some(name), self.registry.clone())?;
        Ok(pin_init!(ConfiguredDisk {
            device <- Lock::new(new_mutex!(device)),
        }? Error))
    }

    fn drop_child(child: &ConfiguredDisk, held: &mut Held<'_, Process>) {
        let (mut device, mut held) = child.device.lock(held);
        // Turning a disk off does not fail.
        let _ = device.switch(false, &mut held);
    }
}

/// The file `features`: what files a disk's directory has.
struct Features;

impl Show for Features {
    type Item = Disks;
    const NAME: &'static CStr = c"features";

    fn show(_item: &Disks, out: &mut Formatter<'_>, _held: &mut Held<'_, Process>) -> Result {
        for (i, attribute) in ATTRIBUTES.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            out.write_fmt(fmt!("{}{}", comma, attribute.name()))?;
        }
        Ok(out.write_str("\n")?)
    }
}

/// A disk that a user made.
#[pin_data]
pub(crate) struct ConfiguredDisk {
    #[pin]
    device: Sleeping<Device, locks::Device>,
}

impl ConfiguredDisk {
    /// Takes the disk's lock.
    pub(crate) fn device<'a>(
        &'a self,
        held: &'a mut Held<'_, Process>,
    ) -> (MutexGuard<'a, Device>, Held<'a, locks::Device>) {
        self.device.lock(held)
    }

    /// The disk's bad sectors.
    pub(crate) fn bad_blocks(&self, held: &mut Held<'_, Process>) -> Arc<BadBlocks> {
        self.device.lock(held).0.bad_blocks.clone()
    }

    /// The faults that are injected.
    pub(crate) fn faults(&self, held: &mut Held<'_, Process>) -> Arc<Faults> {
        self.device.lock(held).0.faults.clone()
    }

    /// [`Device::can_inject`].
    pub(crate) fn can_inject(&self, held: &mut Held<'_, Process>) -> bool {
        self.device.lock(held).0.can_inject()
    }
}

/// The file of setting `S`.
pub(crate) struct File<S>(PhantomData<S>);

impl<S: Setting> Show for File<S> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = S::NAME;

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        let (device, _) = disk.device.lock(held);
        Ok(S::get(&device.settings).print(out)?)
    }
}

impl<S: Setting> Store for File<S> {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let value = S::Value::parse(text)?;
        let (mut device, mut held) = disk.device.lock(held);
        S::apply(&mut device, &value, &mut held)?;
        S::set(&mut device.settings, value);
        Ok(())
    }
}
