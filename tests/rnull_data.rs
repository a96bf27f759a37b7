// SPDX-License-Identifier: GPL-2.0
//! What rnull's memory-backed disks keep.

use lab::Lab;
use tests::null_block::{run, same, start, RNULL};

#[test]
fn what_is_written_discarded_and_kept_is_that_of_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "blkdiscard"]);
    let script = r#"
        sum() { sha256sum < /dev/a | cut -c1-16; }
        # write SEEK COUNT, in blocks of 512 bytes
        put_data() { dd if=/tmp/data of=/dev/a bs=512 skip=$1 seek=$1 count=$2 oflag=direct status=none 2>&1; }
        [ -e /tmp/data ] || dd if=/dev/urandom of=/tmp/data bs=1M count=8 status=none
        load nr_devices=0
        for blocksize in 512 4096; do
            for irqmode in 0 1 2; do
                mkdir $root/a
                cd $root/a
                put memory_backed 1
                put discard 1
                put size 8
                put blocksize $blocksize
                put irqmode $irqmode
                put power 1
                cat blocking discard memory_backed
                grep . /sys/block/a/queue/discard*
                sum
                put_data 0 8; sum
                put_data 64 128; sum
                put_data 1000 4000; sum
                put_data 16376 8; sum
                for range in '0 4096' '512 512' '4096 512' '2048 4096' '8192 69632' '1048576 2097152' \
                        '3000320 1024' '8388096 512' '1 512' '8384512 4096'; do
                    set -- $range
                    echo "discard $range: $(blkdiscard -o $1 -l $2 /dev/a 2>&1 | sed 's/.*: //') $(sum)"
                    echo "zero $range: $(blkdiscard -z -o $(($1 + 65536)) -l $2 /dev/a 2>&1 | sed 's/.*: //') $(sum)"
                done
                # Through the page cache, which merges and splits.
                dd if=/tmp/data of=/dev/a bs=3000 conv=fsync status=none
                sum
                # What was written stays when the disk is off, but not without its directory.
                put power 0; put power 1; sum
                put power 0; put size 4; put power 1; sum
                put power 0; put memory_backed 0; put power 1; cat discard
                put power 0; put memory_backed 1; put size 8; put power 1; sum
                cd /
                rmdir $root/a
            done
        done
        # A disk of the module's own.
        rmmod $module
        load memory_backed=1 discard=1 gb=1
        dd if=/tmp/data of=/dev/${disk}0 bs=1M seek=100 status=none
        dd if=/dev/${disk}0 bs=1M skip=99 count=10 status=none | sha256sum
        rmmod $module
    "#;
    let printed = same(&mut guest, script);
    assert!(printed.contains("discard 0 4096:  "), "{printed}");
    assert!(
        printed.contains("discard 1 512: offset 1 is not aligned"),
        "{printed}"
    );
    guest.shutdown().unwrap();
}

#[test]
fn fio_reads_back_what_it_wrote() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio"]);
    let script = r#"
        load nr_devices=0 poll_queues=2
        before=$(awk '/MemFree/ { print $2 }' /proc/meminfo)
        for way in '0 512' '1 512' '2 4096' '0 4096 --hipri' '2 512 --hipri'; do
            set -- $way
            mkdir $root/a
            cd $root/a
            put memory_backed 1
            put discard 1
            put size 64
            put irqmode $1
            put blocksize $2
            put submit_queues 2
            put power 1
            # Two programs on the two halves, whose data is checked in the end and while it is
            # written; then again, with each block discarded first, which is to end before.
            for rw in randwrite randtrimwrite; do
                depth=32
                [ $rw = randwrite ] || depth=1
                fio --filename=/dev/a --rw=$rw --bsrange=$2-64k --direct=1 --size=8M \
                    --offset_increment=32M --ioengine=io_uring $3 --iodepth=$depth \
                    --number_ios=1000 --verify=crc32c \
                    --verify_backlog=64 --numjobs=2 --name=a > /tmp/out 2>&1 || cat /tmp/out
                grep -c 'err= 0' /tmp/out
            done
            cd /
            rmdir $root/a
        done
        # Power cycles while requests come, and queues that change.
        mkdir $root/a
        cd $root/a
        put memory_backed 1
        put size 64
        put submit_queues 2
        for i in $(seq 12); do
            put irqmode $((i % 3))
            put power 1
            fio --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring --iodepth=64 \
                --numjobs=2 --time_based --runtime=600 --name=a > /dev/null 2>&1 &
            until [ "$(cut -c1-9 /sys/block/a/stat)" -gt 200 ]; do sleep 0.1; done
            [ $((i % 2)) = 1 ] || { put submit_queues 1; put poll_queues 0; put submit_queues 2; put poll_queues 2; }
            put power 0
            wait $! && echo "fio did not notice"
        done
        cd /
        rmdir $root/a
        rmmod $module
        echo 3 > /proc/sys/vm/drop_caches
        after=$(awk '/MemFree/ { print $2 }' /proc/meminfo)
        # 128 MiB were written: if they were not freed, this would show it.
        [ $((before - after)) -lt 60000 ] || echo "lost $((before - after)) KiB"
    "#;
    assert_eq!(run(&mut guest, &RNULL, script), "2\n".repeat(10));
    guest.shutdown().unwrap();
}
