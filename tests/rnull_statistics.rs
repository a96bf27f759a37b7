// SPDX-License-Identifier: GPL-2.0
//! What rnull counts, beside what fio and the block layer count of the same requests.

use std::collections::BTreeMap;

use lab::Lab;
use serde_json::Value;
use tests::null_block::{run, start, RNULL};

/// The kinds of requests, as the files name them.
const OPERATIONS: [&str; 7] = [
    "read",
    "write",
    "flush",
    "discard",
    "write_zeroes",
    "zone_append",
    "zone_management",
];

/// What a file of the directory `statistics` says: the counters, and the ranges of time with
/// their counts.
#[derive(Debug, Default)]
struct Counted {
    counters: BTreeMap<String, u64>,
    latency: Vec<(u64, u64, u64)>,
}

impl Counted {
    fn count(&self) -> u64 {
        self.counters["count"]
    }
}

/// Reads what `grep .` printed of all the files.
fn parse(text: &str) -> BTreeMap<String, Counted> {
    let mut all: BTreeMap<String, Counted> = BTreeMap::new();
    for line in text.lines() {
        let (file, line) = line.split_once(':').unwrap();
        let operation = all.entry(file.to_owned()).or_default();
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
        match (name, &*numbers) {
            ("latency", &[least, most, count]) => operation.latency.push((least, most, count)),
            (_, &[number]) => {
                operation.counters.insert(name.to_owned(), number);
            }
            _ => panic!("{line}"),
        }
    }
    for (operation, counted) in &all {
        let sum: u64 = counted.latency.iter().map(|(_, _, count)| count).sum();
        assert_eq!(counted.count(), sum, "{operation}");
        for (least, most, count) in &counted.latency {
            let of_one_length = least.checked_ilog2() == most.checked_ilog2();
            assert!(
                *count > 0 && (of_one_length || *most == u64::MAX),
                "{counted:?}"
            );
        }
    }
    all
}

/// Makes the disk `a` with statistics; `counted` shows what it has counted.
const DISK: &str = r#"
    # make FILE=VALUE...
    make() {
        mkdir $root/a
        for setting; do put $root/a/${setting%%=*} ${setting#*=}; done
        put $root/a/statistics/enabled 1
        put $root/a/power 1
        echo none > /sys/block/a/queue/scheduler
    }
    counted() { (cd $root/a/statistics && grep . $operations); }
"#;

fn script(script: &str) -> String {
    format!("operations='{}'\n{DISK}{script}", OPERATIONS.join(" "))
}

#[test]
fn counts_are_those_of_fio_and_the_block_layer() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio", "blkdiscard", "dd"]);
    run(&mut guest, &RNULL, "load nr_devices=0");
    for way in [
        "irqmode=1 submit_queues=2",
        "irqmode=2 completion_nsec=1000000 submit_queues=2",
        "irqmode=2 mbps=1000 shared_tags=1",
        "irqmode=0 memory_backed=1 discard=1 cache_size=4",
        "irqmode=1 poll_queues=1 hipri",
    ] {
        // What is polled for is no sync.
        let (settings, fio) = match way.strip_suffix(" hipri") {
            Some(settings) => (settings, "--hipri"),
            None => (way, "--fsync=50"),
        };
        let discard = match settings.contains("discard") {
            true => "blkdiscard --force -o 1M -l 8M /dev/a 2> /dev/null",
            false => "",
        };
        let script = script(&format!(
            r#"
            make size=64 {settings}
            put $root/a/statistics/reset 1
            cat /sys/block/a/stat
            echo ---
            fio --output-format=json --filename=/dev/a --direct=1 --ioengine=io_uring {fio} \
                --iodepth=16 --iodepth_batch_submit=8 --size=16M --offset_increment=16M \
                --number_ios=200 --name=a --rw=randrw --bsrange=4k-64k --numjobs=2
            echo
            echo ---
            {discard}
            counted
            echo ---
            cat /sys/block/a/stat
            rmdir $root/a
            "#
        ));
        let printed = run(&mut guest, &RNULL, &script);
        let mut parts = printed.split("---\n");
        let numbers = |text: &str| -> Vec<u64> {
            let numbers = text.split_ascii_whitespace();
            numbers.map(|number| number.parse().unwrap()).collect()
        };
        let before = numbers(parts.next().unwrap());
        // Notes can come first.
        let fio = parts.next().unwrap();
        let fio: Value = serde_json::from_str(&fio[fio.find('{').unwrap()..]).unwrap();
        let counted = parse(parts.next().unwrap());
        let after = numbers(parts.next().unwrap());
        let stat: Vec<u64> = after
            .iter()
            .zip(before)
            .map(|(after, before)| after.wrapping_sub(before))
            .collect();
        let sum = |direction: &str, field: &str| -> u64 {
            let jobs = fio["jobs"].as_array().unwrap();
            jobs.iter()
                .map(|job| job[direction][field].as_u64().unwrap())
                .sum()
        };
        let cached = way.contains("cache_size");
        for (operation, at) in [("read", 0), ("write", 4)] {
            let ours = &counted[operation];
            let (count, bytes) = (ours.count(), ours.counters["bytes"]);
            assert_eq!(count, sum(operation, "total_ios"), "{way}: {operation}");
            assert_eq!(bytes, sum(operation, "io_bytes"), "{way}: {operation}");
            assert_eq!(bytes, stat[at + 2] * 512, "{way}: {operation}");
            // The block layer counts what asks for a flush as a write too.
            assert!(count == stat[at] || cached, "{way}: {operation}: {stat:?}");
        }
        assert!(counted["read"].count() > 100, "{way}");
        let Counted { counters, .. } = &counted["discard"];
        let expected = (stat[11], stat[13] * 512);
        assert_eq!((counters["count"], counters["bytes"]), expected, "{way}");
        assert_eq!(counted["flush"].count(), stat[15], "{way}");
        assert_eq!(counted["flush"].count() > 0, cached, "{way}");
        let errors = counted.values().map(|counted| counted.counters["errors"]);
        assert_eq!(errors.sum::<u64>(), 0, "{way}");
        if way.contains("completion_nsec") {
            // None took less than the millisecond that it had to.
            let too_quick = |counted: &Counted| counted.latency.iter().any(|r| r.1 < 1_000_000);
            assert!(!counted.values().any(too_quick), "{counted:?}");
        }
    }
    guest.shutdown().unwrap();
}

#[test]
fn failed_requests_and_those_of_zones_are_counted() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["blkzone", "dd"]);
    let faults = r#"
        load nr_devices=0
        make size=4 badblocks=+8-15 irqmode=1
        put $root/a/statistics/enabled 0
        put $root/a/power 0
        put $root/a/timeout_inject/probability 100
        put $root/a/timeout_inject/times 0
        put $root/a/power 1
        put $root/a/statistics/reset 1
        for at in 0 1 2; do dd if=/dev/a of=/dev/null bs=4k skip=$at count=1 iflag=direct; done 2> /dev/null
        put $root/a/timeout_inject/times 1
        dd if=/dev/a of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null
        counted
        rmdir $root/a
    "#;
    let printed = run(&mut guest, &RNULL, &script(faults));
    let (refused, counted) = printed.split_once('\n').unwrap();
    assert_eq!(refused, "Device or resource busy");
    let read = &parse(counted)["read"];
    let counters = [
        read.count(),
        read.counters["bytes"],
        read.counters["errors"],
    ];
    assert_eq!(counters, [4, 8192, 2]);
    // The block layer waits for 5 s before it gives a request up.
    assert_eq!(
        read.latency
            .iter()
            .filter(|range| range.1 > 5_000_000_000)
            .count(),
        1
    );

    let zones = r#"
        make size=64 zoned=1 zone_size=4
        dd if=/dev/zero of=/dev/a bs=4k count=3 oflag=direct status=none
        blkzone finish -o 0 -l 8192 /dev/a
        blkzone reset -o 0 -l 8192 /dev/a
        blkzone open -o 8192 -l 8192 /dev/a
        blkzone reset /dev/a
        counted
        rmdir $root/a
        rmmod $module
    "#;
    let counted = parse(&run(&mut guest, &RNULL, &script(zones)));
    let count = |operation: &str| counted[operation].count();
    assert_eq!([count("write"), count("zone_management")], [3, 4]);
    guest.shutdown().unwrap();
}

#[test]
fn counters_begin_anew_when_told_to() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio", "dd"]);
    let printed = run(
        &mut guest,
        &RNULL,
        &script(
            r#"
        load nr_devices=0
        mkdir $root/a
        put $root/a/statistics/reset 1
        cat $root/a/statistics/enabled $root/a/statistics/read
        rmdir $root/a

        make size=64 submit_queues=2 irqmode=1
        fio --filename=/dev/a --direct=1 --ioengine=io_uring --iodepth=16 --number_ios=4000 \
            --name=a --rw=randread --numjobs=2 > /tmp/out 2>&1 &
        for i in 1 2 3 4 5; do
            put $root/a/statistics/reset 1
            counted > /dev/null
            sleep 0.1
        done
        wait
        grep -c 'err= 0' /tmp/out
        put $root/a/statistics/reset 1
        counted | grep -v ' 0$'
        dd if=/dev/a of=/dev/null bs=4k count=100 iflag=direct status=none
        put $root/a/submit_queues 1
        put $root/a/power 0
        # One more: the look for partitions.
        put $root/a/power 1
        dd if=/dev/a of=/dev/null bs=4k count=100 iflag=direct status=none
        counted | grep -e count -e bytes | grep -v ' 0$'
        put $root/a/power 0
        put $root/a/statistics/enabled 0
        put $root/a/statistics/enabled 1
        counted | grep read
        rmdir $root/a
        rmmod $module
        "#,
        ),
    );
    let expected = "\
Invalid argument
0
2
read:count 201
read:bytes 823296
read:count 0
read:bytes 0
read:errors 0
";
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}
