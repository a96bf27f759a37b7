// SPDX-License-Identifier: GPL-2.0
//! What the write cache of rnull's disks loses and keeps, and how fast a limited disk is.

use lab::Lab;
use tests::null_block::{run, same, start, RNULL};

#[test]
fn the_cache_loses_what_was_not_flushed_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "blkdiscard"]);
    let printed = same(
        &mut guest,
        r#"
        sum() { dd if=/dev/a bs=64k iflag=direct status=none | sha256sum | cut -c1-16; }
        # data SEEK COUNT [FLAG]: writes blocks of 4 KiB
        data() {
            dd if=/tmp/data of=/dev/a bs=4k skip=$1 seek=$1 count=$2 oflag=direct$3 $4 status=none 2>&1
        }
        cycle() { put power 0; put power 1; }
        [ -e /tmp/data ] || dd if=/dev/urandom of=/tmp/data bs=1M count=8 status=none
        load nr_devices=0
        for fua in 1 0; do
            for blocksize in 512 4096; do
                mkdir $root/a
                cd $root/a
                put cache_size 1
                put fua $fua
                put size 8
                put blocksize $blocksize
                put power 1
                echo "without memory: $(cat cache_size) $(cat /sys/block/a/queue/write_cache)"
                put power 0
                put memory_backed 1
                put discard 1
                put cache_size 1
                put power 1
                cat cache_size /sys/block/a/queue/write_cache /sys/block/a/queue/fua
                data 0 8; echo "cached: $(sum)"
                cycle; echo "lost: $(sum)"
                data 0 8 '' conv=fsync; cycle; echo "flushed: $(sum)"
                data 8 8 ,dsync; cycle; echo "written through: $(sum)"
                # Part of a page in the cache, over one on the disk.
                dd if=/tmp/data of=/dev/a bs=$blocksize skip=1000 seek=1 count=1 oflag=direct status=none
                echo "mixed: $(sum)"
                # Through, over what is cached.
                dd if=/tmp/data of=/dev/a bs=$blocksize skip=900 seek=1 count=1 oflag=direct,dsync status=none
                echo "over: $(sum)"; cycle; echo "kept: $(sum)"
                data 32 8
                blkdiscard -o $((34 * 4096)) -l 8192 /dev/a
                echo "discarded: $(sum)"
                data 33 1 '' conv=fsync; cycle; echo "still: $(sum)"
                # More than fits.
                data 0 1024; echo "much: $(sum)"
                data 0 1 '' conv=fsync; cycle; echo "all: $(sum)"
                cd /
                rmdir $root/a
            done
        done
        rmmod $module
        "#,
    );
    assert!(
        printed.contains("without memory: 0 write through\n"),
        "{printed}"
    );
    assert!(printed.contains("1\nwrite back\n1\n"), "{printed}");
    guest.shutdown().unwrap();
}

#[test]
fn a_disk_with_a_cache_reads_back_what_fio_wrote() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio"]);
    let script = r#"
        load nr_devices=0
        for irqmode in 0 1 2; do
            mkdir $root/a
            cd $root/a
            put memory_backed 1
            put cache_size 1
            put size 16
            put irqmode $irqmode
            put submit_queues 2
            put power 1
            fio --filename=/dev/a --rw=randwrite --bsrange=512-32k --direct=1 --size=8M \
                --offset_increment=8M --ioengine=io_uring --iodepth=16 --number_ios=800 \
                --verify=crc32c --verify_backlog=32 --fsync=50 --numjobs=2 --name=a \
                > /tmp/out 2>&1 || cat /tmp/out
            grep -c 'err= 0' /tmp/out
            cd /
            rmdir $root/a
        done
        rmmod $module
    "#;
    assert_eq!(run(&mut guest, &RNULL, script), "2\n".repeat(3));
    guest.shutdown().unwrap();
}

/// It may be slower than its limit, never faster.
#[test]
fn a_limited_disk_is_not_faster() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio"]);
    let script = r#"
        load nr_devices=0
        for way in '0 0' '1 0' '2 1'; do
            set -- $way
            mkdir $root/a
            cd $root/a
            put irqmode $1
            put memory_backed $2
            put size 64
            put mbps 2
            put submit_queues 2
            put power 1
            start=$(cut -d. -f1 /proc/uptime)
            fio --filename=/dev/a --rw=randrw --bs=16k --direct=1 --ioengine=io_uring --iodepth=16 \
                --numjobs=2 --size=4M --name=a > /tmp/out 2>&1 || cat /tmp/out
            took=$(($(cut -d. -f1 /proc/uptime) - start))
            # 8 MiB, of which the first tick's are free, in whole seconds.
            [ $took -ge 2 ] && echo slow || echo "$took s"
            # It can be turned off while it waits, and be quick then.
            fio --filename=/dev/a --rw=randread --bs=64k --direct=1 --ioengine=io_uring \
                --iodepth=16 --time_based --runtime=600 --name=a > /dev/null 2>&1 &
            before=$(cut -c1-9 /sys/block/a/stat)
            until [ "$(cut -c1-9 /sys/block/a/stat)" -gt $((before + 3)) ]; do sleep 0.1; done
            put power 0
            # To fio the disk just ends early, where it begins again and again.
            kill $!
            wait $!
            put mbps 0
            put power 1
            dd if=/dev/zero of=/dev/a bs=1M count=64 oflag=direct 2>&1 | grep -c records
            cd /
            rmdir $root/a
        done
        rmmod $module
    "#;
    assert_eq!(run(&mut guest, &RNULL, script), "slow\n2\n".repeat(3));
    guest.shutdown().unwrap();
}
