// SPDX-License-Identifier: GPL-2.0

//! What users call the driver. Built as `null_blk` it has the names of the C driver, for scripts
//! that know no others.

use kernel::prelude::*;

/// The directory in configfs.
pub(crate) const ROOT: &CStr = if cfg!(NULL_BLK) { c"nullb" } else { c"rnull" };

/// The driver in `/proc/devices`, and what the names of the disks begin with that are made when
/// the module is loaded.
pub(crate) const DISK: &CStr = if cfg!(NULL_BLK) { c"nullb" } else { c"rnullb" };
