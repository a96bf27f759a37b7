// SPDX-License-Identifier: GPL-2.0
//! Requests to rnull's disks.

use lab::Lab;
use tests::null_block::{boot, mount_configfs, same, start};

/// Makes the disk `a` of 4 MiB for `$irqmode` and `$blocksize`, and takes it away.
const DISK: &str = r#"
    make() {
        mkdir $root/a
        put $root/a/size 4
        put $root/a/irqmode $irqmode
        put $root/a/blocksize $blocksize
        put $root/a/power 1
    }
"#;

#[test]
fn sizes_and_alignments_are_those_of_the_disk() {
    let lab = Lab::locate().unwrap();
    // Busybox's dd falls back to the page cache where direct I/O is refused.
    let mut guest = start(&lab, &["dd", "blkdiscard"]);
    let script = r#"
        # io DD-ARGUMENT...: a read and a write; says how many records, or why not
        io() {
            echo "read $*: $(dd if=/dev/a of=/dev/null "$@" iflag=direct status=noxfer 2>&1 | sed 's/.*: //')"
            echo "write $*: $(dd if=/dev/zero of=/dev/a "$@" oflag=direct status=noxfer 2>&1 | sed 's/.*: //')"
        }
        load nr_devices=0
        for irqmode in 0 1 2; do
            for blocksize in 512 4096; do
                echo "irqmode $irqmode blocksize $blocksize"
                make
                for size in 512 1024 4k 12k 64k 252k 256k 512k 1M; do io bs=$size count=4; done
                for size in 1 511 513 1000 6000; do io bs=$size count=1; done
                # To the end, across it, at it, and beyond it.
                io bs=4096 skip=1023 seek=1023
                io bs=64k skip=63 seek=63 count=2
                io bs=4096 skip=1024 seek=1024 count=1
                io bs=4096 skip=1025 seek=1025 count=1
                # Through the page cache.
                dd if=/dev/a of=/dev/null bs=1000 status=noxfer 2>&1
                dd if=/dev/zero of=/dev/a bs=1000 status=noxfer 2>&1
                sync
                for discard in '' -s -z '-z -o 4096 -l 8192' '-o 1 -l 512'; do
                    echo "blkdiscard $discard: $(blkdiscard $discard /dev/a 2>&1 | sed 's/.*: //')"
                done
                cat /sys/block/a/inflight
                rmdir $root/a
            done
        done
        rmmod $module
    "#;
    let printed = same(&mut guest, &(DISK.to_owned() + script));
    assert!(printed.contains("read bs=1M count=4: 4+0 records in\n"));
    assert!(printed.contains("read bs=513 count=1: Invalid argument\n"));
    assert!(printed.contains("blkdiscard : Operation not supported\n"));
    guest.shutdown().unwrap();
}

#[test]
fn every_request_is_answered_and_counted_once() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio"]);
    let script = r#"
        # The requests done.
        requests() { awk '{ print $1 + $5 }' /sys/block/a/stat; }
        blocksize=512
        load nr_devices=0
        # Where requests complete, how many queues there are, and whether fio polls.
        for way in '0 1' '1 1' '1 2' '2 1' '2 2' '0 1 --hipri' '1 2 --hipri' '2 2 --hipri'; do
            set -- $way
            irqmode=$1 queues=$2 poll=$3
            make
            put $root/a/submit_queues $queues
            echo none > /sys/block/a/queue/scheduler
            echo 2 > /sys/block/a/queue/nomerges
            for rw in randread randwrite randrw; do
                before=$(requests)
                fio --name=a --filename=/dev/a --rw=$rw --bsrange=512-64k --direct=1 \
                    --ioengine=io_uring $poll --iodepth=64 --iodepth_batch_submit=32 \
                    --iodepth_batch_complete_min=1 --iodepth_batch_complete_max=64 \
                    --norandommap=1 --number_ios=5000 --size=4M --io_size=4G \
                    --output-format=terse > /tmp/out || cat /tmp/out
                echo "answered $(($(requests) - before))"
                # Sectors read and written; requests under way.
                awk '{ print $3, $7, $9 }' /sys/block/a/stat
                # Errors, and KiB read and written, as fio has it.
                cut -d';' -f5,6,47 /tmp/out
            done
            rmdir $root/a
        done
        rmmod $module
    "#;
    let printed = same(&mut guest, &(DISK.to_owned() + script));
    assert_eq!(printed.matches("answered 5000\n").count(), 24, "{printed}");
    guest.shutdown().unwrap();
}

/// A request with a tag of a scheduler's must not end in a batch.
#[test]
fn schedulers_get_their_tags_back() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab)
        .program("fio")
        .stock_module("mq-deadline")
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    let script = r#"
        blocksize=512
        modprobe mq-deadline
        load nr_devices=0
        for irqmode in 0 1 2; do
            make
            echo mq-deadline > /sys/block/a/queue/scheduler
            cat /sys/block/a/queue/scheduler
            fio --name=a --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring \
                --iodepth=64 --norandommap=1 --number_ios=5000 --size=4M --io_size=4G \
                --output-format=terse | cut -d';' -f5,6,47
            cat /sys/block/a/inflight
            dd if=/dev/zero of=/dev/a bs=4k conv=fsync 2>&1 | sed 's/.*: //'
            rmdir $root/a
        done
        rmmod $module
    "#;
    let printed = same(&mut guest, &(DISK.to_owned() + script));
    assert_eq!(printed.matches("[mq-deadline]").count(), 3, "{printed}");
    guest.shutdown().unwrap();
}
