// SPDX-License-Identifier: GPL-2.0

//! The file `badblocks` of a disk's directory.

use crate::{configfs::ConfiguredDisk, sector_range::SectorRange};
use blk::attribute::{Show, Store};
use kernel::{prelude::*, str::Formatter};
use sync::{context::Process, held::Held};

/// Shows the bad sectors; `+FIRST-LAST` makes sectors bad, `-FIRST-LAST` good. The disk may be on.
pub(crate) enum BadBlocksFile {}

impl Show for BadBlocksFile {
    type Item = ConfiguredDisk;
    const NAME: &'static CStr = c"badblocks";

    fn show(
        disk: &ConfiguredDisk,
        out: &mut Formatter<'_>,
        held: &mut Held<'_, Process>,
    ) -> Result {
        disk.bad_blocks(held).print(out)
    }
}

impl Store for BadBlocksFile {
    fn store(disk: &ConfiguredDisk, text: &CStr, held: &mut Held<'_, Process>) -> Result {
        let bad_blocks = disk.bad_blocks(held);
        let text = text.to_str().map_err(|_| EINVAL)?.trim_ascii();
        let (sign, range) = text.split_at_checked(1).ok_or(EINVAL)?;
        if !matches!(sign, "+" | "-") {
            return Err(EINVAL);
        }
        let SectorRange { first, last } = SectorRange::from_text(range)?;
        if sign == "+" {
            bad_blocks.add(first, last, held)
        } else {
            bad_blocks.remove(first, last)
        }
    }
}
