// SPDX-License-Identifier: GPL-2.0

//! `mkfs.tarfs`: whatever an archive's bytes are, it is refused or its image is one in which
//! `fsck.tarfs` finds nothing wrong.

use tarfs_tools::exit::Status;
use tarfs_tools::fsck::{self, Report};
use tarfs_tools::options::{Options, ReadOptions, Whiteouts};
use tarfs_tools::progress::Progress;

use super::mkfs::make;

/// Makes an image of an archive after a byte of options, and checks it. Returns the entries, or how
/// `mkfs.tarfs` ends.
pub fn run(data: &[u8]) -> Result<u64, Status> {
    let (&choices, archive) = data.split_first().ok_or(Status::Damaged)?;
    let options = Options {
        read: ReadOptions {
            ignore_zeros: choices & 1 != 0,
            tar_xattrs: choices & 2 != 0,
            strict: choices & 4 != 0,
            whiteouts: match choices & 24 {
                8 => Whiteouts::Overlay,
                16 => Whiteouts::Apply,
                _ => Whiteouts::Keep,
            },
            more_memory: 0,
        },
        data_sums: choices & 32 != 0,
        ..Options::default()
    };
    let made = make(archive, &options)?;
    let mut report = Report::default();
    let mut progress = Progress::new(true);
    let checked = fsck::check(&made.path, &[], &mut report, &mut progress).expect("an image");
    assert!(checked.is_compared);
    assert_eq!(report.count(), 0, "{}", report.findings()[0].rule);
    Ok(made.entries)
}
