// SPDX-License-Identifier: GPL-2.0

//! The directories of a disk's faults in configfs.

use crate::{
    configfs::ConfiguredDisk,
    fault::{Fault, Faults},
};
use blk::{
    attribute::{Attribute, Show, Store},
    configfs::{DefaultGroup, SubGroup},
    value::Value,
};
use core::{marker::PhantomData, sync::atomic::Ordering::Relaxed};
use kernel::{prelude::*, str::Formatter};
use sync::{context::Process, held::Held};

/// The directory of requests that are never done.
pub(crate) const TIMEOUT: DefaultGroup<ConfiguredDisk> =
    DefaultGroup::new(c"timeout_inject", Files::<Timeout>::ALL);

/// The directory of requests that are sent back.
pub(crate) const REQUEUE: DefaultGroup<ConfiguredDisk> =
    DefaultGroup::new(c"requeue_inject", Files::<Requeue>::ALL);

/// The directory of hardware queues that cannot be made.
pub(crate) const INIT_HCTX: DefaultGroup<ConfiguredDisk> =
    DefaultGroup::new(c"init_hctx_fault_inject", Files::<InitHctx>::ALL);

/// A kind of fault.
trait Kind: 'static {
    /// Whether requests are affected, so that a disk must be prepared when it is turned on.
    const OF_REQUESTS: bool;

    /// The fault of this kind.
    fn of(faults: &Faults) -> &Fault;
}

enum Timeout {}

impl Kind for Timeout {
    const OF_REQUESTS: bool = true;

    fn of(faults: &Faults) -> &Fault {
        &faults.timeout
    }
}

enum Requeue {}

impl Kind for Requeue {
    const OF_REQUESTS: bool = true;

    fn of(faults: &Faults) -> &Fault {
        &faults.requeue
    }
}

enum InitHctx {}

impl Kind for InitHctx {
    const OF_REQUESTS: bool = false;

    fn of(faults: &Faults) -> &Fault {
        &faults.init_hctx
    }
}

/// A number of a fault.
trait Number: 'static {
    type Value: Value;
    const NAME: &'static CStr;

    fn get(fault: &Fault) -> Self::Value;

    fn set(fault: &Fault, value: Self::Value);
}

/// Makes the numbers.
macro_rules! numbers {
    ($($file:ident $name:literal: $type:ty, $get:expr, $set:expr;)*) => {$(
        enum $file {}

        impl Number for $file {
            type Value = $type;
            const NAME: &'static CStr = $name;

            fn get(fault: &Fault) -> $type {
                $get(fault)
            }

            fn set(fault: &Fault, value: $type) {
                $set(fault, value);
            }
        }
    )*};
}

numbers! {
    Probability c"probability": u64,
        |fault: &Fault| fault.probability.load(Relaxed),
        |fault: &Fault, value| fault.probability.store(value, Relaxed);
    Interval c"interval": u64,
        |fault: &Fault| fault.interval.load(Relaxed),
        |fault: &Fault, value| fault.interval.store(value, Relaxed);
    Times c"times": i32,
        |fault: &Fault| fault.times.load(Relaxed),
        |fault: &Fault, value| fault.times.store(value, Relaxed);
    Space c"space": i32,
        |fault: &Fault| fault.space.load(Relaxed),
        |fault: &Fault, value| fault.space.store(value, Relaxed);
    Seed c"seed": u64, Fault::seed, Fault::set_seed;
    Asked c"asked": u64,
        |fault: &Fault| fault.asked.load(Relaxed),
        |fault: &Fault, value| fault.asked.store(value, Relaxed);
    Injected c"injected": u64,
        |fault: &Fault| fault.injected.load(Relaxed),
        |fault: &Fault, value| fault.injected.store(value, Relaxed);
}

/// The files of a fault of kind `K`.
struct Files<K>(PhantomData<K>);

impl<K: Kind> Files<K> {
    const ALL: &'static [Attribute<SubGroup<ConfiguredDisk>>] = &[
        Attribute::read_write::<File<K, Probability>>(),
        Attribute::read_write::<File<K, Interval>>(),
        Attribute::read_write::<File<K, Times>>(),
        Attribute::read_write::<File<K, Space>>(),
        Attribute::read_write::<File<K, Seed>>(),
        Attribute::read_write::<File<K, Asked>>(),
        Attribute::read_write::<File<K, Injected>>(),
    ];
}

/// The file of the number `N` of a fault of kind `K`.
struct File<K, N>(PhantomData<(K, N)>);

impl<K: Kind, N: Number> Show for File<K, N> {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = N::NAME;

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        Ok(N::get(K::of(&disk.faults(held))).print(out)?)
    }
}

impl<K: Kind, N: Number> Store for File<K, N> {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let value = N::Value::parse(text)?;
        if K::OF_REQUESTS && !disk.can_inject(held) {
            pr_err!(
                "{}: the disk must be turned on with a probability above 0\n",
                N::NAME
            );
            return Err(EBUSY);
        }
        N::set(K::of(&disk.faults(held)), value);
        Ok(())
    }
}
