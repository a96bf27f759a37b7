// SPDX-License-Identifier: GPL-2.0
//! File systems on zones. btrfs writes its data by zone appends, which are the disk's or made of
//! writes by the block layer, f2fs by writes at the write pointers; both open, finish and reset zones
//! as they go.

use lab::guest::Boot;
use lab::in_tree::InTree;
use lab::Lab;
use tests::ok;

#[test]
fn btrfs_keeps_files_on_zones() {
    let lab = Lab::locate().unwrap();
    let boot = Boot::new(&lab)
        .stock_module("btrfs")
        .program("btrfs")
        .program("mkfs.btrfs");
    let settings = [
        "irqmode=0",
        "irqmode=1 zone_nr_conv=4",
        "zone_append_max_sectors=0",
        "irqmode=2 zone_capacity=12 zone_max_open=14",
    ];
    let (make, check) = ("mkfs.btrfs -q -O zoned", "btrfs check");
    files_are_kept(boot, "btrfs", make, check, &settings);
}

/// The cloud kernel's packages have no f2fs; its source has.
#[test]
fn f2fs_keeps_files_on_zones() {
    let lab = Lab::locate().unwrap();
    let f2fs = InTree {
        module: "f2fs".to_owned(),
        folder: "fs/f2fs".into(),
        option: "CONFIG_F2FS_FS".to_owned(),
    };
    let file = f2fs.provide(&lab).unwrap();
    let boot = Boot::new(&lab)
        .module(file.to_str().unwrap())
        .program("fsck.f2fs")
        .program("mkfs.f2fs");
    // Its metadata is in zones that are written in any order.
    let settings = [
        "irqmode=0 zone_nr_conv=16",
        "irqmode=2 zone_nr_conv=16 zone_append_max_sectors=0",
    ];
    let (make, check) = ("mkfs.f2fs -q -m", "fsck.f2fs --dry-run");
    files_are_kept(boot, "f2fs", make, check, &settings);
}

/// Writes, replaces and removes files on a disk with each of the settings, and reads back what is
/// left after another mount. Zones are so large that no metadata fills one twice: btrfs warns where
/// a block group whose zone it reset is full again (`btrfs_schedule_zone_finish_bg`).
/// `make` and `check` are the file system's commands for a disk.
fn files_are_kept(boot: Boot<'_>, file_system: &str, make: &str, check: &str, settings: &[&str]) {
    let boot = boot.cpus(2).module("rnull").program("blkzone");
    let mut guest = boot.boot().unwrap();
    let all: String = settings.iter().map(|s| format!(" '{s}'")).collect();
    let printed = ok(
        &mut guest,
        &format!(
            r#"
        set -e
        modprobe configfs
        mount -t configfs configfs /sys/kernel/config
        modprobe {file_system}
        modprobe rnull nr_devices=0
        dd if=/dev/urandom of=/tmp/data bs=1M count=24 2> /dev/null
        for settings in {all}; do
            mkdir /sys/kernel/config/rnull/a
            cd /sys/kernel/config/rnull/a
            for s in size=1024 memory_backed=1 zoned=1 zone_size=16 $settings power=1; do
                echo ${{s#*=}} > ${{s%=*}}
            done
            cd /
            {make} /dev/a >/tmp/out 2>&1 || cat /tmp/out
            mount -t {file_system} /dev/a /mnt
            for i in 1 2 3; do
                cp /tmp/data /mnt/$i
                sync
                rm -f /mnt/$((i - 1))
            done
            umount /mnt
            mount -t {file_system} /dev/a /mnt
            cmp /tmp/data /mnt/3
            umount /mnt
            {check} /dev/a >/tmp/out 2>&1 || cat /tmp/out
            blkzone report /dev/a | grep -Eq '[(](oi|cl|fu)[)]'
            echo kept
            rmdir /sys/kernel/config/rnull/a
        done
        rmmod rnull
        "#
        ),
    );
    assert_eq!(printed, "kept\n".repeat(settings.len()));
    guest.shutdown().unwrap();
}
