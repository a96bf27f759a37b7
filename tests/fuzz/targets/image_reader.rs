// SPDX-License-Identifier: GPL-2.0

//! `fsck.tarfs` and `dump.tarfs`: whatever an image's bytes are, with checksums that are right.

use tarfs_tools::dump::walk::Walk;
use tarfs_tools::dump::{describe, superblock, Image};
use tarfs_tools::fsck::{self, Report};
use tarfs_tools::progress::Progress;
use tarfs_tools::Error;

use super::memory_file::memory_file;

const BLOCK: usize = 4096;
const PAYLOAD: usize = 4092;

/// Reads an image in both ways.
pub fn run(data: &[u8]) {
    let mut image = data.to_vec();
    repair(&mut image);
    let (_file, path) = memory_file(&image);
    let mut report = Report::default();
    let _ = fsck::check(&path, &[], &mut report, &mut Progress::new(true));
    let _ = Image::open(&path, &[]).and_then(|image| show(&image));
}

/// Shows everything that an image says, and reads all data.
fn show(image: &Image) -> Result<(), Error> {
    superblock::object(image)?;
    let mut walk = Walk::new(image, b"")?;
    while let Some(file) = walk.next_file()? {
        describe::object(image, file.path, file.ino, &file.inode)?;
        image.read_data(file.ino, &file.inode, |_, _| Ok(()))?;
    }
    Ok(())
}

/// Makes all sums right, those of the last block as a superblock and of those where it says that
/// the index is.
fn repair(image: &mut [u8]) {
    let Some(superblock) = image.len().checked_sub(BLOCK) else {
        return;
    };
    let mut index = [0; 8];
    index.copy_from_slice(&image[superblock + 120..][..8]);
    let index = usize::try_from(u64::from_le_bytes(index)).unwrap_or(superblock);
    for block in (index..superblock).step_by(BLOCK) {
        let sum = crc32fast::hash(&image[block..][..PAYLOAD]);
        image[block + PAYLOAD..][..4].copy_from_slice(&sum.to_le_bytes());
    }
    image[superblock + 12..][..4].fill(0);
    let sum = crc32fast::hash(&image[superblock..]);
    image[superblock + 12..][..4].copy_from_slice(&sum.to_le_bytes());
}
