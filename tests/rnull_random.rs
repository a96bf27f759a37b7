// SPDX-License-Identifier: GPL-2.0
//! rnull and the C driver are given the same random settings, and must come to the same. Files that
//! the C driver has not must take a value or leave all as it was.

use std::env;
use std::fmt::Write;

use fastrand::Rng;
use lab::guest::Guest;
use lab::Lab;
use tests::attribute_values::{value, Grammar};
use tests::null_block::{boot, mount_configfs, run, same, start, RNULL};

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

/// Values that one run writes to files; `BLOCKYARD_RANDOM_VALUES` in the environment gives another
/// number, and `BLOCKYARD_RANDOM_SEED` other values.
const VALUES: u64 = 4000;

/// Files that both drivers have, none of which turns a disk on. `badblocks` is not among them: some
/// ranges of 2^32 sectors and more stop a kernel with C's driver.
const SHARED: &[(&str, Grammar)] = &[
    ("badblocks_once", Grammar::Truth),
    ("blocking", Grammar::Truth),
    ("blocksize", Grammar::Number),
    ("cache_size", Grammar::Number),
    ("completion_nsec", Grammar::Number),
    ("discard", Grammar::Truth),
    ("fua", Grammar::Truth),
    ("hw_queue_depth", Grammar::Number),
    ("index", Grammar::Number),
    ("irqmode", Grammar::Number),
    ("max_sectors", Grammar::Number),
    ("mbps", Grammar::Number),
    ("memory_backed", Grammar::Truth),
    ("queue_mode", Grammar::Number),
    ("rotational", Grammar::Truth),
    ("shared_tags", Grammar::Truth),
    ("size", Grammar::Number),
    ("use_per_node_hctx", Grammar::Truth),
    ("zone_append_max_sectors", Grammar::Number),
    ("zone_capacity", Grammar::Number),
    ("zone_full", Grammar::Truth),
    ("zone_max_active", Grammar::Number),
    ("zone_max_open", Grammar::Number),
    ("zone_nr_conv", Grammar::Number),
    ("zone_offline", Grammar::Number),
    ("zone_readonly", Grammar::Number),
    ("zone_size", Grammar::Number),
    ("zoned", Grammar::Truth),
];

/// Files that rnull alone has, and `badblocks`.
const OWN: &[(&str, Grammar)] = &[
    ("badblocks", Grammar::BadBlocks),
    ("crash/lose", Grammar::Loss),
    ("crash/now", Grammar::Truth),
    ("crash/seed", Grammar::Number),
    ("crash/torn", Grammar::Truth),
    ("init_hctx_fault_inject/times", Grammar::Number),
    ("latency/flush", Grammar::Latency),
    ("latency/read", Grammar::Latency),
    ("latency/seed", Grammar::Number),
    ("latency/zone_management", Grammar::Latency),
    ("requeue_inject/interval", Grammar::Number),
    ("rules/from", Grammar::Number),
    ("rules/prepared", Grammar::Truth),
    ("rules/rules", Grammar::Rule),
    ("rules/rules", Grammar::Rule),
    ("rules/rules", Grammar::Rule),
    ("rules/seed", Grammar::Number),
    ("statistics/enabled", Grammar::Truth),
    ("statistics/reset", Grammar::Truth),
    ("timeout_inject/probability", Grammar::Number),
    ("timeout_inject/space", Grammar::Number),
];

/// Writes the values of a file with lines of a file's name and bytes in hexadecimal; prints for each
/// the error's number and what the file has then: its length, a sum, and the first bytes. Says where
/// a value was refused and the file has changed all the same.
const WRITE: &str = r#"
    my ($disk, $values) = @ARGV;
    sub take {
        open(my $file, "<", $_[0]) or return "";
        sysread($file, my $text, 8192);
        return $text // "";
    }
    sub put {
        open(my $file, ">", $_[0]) or return $! + 0;
        return defined syswrite($file, $_[1]) ? 0 : $! + 0;
    }
    open(my $lines, "<", $values) or die;
    while (defined(my $line = <$lines>)) {
        my ($name, $hex) = split(" ", $line);
        my ($file, $value) = ("$disk/$name", pack("H*", $hex // ""));
        # All rules are listed.
        put("$disk/rules/from", "0") if $name eq "rules/rules";
        my $before = take($file);
        my $error = put($file, $value);
        my $after = take($file);
        my $shown = unpack("H*", substr($after, 0, 24));
        print "$. $name $error ", length($after), " ", unpack("%32C*", $after), " $shown\n";
        # A range that does not fit into the table fills it, with either driver.
        my $is_whole = $name eq "badblocks" || $before eq $after;
        print "$. $name: refused, and changed\n" if $error && !$is_whole;
        # What is shown is a value as well, and means the same.
        if (!$error && length $value && $name !~ /^(badblocks|rules.rules|crash.now|statistics)/) {
            my $again = put($file, $after);
            print "$. $name: error $again for what it shows\n" if $again && length $after;
            print "$. $name: shows something else\n" if take($file) ne $after;
        }
        if (!$error && $name eq "rules/rules" && $value =~ /^\s*\+/) {
            my ($rule) = $after =~ /([^\n]*)\n\z/;
            $rule =~ s/^\d+: (.*) hits=\d+$/$1/ or print "$. no rule: $rule\n";
            my $again = put($file, "+$rule");
            print "$. $name: error $again for $rule\n" if $again;
            print "$. $name: $rule is shown as another one\n" if take($file) !~ /: \Q$rule\E hits=0\n\z/;
            put($file, "-all");
        }
    }
"#;

/// Lines for [`WRITE`].
fn values(files: &[(&str, Grammar)], rng: &mut Rng, count: u64) -> String {
    let mut lines = String::new();
    for _ in 0..count {
        let (file, grammar) = rng.choice(files).copied().unwrap();
        write!(lines, "{file} ").unwrap();
        for byte in value(grammar, rng) {
            write!(lines, "{byte:02x}").unwrap();
        }
        lines.push('\n');
    }
    lines
}

/// What a script that writes the values in `file` to a disk prints; the disk is on where that is said.
fn write_values(file: &str, is_on: bool) -> String {
    let power = if is_on {
        "put size 16; put power 1"
    } else {
        ""
    };
    format!(
        "load nr_devices=0; mkdir $root/a; cd $root/a; {power}
        perl /write.pl $root/a /{file}
        cd /; rmdir $root/a; rmmod $module\n"
    )
}

/// The errors that a file of rnull alone may give: EINVAL, ERANGE, EBUSY, ENOSPC and ENOENT.
const ERRORS: &[&str] = &["0", "2", "16", "22", "28", "34"];

fn check_own(guest: &mut Guest, is_on: bool) -> String {
    let printed = run(guest, &RNULL, &write_values("own", is_on));
    let is_wrong = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        words.len() != 6 || !ERRORS.contains(&words[2])
    };
    let wrong: Vec<&str> = printed.lines().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    printed
}

#[test]
fn any_value_is_taken_like_c_or_refused() {
    let variable =
        |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let count = variable("BLOCKYARD_RANDOM_VALUES", VALUES);
    let mut rng = Rng::with_seed(variable("BLOCKYARD_RANDOM_SEED", 1));
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab)
        .program("perl")
        .bytes("/write.pl", WRITE.as_bytes())
        .bytes("/shared", values(SHARED, &mut rng, count).as_bytes())
        .bytes("/own", values(OWN, &mut rng, count).as_bytes())
        .command_limit(std::time::Duration::from_secs(count / 20 + 300))
        .guest_limit(std::time::Duration::from_secs(count / 5 + 1200))
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    run(&mut guest, &RNULL, "dmesg -n 1");
    for is_on in [false, true] {
        let shared = same(&mut guest, &write_values("shared", is_on));
        let own = check_own(&mut guest, is_on);
        for (printed, error) in [
            (&shared, " 0 "),
            (&shared, " 22 "),
            (&own, " 0 "),
            (&own, " 22 "),
        ] {
            let lines = printed.lines().filter(|line| line.contains(error)).count();
            println!("on: {is_on}, error{error}: {lines} of {count}");
            assert!(lines > 0);
        }
    }
    guest.shutdown().unwrap();
}
