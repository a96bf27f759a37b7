// SPDX-License-Identifier: GPL-2.0
//! What a disk of rnull shows after a crash: all that was flushed, and of the rest what was to be
//! kept.

use lab::guest::Guest;
use lab::Lab;
use tests::null_block::{boot, mount_configfs, run, start, RNULL};

/// Sectors of the disk, of a page, and the first ones that are written but not flushed.
const SECTORS: usize = 2048;
const PAGE: usize = 8;
const UNFLUSHED: std::ops::Range<usize> = 1024..2045;

/// Writes old data everywhere, then new data: flushed, with FUA, and not flushed; crashes, and
/// turns the disk on again. Prints the counts of the crash.
const CYCLE: &str = r#"
    cd $root/a
    put power 1
    dd if=/old of=/dev/a bs=64k oflag=direct conv=fsync status=none
    dd if=/new of=/dev/a bs=4k count=64 oflag=direct conv=fsync status=none
    dd if=/new of=/dev/a bs=4k skip=64 seek=64 count=64 oflag=direct,dsync status=none
    dd if=/new of=/dev/a bs=4k skip=128 seek=128 count=127 oflag=direct status=none
    dd if=/new of=/dev/a bs=512 skip=2040 seek=2040 count=5 oflag=direct status=none
    echo "before $(cat crash/now)"
    put crash/now 1
    echo "after $(cat crash/now) $(cat crash/lost_sectors) $(cat crash/kept_sectors)"
    put power 0
    put power 1
    echo "on $(cat crash/now)"
"#;

/// Which sectors are new after a crash with these settings.
fn crash(guest: &mut Guest, old: &[u8], new: &[u8], lose: &str, torn: u32, seed: u32) -> Vec<bool> {
    let settings = format!(
        "cd $root/a; put crash/lose '{lose}'; put crash/torn {torn}; put crash/seed {seed}\n"
    );
    let printed = run(guest, &RNULL, &(settings + CYCLE));
    let disk = guest.run("cat /dev/a").unwrap().stdout;
    run(guest, &RNULL, "put $root/a/power 0");
    assert_eq!(disk.len(), SECTORS * 512);

    let sectors = disk.chunks(512).zip(old.chunks(512).zip(new.chunks(512)));
    let is_new: Vec<bool> = sectors
        .map(|(now, (old, new))| {
            assert!(now == old || now == new, "a sector is neither old nor new");
            now == new
        })
        .collect();
    assert!(is_new[..UNFLUSHED.start].iter().all(|new| *new), "{lose}");
    assert!(!is_new[UNFLUSHED.end..].iter().any(|new| *new), "{lose}");
    let kept = is_new[UNFLUSHED].iter().filter(|new| **new).count();
    let lost = UNFLUSHED.len() - kept;
    assert_eq!(printed, format!("before 0\nafter 1 {lost} {kept}\non 0\n"));
    is_new
}

#[test]
fn a_crash_loses_what_was_not_flushed_and_what_it_is_told_to() {
    let lab = Lab::locate().unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut data = || -> Vec<u8> { (0..SECTORS * 512).map(|_| random.u8(..)).collect() };
    let (old, new) = (data(), data());
    let mut guest = boot(&lab)
        .program("dd")
        .bytes("/old", &old)
        .bytes("/new", &new)
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    let make = r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put size 1
        put memory_backed 1
        put cache_size 4
    "#;
    assert_eq!(run(&mut guest, &RNULL, make), "");
    let mut crash = |lose: &str, torn, seed| {
        crash(&mut guest, &old, &new, lose, torn, seed)[UNFLUSHED].to_vec()
    };

    assert!(!crash("all", 0, 0).contains(&true));
    assert!(!crash("none", 0, 0).contains(&false));

    let ranges = "1030-1033,0x44c-1100";
    let lost = |sector: usize| (1030..=1033).contains(&sector) || sector == 1100;
    let expected: Vec<bool> = UNFLUSHED.map(|sector| !lost(sector)).collect();
    assert_eq!(crash(ranges, 1, 0), expected, "blocks alone");
    let page = |sector: usize| sector / PAGE * PAGE..(sector / PAGE + 1) * PAGE;
    let expected: Vec<bool> = UNFLUSHED.map(|sector| !page(sector).any(lost)).collect();
    assert_eq!(crash(ranges, 0, 0), expected, "whole pages");

    let first = crash("random 40", 1, 1);
    assert_eq!(crash("random 40.0", 1, 1), first, "a seed repeats it");
    assert_ne!(crash("random 40", 1, 2), first, "another seed");
    let kept = first.iter().filter(|new| **new).count();
    assert!((500..730).contains(&kept), "{kept} of 1021 kept");
    assert!(
        first
            .chunks(PAGE)
            .any(|page| page.contains(&true) && page.contains(&false)),
        "a page is torn"
    );
    let whole = crash("random 40", 0, 1);
    assert!(
        !whole
            .chunks(PAGE)
            .any(|page| page.contains(&true) && page.contains(&false)),
        "no page is torn"
    );
    assert!(whole.contains(&true) && whole.contains(&false));
    assert_eq!(run(&mut guest, &RNULL, "cat $root/a/crash/crashes"), "8\n");
    guest.shutdown().unwrap();
}

#[test]
fn a_crashed_disk_is_of_no_use_until_it_is_turned_off() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "fio"]);
    let script = r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put size 64
        echo "off: $(put crash/now 1)"
        for v in x 'random' 'random 100.1' 'random 0.00001' 'random -1' 'all 1' 7 7-6 0-1,; do
            echo "$v: $(put crash/lose "$v") $(cat crash/lose)"
        done
        for v in none 'random 0.0500' '0-0x1f,7-7'; do
            echo "$v: $(put crash/lose "$v") $(cat crash/lose)"
        done
        put crash/lose all

        # Reads and writes under way fail where they were not done yet.
        put irqmode 2
        put completion_nsec 4000000000
        for memory in 0 1; do
            put memory_backed $memory
            put cache_size 1
            put power 1
            exec 3< /dev/a
            until [ "$(tr -d ' ' < /sys/block/a/inflight)" = 11 ]; do
                wait
                dd if=/dev/zero of=/dev/a bs=4k count=1 oflag=direct 2> /tmp/write &
                dd if=/dev/a of=/dev/null bs=4k count=1 iflag=direct 2> /tmp/read &
                sleep 1
            done
            put crash/now y
            wait
            sed -n 's/.*: //p' /tmp/write /tmp/read
            echo "again: $(put crash/now 1)"
            echo "back: $(put crash/now 0)"
            echo "$(cat power) $(cat /sys/block/a/size)"
            dd bs=4k count=1 <&3 2> /dev/null | wc -c
            exec 3<&-
            put power 0
        done

    "#;
    let crashed = "\
Input/output error
Input/output error
again: Invalid argument
back: Invalid argument
1 0
0
";
    let expected = format!(
        "\
off: Invalid argument
x: Invalid argument all
random: Invalid argument all
random 100.1: Invalid argument all
random 0.00001: Invalid argument all
random -1: Invalid argument all
all 1: Invalid argument all
7: Invalid argument all
7-6: Invalid argument all
0-1,: Invalid argument all
none:  none
random 0.0500:  random 0.05
0-0x1f,7-7:  0-31,7-7
{}",
        crashed.repeat(2),
    );
    assert_eq!(run(&mut guest, &RNULL, script), expected);

    // Disks of every kind can crash under load, and come back.
    let script = r#"
        cd $root/a
        put completion_nsec 10000
        put submit_queues 2
        for way in '0 0 0' '0 1 0' '2 0 0' '0 1 1' '1 1 1'; do
            set -- $way
            put irqmode $1
            put memory_backed $2
            put cache_size $3
            put power 1
            fio --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring --iodepth=16 \
                --time_based --runtime=600 --numjobs=2 --name=a > /tmp/out 2>&1 &
            until [ "$(awk '{ print ($1 > 100 && $5 > 100) }' /sys/block/a/stat)" = 1 ]; do
                sleep 0.1
            done
            put crash/now 1
            kill $! 2> /dev/null
            wait
            put power 0
            put power 1
            dd if=/dev/zero of=/dev/a bs=1M count=64 oflag=direct conv=fsync 2>&1 | grep records.in
            put power 0
        done

    "#;
    let expected = "64+0 records in\n".repeat(5);
    assert_eq!(run(&mut guest, &RNULL, script), expected);

    // What fio wrote and flushed is there; of the rest not all.
    let script = r#"
        cd $root/a
        put cache_size 16
        put crash/lose 'random 50'
        put crash/torn 1
        verify="--name=a --filename=/dev/a --direct=1 --ioengine=io_uring --iodepth=8 --size=8M
            --rw=randwrite --bsrange=512-16k --verify=crc32c"
        put power 1
        fio $verify --do_verify=0 --end_fsync=1 > /tmp/out 2>&1 || cat /tmp/out
        fio $verify --offset=8M --do_verify=0 > /tmp/out 2>&1 || cat /tmp/out
        put crash/now 1
        [ $(cat crash/lost_sectors) -gt 5000 ] && [ $(cat crash/kept_sectors) -gt 5000 ] && echo some
        put power 0
        put power 1
        fio $verify --verify_only > /tmp/out 2>&1 && echo verified || cat /tmp/out
        fio $verify --offset=8M --verify_only > /tmp/out 2>&1 || echo not all
        cd /
        put $root/a/crash/now 1
        rmdir $root/a
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    assert_eq!(printed, "some\nverified\nnot all\n");
    guest.shutdown().unwrap();
}

#[test]
fn zones_are_written_up_to_what_was_lost() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "blkzone"]);
    let make = r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put size 24
        put zoned 1
        put zone_size 4
        put zone_nr_conv 1
        put zone_max_active 4
        put memory_backed 1
        put cache_size 8
        put crash/torn 1
    "#;
    assert_eq!(run(&mut guest, &RNULL, make), "");
    // The start, write pointer and condition of each zone that is not conventional.
    let script = r#"
        zones() {
            blkzone report -o 0x2000 /dev/a |
                sed 's/.*start: 0x0*\([^,]*\).*wptr 0x0*\([0-9a-f][0-9a-f]*\).*(\(..\)).*/\1 \2 \3/'
        }
        # data START SECTORS [FLAG]: writes a part of a zone
        data() { dd if=/tmp/data of=/dev/a bs=512 seek=$1 count=$2 oflag=direct $3 status=none; }
        cd $root/a
        head -c 4194304 /dev/urandom > /tmp/data
        put crash/lose "$lose"
        put power 1
        data 0 16
        data 8192 64 conv=fsync
        data $((8192 + 64)) 64
        data 16384 64
        blkzone open -o 24576 -l 8192 /dev/a
        dd if=/tmp/data of=/dev/a bs=1M seek=16 count=4 oflag=direct status=none
        zones
        echo crash
        put crash/now 1
        put power 0
        put power 1
        zones
        dd if=/dev/a bs=512 skip=8192 count=64 status=none | cmp -n 32768 - /tmp/data
        data $((0x2000 + $next)) 8 && echo goes on
        put power 0
        put power 1
        echo off
        zones
        put power 0
    "#;
    let before = "2000 80 oi\n4000 40 oi\n6000 0 oe\n8000 2000 fu\na000 0 em\ncrash\n";
    let after = "goes on\noff\n2000 0 em\n4000 0 em\n6000 0 em\n8000 0 em\na000 0 em\n";
    for (lose, next, zones) in [
        (
            "all",
            64,
            "2000 40 cl\n4000 0 em\n6000 0 em\n8000 0 em\na000 0 em\n",
        ),
        (
            "none",
            128,
            "2000 80 cl\n4000 40 cl\n6000 0 em\n8000 2000 fu\na000 0 em\n",
        ),
        (
            "8300-8301,8310-9000,16400-16400,40959-40959",
            108,
            "2000 6c cl\n4000 10 cl\n6000 0 em\n8000 1fff cl\na000 0 em\n",
        ),
    ] {
        let script = format!("lose={lose} next={next}\n{script}");
        let printed = run(&mut guest, &RNULL, &script);
        assert_eq!(printed, format!("{before}{zones}{after}"), "{lose}");
    }
    run(&mut guest, &RNULL, "rmdir $root/a; rmmod $module");
    guest.shutdown().unwrap();
}
