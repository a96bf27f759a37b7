// SPDX-License-Identifier: GPL-2.0

//! Every option of a disk, in one table.
//!
//! From it come the module parameters, the files in configfs, the list `features`, [`Settings`],
//! and the tables in `Documentation/rnull.rst` (`make documents`). To add an option, add its line.

use crate::{
    bad_blocks_file::BadBlocksFile,
    configfs::{ConfiguredDisk, File},
    device::Device,
    fault::Faults,
    locks,
};
use blk::{
    attribute::Attribute,
    configfs::Group,
    module_parameter,
    node::online_nodes,
    params::InRange,
    units::Mebibytes,
    value::{Late, Value},
};
use kernel::{cpu::nr_cpu_ids, page::PAGE_SIZE, prelude::*};
use sync::held::Held;

/// Makes the options. A line is
///
/// ```text
/// file: type, [parameter name: type = default | initially value], [apply function,]
///     [access write_only,] "help";
/// file is type, "help";
/// ```
///
/// where `parameter` names the module parameter that new disks take the setting from, and `apply`
/// the function of [`Device`] that a write to the file calls (without it a write just changes the
/// setting, and is refused while the disk is on). A file that is no setting `is` a type of its own.
/// Lines are in the order of the file names.
macro_rules! options {
    (@attribute $file:ident => $type:ty) => {
        Attribute::read_write::<File<files::$file>>()
    };
    (@attribute $file:ident $access:ident => $type:ty) => {
        Attribute::$access::<File<files::$file>>()
    };
    ($(
        $file:ident
        $(is $special:ty,)?
        $(: $type:ty,
        $(parameter $parameter:ident: $kind:ty = $default:expr,)?
        $(initially $initially:expr,)?
        $(apply $apply:path,)?
        $(access $access:ident,)?)?
        $help:literal;
    )*) => {
        /// The settings of one disk, as the files in configfs show them.
        pub(crate) struct Settings {
            $($(
                #[doc = $help]
                pub(crate) $file: $type,
            )?)*
        }

        impl Settings {
            /// The settings of a new disk.
            pub(crate) fn new() -> Self {
                Self {
                    $($(
                        $file: {
                            $(<$type as FromParameter<$kind>>::from(parameters::$parameter.get()))?
                            $($initially)?
                        },
                    )?)*
                }
            }
        }

        pub(crate) mod parameters {
            //! The module parameters that new disks take their settings from.

            use super::*;

            $($($(module_parameter!($parameter: $kind = $default, $help);)?)?)*
        }

        pub(crate) mod files {
            //! A type for each file.

            use super::*;

            $($(
                #[doc = $help]
                #[allow(non_camel_case_types)]
                pub(crate) enum $file {}

                impl Setting for $file {
                    type Value = $type;
                    const NAME: &'static CStr = kernel::c_str!(stringify!($file));

                    fn get(settings: &Settings) -> &$type {
                        &settings.$file
                    }

                    fn set(settings: &mut Settings, value: $type) {
                        settings.$file = value;
                    }

                    $(
                        fn apply(
                            device: &mut Device,
                            value: &$type,
                            held: &mut Held<'_, locks::Device>,
                        ) -> Result {
                            $apply(device, *value, held)
                        }
                    )?
                }
            )?)*
        }

        /// The files of a disk's directory in configfs.
        pub(crate) const ATTRIBUTES: &[Attribute<Group<ConfiguredDisk>>] = &[
            $(
                $(Attribute::read_write::<$special>(),)?
                $(options!(@attribute $file $($access)? => $type),)?
            )*
        ];
    };
}

options! {
    badblocks is BadBlocksFile,
        "Sectors that cannot be read or written, as lines of a first sector and a number; \
         +FIRST-LAST makes some bad, -FIRST-LAST good";
    badblocks_once: bool, initially false,
        "Whether sectors become good when a request fails because of them";
    badblocks_partial_io: bool, initially false,
        "Whether a request that fails is carried out up to the first bad block";
    blocking: bool, parameter blocking: bool = false,
        "Whether the block layer lets the driver sleep when it submits a request \
         (BLK_MQ_F_BLOCKING)";
    blocksize: u32, parameter bs: i32 = 512,
        "Block size in bytes: a power of two from 512 to 65536; the parameter is cut to the \
         page size";
    cache_size: Mebibytes, parameter cache_size: usize = 0,
        "Size of a memory-backed disk's write cache in MiB; what is in it and was not flushed \
         is lost at power-off";
    completion_nsec: u64, parameter completion_nsec: usize = 10_000,
        "With irqmode 2, the time in ns from a request's submission to its completion";
    discard: bool, parameter discard: bool = false,
        "Whether a memory-backed disk can discard; turned off for others";
    fua: bool, parameter fua: bool = true,
        "Whether a disk with a cache can write around it";
    home_node: u32, parameter home_node: i32 = -1,
        "NUMA node for the disk's memory; -1, which the file shows as 4294967295, or a node \
         that is not online: any";
    hw_queue_depth: u32, parameter hw_queue_depth: i32 = 64,
        "Requests that each queue holds, cut to 10240";
    index: u32, initially 0,
        "Minor device number, set at power-on";
    irqmode: u32, parameter irqmode: InRange<0, 2> = InRange::new(1),
        "Where a request completes: 0 in its submission, 1 in softirq context or on the CPU it \
         came from, 2 in a timer's interrupt; set to 2 for a disk with a model of latencies";
    max_sectors: u32, parameter max_sectors: i32 = 0,
        "Largest request in sectors of 512 bytes; 0 stands for the block layer's default";
    mbps: u32, parameter mbps: u32 = 0,
        "Limit to the disk's bandwidth in MiB/s, cut to 40960; 0 for none";
    memory_backed: bool, parameter memory_backed: bool = false,
        "Whether the disk keeps its data, in memory, until its directory is removed; sets \
         blocking";
    no_sched: bool, parameter no_sched: i32 = 0,
        "Whether the disk starts without an I/O scheduler";
    poll_queues: u32, parameter poll_queues: i32 = 1, apply Device::set_poll_queues,
        "Hardware queues for polling, cut to the parameter";
    power: bool, initially false, apply Device::switch,
        "Whether the disk is there";
    queue_mode: u32, parameter queue_mode: InRange<0, 2> = InRange::new(2),
        "Interface to the block layer: 0 is taken for 2 (blk-mq), 1 is refused";
    rotational: bool, parameter rotational: bool = false,
        "Whether the disk claims to rotate";
    shared_tag_bitmap: bool, parameter shared_tag_bitmap: bool = false,
        "Whether the queues of a disk have their requests in common";
    shared_tags: bool, parameter shared_tags: bool = false,
        "Whether the disk uses the one tag set that all such disks have in common; the \
         parameters say what that is like";
    size: Mebibytes, parameter gb: i32 = 250,
        "Size of the disk; the parameter is in GiB, the file in MiB";
    submit_queues: u32, parameter submit_queues: i32 = 1, apply Device::set_submit_queues,
        "Hardware queues, cut to one for each CPU";
    use_per_node_hctx: bool, parameter use_per_node_hctx: bool = false,
        "Whether submit_queues is set to the number of NUMA nodes";
    virt_boundary: bool, parameter virt_boundary: bool = false,
        "Whether only the ends of a request's buffers may be off a page boundary";
    zone_append_max_sectors: u32, parameter zone_append_max_sectors: i32 = i32::MAX,
        "Largest zone append in sectors of 512 bytes, cut to whole blocks and to the capacity; \
         0 lets the block layer make writes of appends";
    zone_capacity: Mebibytes, parameter zone_capacity: usize = 0,
        "How much of a zone can be written, in MiB; 0 stands for all of it";
    zone_full: bool, parameter zone_full: bool = false,
        "Whether zones are full at power-on, not empty";
    zone_max_active: u32, parameter zone_max_active: u32 = 0,
        "How many zones can be open or closed at a time; 0 for any number, to which a number \
         that is no limit is set";
    zone_max_open: u32, parameter zone_max_open: u32 = 0,
        "How many zones can be open at a time; 0 for any number, to which a number that is no \
         limit is set; cut to zone_max_active";
    zone_nr_conv: u32, parameter zone_nr_conv: u32 = 0,
        "Number of conventional zones, cut to leave one that is not";
    zone_offline: Late<u64>, initially Late::new(0), apply Device::set_zone_offline,
        access write_only,
        "A sector of a zone that goes offline, or is emptied if it was";
    zone_readonly: Late<u64>, initially Late::new(0), apply Device::set_zone_readonly,
        access write_only,
        "A sector of a zone that becomes read-only, or is emptied if it was";
    zone_size: Mebibytes, parameter zone_size: usize = 256,
        "Size of a zone in MiB, a power of two; the last zone of a disk can be smaller if \
         zone_capacity is not";
    zoned: bool, parameter zoned: bool = false,
        "Whether the disk has zones";
}

module_parameter!(nr_devices: u32 = 1, "Disks to make when the module is loaded");

/// The value of `home_node` that leaves the choice to the kernel.
const ANY_NODE: i32 = -1;

/// One setting of a disk, with its file in configfs.
pub(crate) trait Setting {
    /// Type of the setting.
    type Value: Value;
    /// Name of the file.
    const NAME: &'static CStr;

    /// The setting.
    fn get(settings: &Settings) -> &Self::Value;

    /// Changes the setting.
    fn set(settings: &mut Settings, value: Self::Value);

    /// Prepares `device` for a change of the setting by a user.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the setting cannot change while the disk is on; where there is an `apply` in the
    /// table, the errors of that function.
    fn apply(
        device: &mut Device,
        _value: &Self::Value,
        _held: &mut Held<'_, locks::Device>,
    ) -> Result {
        if device.is_on() {
            Err(EBUSY)
        } else {
            Ok(())
        }
    }
}

/// How a setting starts from a module parameter of type `P`.
trait FromParameter<P> {
    /// The setting that stands for the value `parameter`.
    fn from(parameter: P) -> Self;
}

impl FromParameter<i32> for u32 {
    fn from(parameter: i32) -> Self {
        // CAST: C assigns an int parameter to an unsigned int: -1 becomes 2^32 - 1.
        parameter as u32
    }
}

impl<const MIN: i32, const MAX: i32> FromParameter<InRange<MIN, MAX>> for u32 {
    fn from(parameter: InRange<MIN, MAX>) -> Self {
        FromParameter::from(parameter.get())
    }
}

impl FromParameter<usize> for u64 {
    fn from(parameter: usize) -> Self {
        // CAST: A `usize` has at most 64 bits.
        parameter as u64
    }
}

impl FromParameter<i32> for bool {
    fn from(parameter: i32) -> Self {
        parameter != 0
    }
}

impl FromParameter<bool> for bool {
    fn from(parameter: bool) -> Self {
        parameter
    }
}

impl FromParameter<u32> for u32 {
    fn from(parameter: u32) -> Self {
        parameter
    }
}

impl FromParameter<usize> for Mebibytes {
    fn from(parameter: usize) -> Self {
        Self::new(FromParameter::from(parameter))
    }
}

/// The parameter is in GiB.
impl FromParameter<i32> for Mebibytes {
    fn from(parameter: i32) -> Self {
        // CAST: C multiplies as int and assigns to an unsigned long, with sign extension.
        Self::new(i64::from(parameter.wrapping_mul(1024)) as u64)
    }
}

/// Replaces the parameters that no disk can be made with by the nearest ones that can.
///
/// # Errors
///
/// `EINVAL` for a parameter that nothing can stand for.
pub(crate) fn adjust_parameters() -> Result {
    // CAST: Where C compares these numbers with unsigned ones, a negative number counts as large.
    if parameters::bs.get() as u32 as usize > PAGE_SIZE {
        pr_warn!("invalid block size: bs is set to {}\n", PAGE_SIZE);
        parameters::bs.set(PAGE_SIZE as i32);
    }
    let node = parameters::home_node.get();
    // CAST: As above.
    if node != ANY_NODE && node as u32 >= online_nodes() {
        pr_warn!("home_node {node} is not online: home_node is set to {ANY_NODE}\n");
        parameters::home_node.set(ANY_NODE);
    }
    if parameters::queue_mode.get().get() == 1 {
        pr_err!("queue_mode 1 (the legacy request interface) is no more: use 2\n");
        return Err(EINVAL);
    }
    // Each disk reads them anew; here they are refused even if there is none.
    Faults::new()?;
    let queues = parameters::submit_queues.get();
    let queues = if parameters::use_per_node_hctx.get() {
        online_nodes()
    } else {
        // CAST: As above.
        (queues as u32).clamp(1, nr_cpu_ids())
    };
    // CAST: Both limits are far below 2^31.
    parameters::submit_queues.set(queues as i32);
    Ok(())
}
