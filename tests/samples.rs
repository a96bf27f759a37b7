// SPDX-License-Identifier: GPL-2.0
//! The examples of drivers work.

use lab::guest::Boot;
use lab::Lab;
use tests::ok;

#[test]
fn the_ram_disk_keeps_what_is_written() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .cpus(2)
        .module("sample_ram_disk")
        .program("fio")
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe sample_ram_disk mib=8");
    assert_eq!(ok(&mut guest, "cat /sys/block/ram_disk/size"), "16384\n");
    // Blocks of all sizes from two programs at once; each is read back and compared.
    ok(
        &mut guest,
        "fio --filename=/dev/ram_disk --rw=randwrite --bsrange=512-256k --direct=1 \
             --ioengine=io_uring --iodepth=16 --size=4M --verify=crc32c --do_verify=1 \
             --name=first --name=second --offset=4M",
    );
    // Through the page cache: requests of many segments, merged ones, and the disk's end.
    ok(
        &mut guest,
        r#"
        set -e
        dd if=/dev/urandom of=/tmp/data bs=1M count=8 2> /dev/null
        dd if=/tmp/data of=/dev/ram_disk bs=3000 conv=fsync 2> /dev/null
        echo 3 > /proc/sys/vm/drop_caches
        cmp /tmp/data /dev/ram_disk
        if dd if=/tmp/data of=/dev/ram_disk bs=1M seek=8 count=1 2> /dev/null; then exit 2; fi
        exec 3< /dev/ram_disk
        if rmmod sample_ram_disk 2> /dev/null; then exit 3; fi
        exec 3<&-
        rmmod sample_ram_disk
        [ ! -e /dev/ram_disk ]
        "#,
    );
    guest.shutdown().unwrap();
}

#[test]
fn the_file_system_in_memory_shows_what_it_is_made_of() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .module("sample_memory_fs")
        .program("find")
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe sample_memory_fs");
    ok(&mut guest, "mount -t sample_memory_fs none /mnt");
    assert_eq!(ok(&mut guest, "cat /mnt/link"), "Hello from memory.\n");
    assert_eq!(
        ok(&mut guest, "cd /mnt/numbers && cat 0 7 999"),
        "0\n7\n999\n"
    );
    ok(
        &mut guest,
        "cd /mnt/numbers && test ! -e 1000 && test ! -e x",
    );
    assert_eq!(ok(&mut guest, "find /mnt -type f | wc -l"), "1001\n");
    assert_eq!(
        ok(&mut guest, "find /mnt -maxdepth 1 | sort"),
        "/mnt\n/mnt/greeting\n/mnt/link\n/mnt/numbers\n"
    );
    // The numbers of the files add up, so that each of them is there once.
    assert_eq!(
        ok(
            &mut guest,
            "cat /mnt/numbers/* | awk '{ sum += $1 } END { print sum }'"
        ),
        "499500\n"
    );
    ok(&mut guest, "umount /mnt && rmmod sample_memory_fs");
    guest.shutdown().unwrap();
}
