// SPDX-License-Identifier: GPL-2.0
//! Mount options of tarfs: what they do, what a remount changes, what is refused and why.

use lab::guest::{Access, Boot};
use lab::Lab;
use tests::image::{Image, Region};
use tests::{ok, sample};

/// Times of inodes are the last four bytes that no other rule than the sum covers.
fn with_a_wrong_time(path: &str) -> Vec<u8> {
    let mut image = Image(sample::image());
    let seconds = image.inode(image.ino(path)) + 24;
    assert!(seconds > image.region(Region::Inodes));
    image.0[seconds] ^= 1;
    image.0
}

#[test]
fn noverify_reads_what_does_not_match_its_sum_and_verify_does_not() {
    let lab = Lab::locate().unwrap();
    let image = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(image.path(), with_a_wrong_time("many/file-with-number-999")).unwrap();
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("mount")
        .program("stat")
        .disk(image.path(), Access::ReadOnly)
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs");
    let mount = |options| format!("mount -t tarfs -o {options} /dev/vda /mnt");
    let shown = "grep ' /mnt ' /proc/mounts | cut -d' ' -f4";
    let file = "stat -c %s /mnt/many/file-with-number-999";
    let errors = "cat /sys/fs/tarfs/vda/errors_count";

    ok(&mut guest, &mount("noverify"));
    assert_eq!(ok(&mut guest, shown), "ro,relatime,noverify\n");
    assert_eq!(ok(&mut guest, file), "20\n");
    assert_eq!(ok(&mut guest, errors), "0\n");

    // What was read unchecked is checked once that is wanted. A remount keeps what it does not name.
    ok(&mut guest, "mount -o remount,nosuid /mnt");
    assert!(ok(&mut guest, shown).contains("noverify"));
    ok(&mut guest, "mount -o remount,verify /mnt");
    assert!(!ok(&mut guest, shown).contains("noverify"));
    ok(&mut guest, "echo 2 > /proc/sys/vm/drop_caches");
    let refused = guest.run(file).unwrap();
    assert!(refused.text().contains("Structure needs cleaning"));
    assert_eq!(ok(&mut guest, errors), "1\n");

    ok(&mut guest, "umount /mnt && test ! -e /sys/fs/tarfs/vda");
    ok(&mut guest, "rmmod tarfs && test ! -e /sys/fs/tarfs");
    guest.shutdown().unwrap();
}

#[test]
fn options_that_cannot_be_had_are_refused_with_the_reason() {
    let lab = Lab::locate().unwrap();
    let image = sample::image_file();
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("mount")
        .disk(&*image, Access::ReadOnly)
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs");
    for (option, reason) in [
        ("uid=5", "uid: owners are those of the tar"),
        ("gid=5", "idmapped mount"),
        ("umask=022", "permissions are those of the tar"),
        ("verify=3", "verify: takes no value"),
        ("frob", "Unknown parameter 'frob'"),
    ] {
        let output = guest
            .run(&format!("mount -t tarfs -o {option} /dev/vda /mnt"))
            .unwrap();
        assert_ne!(output.status, 0, "{option}");
        assert!(output.text().contains(reason), "{}", output.text());
    }
    // Nothing is left behind: the device can be mounted.
    ok(&mut guest, "mount -t tarfs /dev/vda /mnt && umount /mnt");
    guest.shutdown().unwrap();
}
