// SPDX-License-Identifier: GPL-2.0
//! rnull's zones do what the C driver's do.

use std::fmt::Write;

use fastrand::Rng;
use lab::Lab;
use tests::null_block::{same, start};
use tests::ok;

/// What the scripts use. Zones are named by their numbers.
const FUNCTIONS: &str = r#"
    # make SETTING=VALUE...: makes the zoned disk `a` and shows what came of the settings
    make() {
        echo "make $*"
        mkdir $root/a
        cd $root/a
        for s in size=16 zone_size=1 zoned=1 "$@"; do
            e=$(put ${s%=*} ${s#*=})
            [ -z "$e" ] || echo "$s: $e"
        done
        e=$(put power 1)
        echo "power: $e"
        grep . zone_append_max_sectors zone_capacity zone_full zone_max_active zone_max_open \
            zone_nr_conv zone_size zoned discard blocking
        cd /sys/block/a/queue 2> /dev/null || return
        z=$(cat chunk_sectors)
        grep . zoned nr_zones chunk_sectors zone_append_max_bytes max_open_zones max_active_zones \
            discard_max_bytes zone_write_granularity write_zeroes_max_bytes
    }
    report() { blkzone report "$@" /dev/a 2>&1; }
    # manage OPERATION FIRST [NUMBER]: open, close, finish or reset zones
    manage() {
        echo "$*: $(blkzone $1 -o $(($2 * z)) -l $((${3:-1} * z)) /dev/a 2>&1)"
    }
    # w ZONE KIBS: writes to the zone from its write pointer
    w() {
        at=$(report -o $(($1 * z)) -c 1 | sed -n 's/.*start: \(0x[0-9a-f]*\).*wptr \(0x[0-9a-f]*\).*/\1+\2/p')
        [ -z "$at" ] || at_w $(($at)) $2
    }
    # at_w SECTOR KIB: writes there
    at_w() {
        e=$(dd if=/tmp/data skip=$(($1 / 8 % 4)) of=/dev/a bs=$(($2 * 1024)) count=1 seek=$(($1 * 512)) \
            oflag=direct,seek_bytes conv=notrunc status=none 2>&1)
        echo "write $1 $2: $e"
    }
    # r SECTOR KIB: reads there, and sums up what a memory-backed disk says
    r() {
        e=$(dd if=/dev/a of=/tmp/read bs=$(($2 * 1024)) count=1 skip=$(($1 * 512)) \
            iflag=direct,skip_bytes status=none 2>&1)
        [ -n "$e" ] || [ $(cat $root/a/memory_backed) = 0 ] || e=$(md5sum < /tmp/read)
        echo "read $1 $2: $e"
    }
    # all: reads everything
    all() { for i in $(seq 0 63); do r $((i * 512)) 256; done; }
    # fail CONDITION SECTOR: makes a zone read-only or offline
    fail() { echo "$1 $2: $(put $root/a/zone_$1 $2)"; }
    gone() { cd /; rmdir $root/a; }
"#;

/// A guest with what the scripts use.
fn compare(script: &str) -> String {
    let lab = Lab::locate().unwrap();
    // Busybox's dd does not know the flags.
    let mut guest = start(&lab, &["blkzone", "dd"]);
    ok(&mut guest, "dd if=/dev/urandom of=/tmp/data bs=1M count=2");
    let printed = same(
        &mut guest,
        &format!("{FUNCTIONS}\nload nr_devices=0\n{script}\nrmmod $module\n"),
    );
    guest.shutdown().unwrap();
    printed
}

#[test]
fn zones_are_set_up_and_refused_like_c() {
    let mut script = String::new();
    for settings in [
        "",
        "zone_size=0",
        "zone_size=3",
        "zone_size=32",
        "zone_size=16",
        "zone_size=8796093022208",
        "zone_capacity=2",
        "zone_size=4 zone_capacity=3",
        "zone_size=4 zone_capacity=3 size=15",
        "zone_size=4 size=15",
        "zone_nr_conv=3",
        "zone_nr_conv=16",
        "zone_nr_conv=4294967295",
        "zone_max_open=15",
        "zone_max_open=16",
        "zone_max_active=15 zone_max_open=20",
        "zone_max_active=16 zone_max_open=20",
        "zone_max_active=4 zone_max_open=3",
        "zone_max_active=4 zone_nr_conv=12 zone_max_open=3",
        "zone_append_max_sectors=0",
        "zone_append_max_sectors=9 blocksize=4096",
        "zone_append_max_sectors=7 blocksize=4096",
        "zone_append_max_sectors=100000",
        "zone_append_max_sectors=77 blocksize=1536",
        "zone_full=1 zone_nr_conv=1",
        "zone_full=1 zone_size=2 zone_capacity=1",
        "irqmode=0 shared_tags=1",
        "blocksize=4096 irqmode=2",
        "discard=1 memory_backed=1",
        "discard=1 zone_size=3 memory_backed=1",
        "discard=1 zone_size=32 memory_backed=1",
        "zoned=0",
    ] {
        writeln!(script, "make {settings}\nreport\ngone").unwrap();
    }
    script += r#"
        make
        for f in zone_size zone_capacity zone_full zone_max_open zoned; do
            echo "on: $f $(put $root/a/$f 1)"
        done
        for v in x '' -1 99999999999999999999 0 4096 0x1000 32767 32768; do
            fail readonly "$v"
            fail offline "$v"
        done
        report
        stat -c '%a' $root/a/zone_readonly $root/a/zone_offline
        put $root/a/power 0
        fail readonly 0
        fail readonly 99999999999999999999
        put $root/a/zoned 0
        fail offline 99999999999999999999
        put $root/a/power 1
        fail offline 0
        gone
        make zone_nr_conv=2
        fail offline 0
        fail offline 4095
        fail offline 4096
        report
        gone
    "#;
    let printed = compare(&script);
    assert!(printed.contains("host-managed"), "{printed}");
    assert!(printed.contains("(of)"), "{printed}");
}

#[test]
fn parameters_make_zoned_disks_like_c() {
    let script = r#"
        rmmod $module
        # try PARAMETER...: loads the module with them and shows what came of it
        try() {
            echo "$*: $(load poll_queues=0 gb=1 zoned=1 "$@")"
            [ -d /sys/module/$module ] || return
            cd /sys/module/$module/parameters
            stat -c '%a %n' $options
            grep . $options
            blkzone report -c 5 /dev/${disk}0 2>&1 | sed "s/$disk//"
            grep . /sys/block/${disk}0/queue/zone* /sys/block/${disk}0/queue/max_*_zones \
                2> /dev/null | sed "s/$disk//"
            mkdir $root/a
            cd $root/a
            grep . $options
            cd /
            rmdir $root/a
            rmmod $module
        }
        options="zone_append_max_sectors zone_capacity zone_full zone_max_active zone_max_open \
            zone_nr_conv zone_size zoned"
        try
        try zone_size=64 zone_capacity=63 zone_nr_conv=2 zone_max_open=3 zone_max_active=4
        for o in $options; do
            for v in 0 1 3 -1 0x2 x '' 18446744073709551616 4294967296; do try $o=$v; done
        done
        load nr_devices=0
    "#;
    let printed = compare(script);
    assert!(
        printed.contains("zone_nr_conv=x: Invalid argument"),
        "{printed}"
    );
}

/// A random operation on one of `zones` zones, and that zone.
fn operation(random: &mut Rng, zones: u32, mib: u32) -> (u32, String) {
    // A few zones get most operations, so that they come far.
    let zone = match random.u32(0..4) {
        0 => random.u32(0..zones),
        _ => random.u32(0..zones.min(5)),
    };
    let kib = [4, 16, 64, 128, 256][random.usize(0..5)];
    let inside = (zone * mib * 256 + random.u32(0..256)) * 8;
    let operation = match random.u32(0..20) {
        0..=6 => format!("w {zone} {kib}"),
        7 => format!("at_w {inside} {kib}"),
        8 => format!("r {inside} {kib}"),
        9..=11 => format!("manage open {zone}"),
        12..=13 => format!("manage close {zone}"),
        14..=15 => format!("manage finish {zone}"),
        16..=17 => format!("manage reset {zone}"),
        18 => format!("fail readonly {inside}"),
        _ => match random.u32(0..4) {
            0 => format!("manage reset 0 {zones}"),
            1 => format!("manage open {zone} 3"),
            _ => format!("fail offline {inside}"),
        },
    };
    (zone, operation)
}

#[test]
fn random_operations_come_to_the_same_as_in_c() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |s| s.parse().unwrap());
    println!("to run the same again: SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let mut script = String::new();
    for (zones, mib, settings) in [
        (16, 1, "irqmode=0"),
        (16, 1, "zone_max_open=3"),
        (16, 1, "zone_max_open=2 zone_max_active=4"),
        (16, 1, "zone_max_active=3 zone_nr_conv=1"),
        (8, 2, "zone_size=2 zone_capacity=1 zone_max_open=2"),
        (3, 2, "size=5 zone_size=2 irqmode=2"),
        (16, 1, "memory_backed=1 zone_max_open=3 zone_nr_conv=1"),
        (
            8,
            2,
            "memory_backed=1 blocksize=4096 zone_size=2 zone_capacity=1",
        ),
    ] {
        writeln!(script, "make {settings}").unwrap();
        for _ in 0..40 {
            // The zone after the last is an error worth having.
            let (zone, operation) = operation(&mut random, zones + 1, mib);
            // C goes on counting a closed zone that fails while no other may be opened.
            if operation.starts_with("fail") && settings.contains("zone_max_open") {
                writeln!(script, "manage reset {zone}").unwrap();
            }
            writeln!(script, "{operation}\nreport").unwrap();
        }
        if settings.contains("memory_backed") {
            writeln!(script, "all").unwrap();
        }
        writeln!(script, "gone").unwrap();
    }
    let printed = compare(&script);
    assert!(printed.contains("2(oi)"), "{printed}");
}

#[test]
fn jobs_write_to_zones_at_once_and_read_it_back() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["blkzone", "fio"]);
    // More jobs than zones that can be open: the disk closes one job's zone for another's.
    let script = r#"
        modprobe rnull nr_devices=0
        cd /sys/kernel/config/rnull
        for settings in "irqmode=0 zone_max_open=2" "irqmode=1 submit_queues=2 zone_nr_conv=2" \
            "irqmode=2 zone_capacity=1 zone_max_open=3"; do
            mkdir a
            for s in size=64 memory_backed=1 zoned=1 zone_size=2 $settings power=1; do
                echo ${s#*=} > a/${s%=*}
            done
            for job in 1 2 3 4; do
                fio --name=$job --filename=/dev/a --zonemode=zbd --rw=write --bsrange=4k-64k \
                    --direct=1 --ioengine=io_uring --iodepth=4 --offset=$((job * 12))M --size=8M \
                    --io_size=16M --ignore_zone_limits=1 --verify=crc32c --do_verify=1 \
                    --output-format=terse > /tmp/$job 2>&1 &
                jobs="$jobs $!"
            done
            for job in $jobs; do wait $job || cat /tmp/[1-4]; done
            jobs=
            # Reports and removals, against each other.
            while :; do blkzone report /dev/a; done > /dev/null 2>&1 &
            for i in $(seq 10); do echo 0 > a/power; echo 1 > a/power; done
            kill $!
            rmdir a
            echo done
        done
        rmmod rnull
    "#;
    assert_eq!(ok(&mut guest, script), "done\n".repeat(3));
    guest.shutdown().unwrap();
}
