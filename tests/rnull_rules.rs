// SPDX-License-Identifier: GPL-2.0
//! Error rules of rnull: which requests fail, how, and how often; and reads that lie.

use lab::Lab;
use tests::null_block::{run, start, RNULL};

/// What a reader is told for each status: `blk_errors` in the kernel's block/blk-core.c, in the
/// words of strerror(), after the last colon.
const STATUSES: [(&str, &str); 17] = [
    ("notsupp", "Operation not supported"),
    ("timeout", "Connection timed out"),
    ("nospc", "No space left on device"),
    ("transport", "Link has been severed"),
    ("target", "Remote I/O error"),
    ("resv_conflict", "Invalid exchange"),
    ("medium", "No data available"),
    (
        "protection",
        "Invalid or incomplete multibyte or wide character",
    ),
    ("resource", "Cannot allocate memory"),
    ("ioerr", "Input/output error"),
    ("again", "Resource temporarily unavailable"),
    ("dev_resource", "Device or resource busy"),
    ("zone_open_resource", "cannot splice"),
    (
        "zone_active_resource",
        "Value too large for defined data type",
    ),
    ("offline", "No such device"),
    ("duration_limit", "Timer expired"),
    ("inval", "Invalid argument"),
];

/// What scripts use: reads and writes of single sectors, which print why they failed.
const SECTORS: &str = r#"
    why() { sed -n 's/.*: //p'; }
    read_at() { dd if=/dev/a of=/dev/null bs=512 skip=$1 count=${2:-1} iflag=direct 2>&1 | why; }
    write_at() { dd if=/dev/zero of=/dev/a bs=512 seek=$1 count=${2:-1} oflag=direct 2>&1 | why; }
    rule() { put rules/rules "$1"; }
    [ ! -d $root/a ] || cd $root/a
"#;

#[test]
fn requests_fail_as_the_rules_say() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "fio", "blkdiscard"]);
    let mut run = |script: &str| run(&mut guest, &RNULL, &format!("{SECTORS}{script}"));
    let make = r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put size 16
        put memory_backed 1
        put cache_size 1
        put discard 1
        put power 1
        echo "unprepared: $(rule '+status=ioerr')"
        put power 0
        put rules/prepared 1
        put power 1
        grep . rules/*
    "#;
    let expected = "\
unprepared: Device or resource busy
rules/from:0
rules/prepared:1
rules/seed:0
";
    assert_eq!(run(make), expected);

    // What is no rule is refused, by its first wrong word.
    for rule in [
        "",
        "+",
        "x",
        "+op=read",
        "+status=bad",
        "+status=ok",
        "+status=medium corrupt",
        "+corrupt=1",
        "+op=reed status=medium",
        "+op= status=medium",
        "+status=medium sectors=1",
        "+status=medium sectors=2-1",
        "+status=medium probability=100.1",
        "+status=medium probability=0.00001",
        "+status=medium times=-1",
        "+status=medium heal=1",
        "+status=medium op=write,corrupt",
        "+op=write corrupt",
        "+status=medium\n+status=medium",
        "-",
        "-x",
    ] {
        let script = format!("rule '{rule}'; cat rules/rules");
        assert_eq!(run(&script), "Invalid argument\n", "{rule}");
    }
    assert_eq!(run("rule -0"), "No such file or directory\n");

    for (status, error) in STATUSES {
        let script = format!("rule '+op=read sectors=8-15 status={status}'; read_at 8; rule -0");
        assert_eq!(run(&script), format!("{error}\n"), "{status}");
    }

    // The range, the operations, and the order.
    let script = r#"
        rule '+op=read,write sectors=8-0xf status=medium'
        rule '+op=read,write,discard sectors=0-8 status=target'
        rule '+ op=flush sectors=5-5 status=timeout  times=1'
        read_at 6 2; read_at 7 2; read_at 15 2; echo "16: $(read_at 16 8)"; write_at 9; write_at 0
        dd if=/dev/zero of=/dev/a bs=512 seek=100 count=1 conv=fsync 2>&1 | why
        echo "again: $(dd if=/dev/zero of=/dev/a bs=512 seek=100 count=1 conv=fsync 2>&1 | why)"
        blkdiscard -f -o 4096 -l 4096 /dev/a 2>&1 | grep -v forced | why
        rule -1
        blkdiscard -f -o 4096 -l 4096 /dev/a 2>&1 | grep -v forced | why
        rule '+op=discard,write_zeroes status=ioerr probability=100 times=2'
        blkdiscard -f -o 65536 -l 4096 /dev/a 2>&1 | grep -v forced | why
        blkdiscard -f -z -o 65536 -l 4096 /dev/a 2>&1 | grep -v forced | why
        cat rules/rules
        rule -all
        cat rules/rules
    "#;
    let expected = "\
Remote I/O error
Remote I/O error
No data available
16: \n\
No data available
Remote I/O error
Connection timed out
again: \n\
Remote I/O error
Input/output error
Input/output error
0: op=read,write sectors=8-15 status=medium hits=2
1: op=discard,write_zeroes status=ioerr times=0 hits=2
2: op=flush sectors=5-5 status=timeout times=0 hits=1
";
    assert_eq!(run(script), expected);

    // What is written heals, and only that.
    let script = r#"
        rule '+sectors=100-109 status=medium heal'
        read_at 96 8
        write_at 104 2
        read_at 103; read_at 104; read_at 105; read_at 106
        cat rules/rules
        write_at 96 5
        write_at 108 20
        cat rules/rules
        write_at 100 10
        cat rules/rules
    "#;
    let expected = "\
No data available
No data available
No data available
0: op=any sectors=100-103 status=medium heal hits=2
1: op=any sectors=106-109 status=medium heal hits=1
0: op=any sectors=101-103 status=medium heal hits=2
1: op=any sectors=106-107 status=medium heal hits=1
";
    assert_eq!(run(script), expected);

    // Chances repeat with their seed, and are what they should be.
    let script = r#"
        rule '+op=read status=ioerr probability=25.5'
        for seed in 1 1 2; do
            put rules/seed $seed
            before=$(sed 's/.*hits=//' rules/rules)
            for i in $(seq 100); do dd if=/dev/a bs=512 count=1 iflag=direct; done > /dev/null 2>&1
            echo $(($(sed 's/.*hits=//' rules/rules) - before))
        done
        rule -0
    "#;
    let printed = run(script);
    let counts: Vec<u32> = printed.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(counts[0], counts[1]);
    assert!(
        counts.iter().all(|count| (10..45).contains(count)),
        "{counts:?} of 100"
    );

    // As many as there can be, some at a time.
    let script = r#"
        for i in $(seq 0 255); do echo "+op=write sectors=$i-$i status=nospc" > rules/rules; done
        rule '+status=ioerr'
        head -n 1 rules/rules
        [ $(wc -l < rules/rules) -lt 256 ] && echo some
        put rules/from 250
        cat rules/rules
        echo "$(write_at 255)"
        rule -100
        rule '+status=offline times=0'
        put rules/from 100
        head -n 1 rules/rules
        rule -all
        put rules/from 0
    "#;
    let line =
        |number| format!("{number}: op=write sectors={number}-{number} status=nospc hits=0\n");
    let some: String = (250..256).map(line).collect();
    let expected = format!(
        "No space left on device\n{}some\n{some}No space left on device\n\
         100: op=any status=offline times=0 hits=0\n",
        line(0)
    );
    assert_eq!(run(script), expected);

    // Rules come and go under load, on disks of either kind.
    let script = r#"
        for memory in 0 1; do
            put power 0
            put memory_backed $memory
            rule '+op=write sectors=0-63 status=ioerr heal probability=50'
            put rules/prepared 0
            put power 1
            fio --name=a --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring \
                --iodepth=16 --numjobs=2 --time_based --runtime=600 --continue_on_error=all \
                > /tmp/out 2>&1 &
            for i in $(seq 50); do
                echo '+op=read sectors=0-9999 status=protection probability=3 heal' > rules/rules
                echo "+op=write sectors=$i-9999 status=ioerr times=1" > rules/rules
                echo -1 > rules/rules
                cat rules/rules > /dev/null
            done 2> /dev/null
            kill $!
            wait
            rule -all
            read_at 0 32
        done
        cd /
        rmdir $root/a
        rmmod $module
    "#;
    assert_eq!(run(script), "");
    guest.shutdown().unwrap();
}

#[test]
fn a_corrupt_read_differs_in_one_bit_of_each_sector() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["dd", "fio", "cmp"]);
    // Lines of `cmp -l`: the place of a byte that differs, and both bytes in octal.
    let script = r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put size 16
        put memory_backed 1
        put rules/seed 7
        put rules/rules '+corrupt sectors=10-29'
        put power 1
        head -c 32768 /dev/urandom > /tmp/data
        dd if=/tmp/data of=/dev/a oflag=direct bs=32k 2> /dev/null
        for bs in 32k 512; do
            dd if=/dev/a iflag=direct bs=$bs 2> /dev/null | head -c 32768 | cmp -l /tmp/data -
            echo
        done
    "#;
    let printed = run(&mut guest, &RNULL, script);
    let (whole, by_sector) = printed.split_once("\n\n").unwrap();
    assert_eq!(
        whole,
        by_sector.trim_end(),
        "the same bits whatever the request"
    );
    let sectors: Vec<usize> = whole
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let byte = |digits| u8::from_str_radix(digits, 8).unwrap();
            assert_eq!(
                (byte(fields[1]) ^ byte(fields[2])).count_ones(),
                1,
                "{line}"
            );
            (fields[0].parse::<usize>().unwrap() - 1) / 512
        })
        .collect();
    assert_eq!(sectors, (10..30).collect::<Vec<_>>());

    let script = r#"
        cd $root/a
        verify="--name=a --filename=/dev/a --direct=1 --size=1M --rw=write --bs=4k --verify=crc32c
            --verify_state_save=0"
        fio $verify --do_verify=0 > /dev/null
        fio $verify --verify_only > /tmp/out 2>&1 || echo found
        grep -c 'verify: bad\|crc32c: verify failed' /tmp/out
        put rules/rules -0
        fio $verify --verify_only > /tmp/out 2>&1 && echo good
        cd /
        rmdir $root/a
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    assert!(printed.starts_with("found\n"), "{printed}");
    assert!(printed.ends_with("\ngood\n"), "{printed}");
    guest.shutdown().unwrap();
}
