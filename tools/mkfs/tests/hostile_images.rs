// SPDX-License-Identifier: GPL-2.0

//! Hostile images, as those that the kernel is tested with, through all that reads images here: no
//! panic, no memory out of proportion, and `fsck.tarfs` knows whatever is not as the archive has it.

#[allow(dead_code)]
#[path = "../../../tests/image.rs"]
mod image;
#[path = "../../../tests/mutation.rs"]
mod mutation;
mod support;

use std::env;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use image::Image;
use mutation::{damage, Numbers};
use support::broken_rules;
use tarfs_tools::dump::walk::Walk;
use tarfs_tools::dump::{self, describe, superblock};
use tarfs_tools::Error;

/// Images that a run tries; `BLOCKYARD_HOSTILE_READS` in the environment gives another number.
const IMAGES: u64 = 1000;

/// Memory that all of them may take beyond what the first took, in KiB: as many times the index as a
/// mount may take, and what an allocator keeps.
const MEMORY_MAX: u64 = 4 * 40 + 8192;

/// The most memory that this process has had, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Shows everything that an image says, and reads all data.
fn visit(path: &Path) -> Result<(), Error> {
    let image = dump::Image::open(path, &[])?;
    superblock::object(&image)?;
    let mut walk = Walk::new(&image, b"")?;
    while let Some(file) = walk.next_file()? {
        describe::object(&image, file.path, file.ino, &file.inode)?;
        image.read_data(file.ino, &file.inode, |_, _| Ok(()))?;
    }
    Ok(())
}

#[test]
fn hostile_images_are_read() {
    let images = env::var("BLOCKYARD_HOSTILE_READS")
        .ok()
        .map_or(IMAGES, |count| count.parse().unwrap());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/version-1.image");
    let original = Image(fs::read(golden).unwrap());
    let (index, superblock) = (original.index(), original.superblock());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, &original.0).unwrap();
    assert_eq!(broken_rules(file.path(), &[]), Vec::<String>::new());
    visit(file.path()).unwrap();
    let memory = peak_memory();

    let mut numbers = Numbers::default();
    let (mut good, mut readable) = (0, 0);
    for number in 0..images {
        let mut image = original.clone();
        damage(&mut image, &mut numbers);
        file.as_file()
            .write_all_at(&image.0[index..], index as u64)
            .unwrap();
        readable += u64::from(visit(file.path()).is_ok());
        if broken_rules(file.path(), &[]).is_empty() {
            good += 1;
            // The superblock has what no archive says: a UUID, a label, a time.
            let (found, expected) = (&image.0[index..superblock], &original.0[index..superblock]);
            assert!(
                found == expected,
                "image {number} is not that of its archive"
            );
        }
    }
    println!("{images} images: {readable} readable to the end, {good} good");
    let taken = peak_memory() - memory;
    assert!(taken < MEMORY_MAX, "{taken} KiB more");
    assert!(
        readable > 0 && good < images,
        "{readable} readable, {good} good"
    );
}
