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
