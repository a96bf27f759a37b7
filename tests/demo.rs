// SPDX-License-Identifier: GPL-2.0
//! The demonstration's comparison, on a small tar that holds one of each type of entry.

use std::fs;
use std::path::Path;

use lab::compare::{self, FileType};
use lab::guest::{Access, Boot};
use lab::Lab;
use tarfs_tools::make::Output;
use tarfs_tools::options::Options;
use tarfs_tools::progress::Progress;

/// Contents of one file of the sample, and of no other place in it.
const CONTENTS: &[u8] = b"dots\n";

fn make_sample(lab: &Lab, tar: &Path) {
    let script = lab.checkout().join("tools/mkfs/tests/make_sample.py");
    let mut python = lab.toolbox().unwrap().python().unwrap();
    assert!(python.arg(script).arg(tar).status().unwrap().success());
}

/// The tar with one byte of a file's contents changed.
fn change_contents(tar: &Path, changed: &Path) {
    let mut bytes = fs::read(tar).unwrap();
    let mut places = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(CONTENTS));
    let (place, other) = (places.next().unwrap(), places.next());
    assert_eq!(other, None);
    bytes[place] ^= 1;
    fs::write(changed, bytes).unwrap();
}

#[test]
fn every_path_and_attribute_of_the_mount_is_as_in_the_tar() {
    let lab = Lab::locate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (tar, image) = (folder.path().join("tar"), folder.path().join("image"));
    make_sample(&lab, &tar);
    let mut quiet = Progress::new(true);
    tarfs_tools::make(&tar, Output::Image(&image), &Options::default(), &mut quiet).unwrap();

    let boot = Boot::new(&lab).cpus(2).module("tarfs");
    let boot = compare::PROGRAMS
        .iter()
        .fold(boot, |boot, name| boot.program(name));
    let mut guest = boot.disk(&image, Access::ReadOnly).boot().unwrap();
    let mount = "modprobe tarfs && mount -t tarfs -o ro /dev/vda /mnt";
    guest.run(mount).unwrap().ok().unwrap();
    let found = compare::read_mount(&mut guest, "/mnt").unwrap();
    guest
        .run("umount /mnt && rmmod tarfs")
        .unwrap()
        .ok()
        .unwrap();
    guest.shutdown().unwrap();

    let expected = compare::read_tar(&lab, &tar).unwrap();
    let comparison = compare::compare(&expected, &found);
    assert_eq!(comparison.differences, []);
    assert_eq!(comparison.paths(), found.len() as u64);
    for file_type in [
        FileType::Regular,
        FileType::Directory,
        FileType::Symlink,
        FileType::CharDevice,
        FileType::BlockDevice,
        FileType::Fifo,
    ] {
        assert!(comparison.counts.contains_key(&file_type), "{file_type:?}");
    }
    assert!(comparison.hard_links > 2);

    // A comparison that finds nothing might not have looked.
    let changed = folder.path().join("changed");
    change_contents(&tar, &changed);
    let expected = compare::read_tar(&lab, &changed).unwrap();
    let differences = compare::compare(&expected, &found).differences;
    let names: Vec<_> = differences
        .iter()
        .map(|difference| difference.attribute)
        .collect();
    assert_eq!(names, ["SHA-256"]);
}
