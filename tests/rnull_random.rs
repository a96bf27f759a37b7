// SPDX-License-Identifier: GPL-2.0
//! rnull and the C driver are given the same random settings, and must come to the same.

use fastrand::Rng;
use lab::Lab;
use std::fmt::Write;
use tests::null_block::{same, start};

/// Sequences that one run tries.
const ROUNDS: usize = 24;

const NUMBERS: &[&str] = &["0", "1", "2", "3", "7", "4294967295", "x"];
const TRUTHS: &[&str] = &["0", "1", "y", "N", "2"];

/// Files, and values to write to them. What the kernel does with a number of a NUMA node that is
/// not there is not asked; and C does not come back from a request to a memory-backed disk whose
/// block size is zero.
const FILES: &[(&str, &[&str])] = &[
    ("badblocks_once", TRUTHS),
    ("badblocks_partial_io", TRUTHS),
    ("blocking", TRUTHS),
    ("blocksize", &["512", "1024", "4096", "8192", "513", "-1"]),
    ("cache_size", &["0", "1", "100", "18446744073709551615"]),
    ("completion_nsec", &["0", "1", "20000", "1000000", "-1", ""]),
    ("discard", TRUTHS),
    ("fua", TRUTHS),
    ("home_node", &["0", "4294967295", "4294967296"]),
    ("hw_queue_depth", &["1", "2", "64", "1000", "10241", "0"]),
    ("index", NUMBERS),
    ("irqmode", &["0", "1", "2", "3", "4294967295", "-1"]),
    (
        "max_sectors",
        &["0", "1", "8", "9", "100", "2048", "1000000", "4294967295"],
    ),
    ("mbps", &["0", "100", "40961", "4294967295"]),
    ("memory_backed", TRUTHS),
    ("no_sched", TRUTHS),
    ("poll_queues", NUMBERS),
    ("power", &["0", "1", "1", "2"]),
    ("queue_mode", &["0", "1", "2", "2", "2", "2", "3"]),
    ("rotational", TRUTHS),
    ("shared_tag_bitmap", TRUTHS),
    ("shared_tags", TRUTHS),
    (
        "size",
        &["0", "1", "3", "1000", "0x400", "010", "17592186044415"],
    ),
    ("submit_queues", NUMBERS),
    ("use_per_node_hctx", TRUTHS),
    ("virt_boundary", TRUTHS),
];

/// What the scripts use.
const FUNCTIONS: &str = r#"
    # w FILE VALUE
    w() { echo "$1 '$2': $(put $1 "$2")"; }
    # What users see of the disk.
    state() {
        for f in $files; do echo "$f $(cat $f)"; done
        [ -e /sys/block/a ] || return
        # The scheduler's own numbers are not the driver's.
        sed 's/.*\[\(.*\)\].*/scheduler \1/' /sys/block/a/queue/scheduler
        echo none > /sys/block/a/queue/scheduler
        # C cannot write zeroes without a buffer.
        grep . /sys/block/a/size /sys/block/a/range /sys/block/a/queue/* 2> /dev/null | grep -v zeroes
        grep . /sys/block/a/mq/*/nr_tags /sys/block/a/mq/*/cpu_list
        grep . /sys/kernel/debug/block/a/hctx*/type
        dd if=/dev/a of=/dev/null bs=4k count=16 iflag=direct 2>&1 | sed 's/,.*//'
        dd if=/dev/zero of=/dev/a bs=4k count=16 oflag=direct 2>&1 | sed 's/,.*//'
    }
    # What users see of the disk that the module made itself.
    module() {
        cd /sys/module/$module/parameters
        for f in bs gb nr_devices $files; do
            [ -e $f ] && grep . $f | sed "s/^/$f /"
        done
        cd /sys/block/${disk}0 2> /dev/null || return
        cat size queue/logical_block_size queue/max_hw_sectors_kb mq/*/nr_tags mq/*/cpu_list
    }
"#;

/// A script that makes a disk, writes `writes` times to its files, and shows it now and then.
fn attributes(rng: &mut Rng, writes: usize) -> String {
    let mut script = String::from("mkdir $root/a; cd $root/a\n");
    for _ in 0..writes {
        let (file, values) = rng.choice(FILES).copied().unwrap_or(("power", TRUTHS));
        let value = rng.choice(values).copied().unwrap_or("1");
        writeln!(script, "w {file} '{value}'").unwrap();
        if file == "power" || file.ends_with("queues") {
            script.push_str("state\n");
        }
    }
    script.push_str("w power 1; state; w size 1; w power 0; state; cd /; rmdir $root/a\n");
    script
}

/// A script that loads the module with `count` parameters.
fn parameters(rng: &mut Rng, count: usize) -> String {
    let mut script = String::from("load gb=1");
    for _ in 0..count {
        let (file, values) = rng.choice(FILES).copied().unwrap_or(("fua", TRUTHS));
        let name = match file {
            "blocksize" => "bs",
            "index" | "power" | "size" => continue,
            file => file,
        };
        // A negative number of queues is refused by C in ways that depend on others.
        let value = rng.choice(values).copied().unwrap_or("1");
        if file != "poll_queues" || value != "4294967295" {
            write!(script, " {name}='{value}'").unwrap();
        }
    }
    script + "\nif [ -d /sys/module/$module ]; then module; cd /; rmmod $module; fi\n"
}

#[test]
fn random_settings_are_taken_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    // The same in every run, so that a failure can be seen again.
    let mut rng = Rng::with_seed(1);
    let files: Vec<&str> = FILES.iter().map(|(file, _)| *file).collect();
    let mut script = format!("files='{}'\n{FUNCTIONS}", files.join(" "));
    script.push_str("load nr_devices=0 poll_queues=2\n");
    for round in 0..ROUNDS {
        let writes = rng.usize(1..12);
        writeln!(script, "echo round {round}").unwrap();
        script += &attributes(&mut rng, writes);
    }
    script.push_str("rmmod $module\n");
    for round in 0..ROUNDS / 2 {
        let count = rng.usize(1..5);
        writeln!(script, "echo load {round}").unwrap();
        script += &parameters(&mut rng, count);
    }
    let printed = same(&mut guest, &script);
    assert!(printed.matches("'1': \n").count() > ROUNDS);
    assert!(printed.matches("Device or resource busy\n").count() > ROUNDS / 4);
    assert!(printed.contains("/hctx1/type:poll\n"));
    guest.shutdown().unwrap();
}
