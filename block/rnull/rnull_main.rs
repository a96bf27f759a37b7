// SPDX-License-Identifier: GPL-2.0

//! A null block driver: disks that answer every request at once, and keep data only in memory.
//!
//! It is the counterpart of the C driver `null_blk`, with the same parameters, the same files in
//! configfs, and the same errors; see `Documentation/rnull.rst`.
//!
//! - `options`: the one table of all options
//! - `configfs`: the directory `rnull/`, where users make disks
//! - `locks`: the order of the locks
//! - `names`: what users call the driver
//! - `device`: a disk, and turning it on and off; `settings`: what its settings come to; `running`:
//!   the operations that they want
//! - `plain`: what happens to a request on a disk that does nothing with it
//! - `memory`: what happens to a request on a memory-backed disk with nothing else to it
//! - `general`: what happens to a request on any other disk
//! - `contents`: what a memory-backed disk keeps
//! - `bad_sectors`: requests that fail because of bad sectors; `bad_blocks_file`: how users make them
//! - `cache`: its write cache
//! - `crash`: a loss of power; `crash_loss`: what it takes; `crash_files`: how users ask for it
//! - `chance`, `random`, `sector_range`: probabilities, random numbers, and ranges as users write them
//! - `fault`: what is injected; `fault_files`: how users ask for it
//! - `latency`: how long requests take; `latency_model`: the models of that; `latency_files`: how
//!   users choose one
//! - `statistics`: what a disk has done; `statistics_files`: where users see it; `operation`: the kinds
//!   of requests that they tell apart
//! - `rules`: requests that fail and reads that lie; `rules_text`, `rules_files`: how users ask for it
//! - `completion`: where requests complete
//! - `registry`: names and numbers of the disks
//! - `shared_tags`: the tag set that disks can share
//! - `zones`: the zones of a disk, and what requests do to them; `zone_geometry`: where they are;
//!   `zone_limits`: how many may be open; `zone_requests`: what requests do to the contents

#![forbid(unsafe_code)]

mod bad_blocks_file;
mod bad_sectors;
mod cache;
mod chance;
mod completion;
mod configfs;
mod contents;
mod crash;
mod crash_files;
mod crash_loss;
mod device;
mod fault;
mod fault_files;
mod general;
mod latency;
mod latency_files;
mod latency_model;
mod locks;
mod memory;
mod names;
mod operation;
mod options;
mod plain;
mod random;
mod registry;
mod rules;
mod rules_files;
mod rules_text;
mod running;
mod sector_range;
mod settings;
mod shared_tags;
mod statistics;
mod statistics_files;
mod zone_geometry;
mod zone_limits;
mod zone_requests;
mod zones;

use blk::{configfs::Subsystem, loading};
use configfs::Disks;
use device::Device;
use kernel::{prelude::*, sync::Arc, time::Msecs};
use options::{adjust_parameters, nr_devices};
use registry::Registry;

#[cfg(NULL_BLK)]
module! {
    type: Rnull,
    name: "null_blk",
    authors: ["Blockyard"],
    description: "Null block driver",
    license: "GPL v2",
}

#[cfg(not(NULL_BLK))]
module! {
    type: Rnull,
    name: "rnull",
    authors: ["Blockyard"],
    description: "Null block driver",
    license: "GPL v2",
}

/// Time after which the block layer asks after a request.
const TIMEOUT: Msecs = 5_000;

/// The module while it is loaded. The fields are dropped in this order: first nobody can make
/// disks any more, then the disks go. (The device numbers go with the last disk's registry.)
struct Rnull {
    _subsystem: Subsystem<Disks>,
    _disks: KVec<Device>,
}

impl kernel::Module for Rnull {
    fn init(module: &'static ThisModule) -> Result<Self> {
        adjust_parameters()?;
        let registry = Arc::pin_init(Registry::new()?, GFP_KERNEL)?;

        let mut disks = KVec::new();
        loading::init(|held| {
            for _ in 0..nr_devices.get() {
                let mut disk = Device::new(None, registry.clone())?;
                disk.switch(true, held)?;
                disks.push(disk, GFP_KERNEL)?;
            }
            Ok(())
        })?;
        let subsystem = Subsystem::register(names::ROOT, module, Disks::new(registry))?;

        pr_info!("module loaded\n");
        Ok(Self {
            _subsystem: subsystem,
            _disks: disks,
        })
    }
}
