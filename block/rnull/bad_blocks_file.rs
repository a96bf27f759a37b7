// SPDX-License-Identifier: GPL-2.0

//! The file `badblocks` of a disk's directory.

use crate::configfs::ConfiguredDisk;
use blk::{
    attribute::{Show, Store},
    units::Sectors,
    value::Value,
};
use kernel::{prelude::*, str::CString, str::Formatter};
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
        let (sign, range) = text.to_bytes().trim_ascii().split_first().ok_or(EINVAL)?;
        let middle = range.iter().position(|byte| *byte == b'-').ok_or(EINVAL)?;
        let (first, last) = range.split_at(middle);
        let (first, last) = (sector(first)?, sector(last.get(1..).ok_or(EINVAL)?)?);
        match sign {
            b'+' => bad_blocks.add(first, last, held),
            b'-' => bad_blocks.remove(first, last),
            _ => Err(EINVAL),
        }
    }
}

/// The number of a sector.
fn sector(digits: &[u8]) -> Result<Sectors> {
    let digits = core::str::from_utf8(digits).map_err(|_| EINVAL)?;
    let digits = CString::try_from_fmt(fmt!("{digits}"))?;
    u64::parse(&digits).map(Sectors::new)
}
