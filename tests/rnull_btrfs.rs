// SPDX-License-Identifier: GPL-2.0
//! A file system on zones: btrfs writes its data by zone appends, which are the disk's or made of
//! writes by the block layer, and opens, finishes and resets zones as it goes.

use lab::guest::Boot;
use lab::Lab;
use tests::ok;

#[test]
fn btrfs_keeps_files_on_zones() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .cpus(2)
        .module("rnull")
        .stock_module("btrfs")
        .program("blkzone")
        .program("mkfs.btrfs")
        .boot()
        .unwrap();
    let printed = ok(
        &mut guest,
        r#"
        set -e
        modprobe configfs
        mount -t configfs configfs /sys/kernel/config
        modprobe btrfs
        modprobe rnull nr_devices=0
        dd if=/dev/urandom of=/tmp/data bs=1M count=24 2> /dev/null
        for settings in irqmode=0 "irqmode=1 zone_nr_conv=4" zone_append_max_sectors=0 \
            "irqmode=2 zone_capacity=3 zone_max_open=14"; do
            mkdir /sys/kernel/config/rnull/a
            cd /sys/kernel/config/rnull/a
            for s in size=256 memory_backed=1 zoned=1 zone_size=4 $settings power=1; do
                echo ${s#*=} > ${s%=*}
            done
            cd /
            mkfs.btrfs -q -O zoned /dev/a
            mount -t btrfs /dev/a /mnt
            for i in 1 2 3; do
                cp /tmp/data /mnt/$i
                sync
                rm -f /mnt/$((i - 1))
            done
            umount /mnt
            mount -t btrfs /dev/a /mnt
            cmp /tmp/data /mnt/3
            umount /mnt
            blkzone report /dev/a | grep -q '(fu)'
            echo kept
            rmdir /sys/kernel/config/rnull/a
        done
        rmmod rnull
        "#,
    );
    assert_eq!(printed, "kept\n".repeat(4));
    assert!(!guest.log().contains("BTRFS error"), "{}", guest.log());
    guest.shutdown().unwrap();
}
