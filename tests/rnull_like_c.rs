// SPDX-License-Identifier: GPL-2.0
//! rnull takes, adjusts and refuses what the C driver takes, adjusts and refuses.

use lab::Lab;
use tests::null_block::{run, same, start, RNULL};

#[test]
fn every_file_parses_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        for f in blocksize completion_nsec fua hw_queue_depth index irqmode poll_queues rotational \
                size submit_queues power; do
            for v in '' ' ' x -1 0 +2 ' 3' '4 ' 5x 010 09 0x1f 0X1F 0xg 1.5 4294967295 4294967296 \
                    18446744073709551615 18446744073709551616 y N off oN tea; do
                echo "$f '$v': $(put $f "$v") $(cat $f)"
            done
            echo "$f, NUL: $(printf '0\0x' | write $f) $(cat $f)"
            echo "$f, lines: $(printf '0\n\n' | write $f) $(cat $f)"
            echo "$f, long: $(seq 2000 | write $f) $(cat $f)"
        done
        rmdir $root/a
        rmmod $module
        "#,
    );
    assert!(printed.contains("size 'x': Invalid argument 256000\n"));
    assert!(printed.contains("blocksize '4294967296': Numerical result out of range"));
    guest.shutdown().unwrap();
}

#[test]
fn a_disk_that_is_on_refuses_changes_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put power 1
        for f in blocksize hw_queue_depth index irqmode rotational shared_tags size; do
            for v in x 1; do echo "$f $v: $(put $f $v) $(cat $f)"; done
        done
        for v in x 0 2 1 3 100 4294967296 2 1; do
            echo "submit_queues $v: $(put submit_queues $v) $(cat submit_queues)"
            ls /sys/block/a/mq
            dd if=/dev/a of=/dev/null bs=4k count=8 iflag=direct 2>&1 | grep records
        done
        put power 0
        echo "off: $(put size 7) $(cat size)"
        rmdir $root/a
        rmmod $module
        "#,
    );
    assert!(
        printed.contains("size x: Invalid argument"),
        "a value's error comes first"
    );
    assert!(printed.contains("size 1: Device or resource busy"));
    assert!(printed.contains("submit_queues 3: Invalid argument"));
    guest.shutdown().unwrap();
}

#[test]
fn turning_on_adjusts_and_refuses_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        # try FILE VALUE: turns a disk with that setting on and shows what came of it
        try() {
            mkdir $root/a
            put $root/a/$1 $2
            echo "$1 $2: $(put $root/a/power 1) power $(cat $root/a/power) $1 $(cat $root/a/$1)"
            if [ -e /sys/block/a ]; then
                ls /sys/block/a/mq
                # The scheduler's own numbers are not the driver's.
                echo none > /sys/block/a/queue/scheduler
                grep . /sys/block/a/size /sys/block/a/queue/* 2> /dev/null
                cat /sys/block/a/mq/*/nr_tags
            fi
            rmdir $root/a
        }
        load nr_devices=0
        for v in 0 1 511 512 513 1024 4096 8192 65536 131072 4294967295; do try blocksize $v; done
        for v in 0 1 2 1000 10240 10241 4294967295; do try hw_queue_depth $v; done
        for v in 0 1 2 3 1000 4294967295; do try submit_queues $v; done
        for v in 0 1 2 3 4294967295; do try irqmode $v; done
        for v in 0 1 2 3; do try queue_mode $v; done
        for v in 0 1; do try rotational $v; done
        for v in 0 1 3 1048576; do try size $v; done
        try index 5
        rmmod $module
        "#,
    );
    assert!(printed.contains("blocksize 513: Invalid argument power 0 blocksize 513\n"));
    assert!(printed.contains("submit_queues 1000:  power 1 submit_queues 2\n"));
    assert!(printed.contains("/sys/block/a/queue/logical_block_size:8192\n"));
    guest.shutdown().unwrap();
}

#[test]
fn parameters_are_taken_and_refused_like_c() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        # try PARAMETER...: loads the module with them and shows what came of it
        try() {
            echo "$*: $(load "$@")"
            [ -d /sys/module/$module ] || return
            cd /sys/module/$module/parameters
            stat -c '%a %n' $common
            grep . $common
            for n in 0 1 2; do
                d=/sys/block/$disk$n
                [ -d $d ] && grep . $d/size $d/queue/logical_block_size $d/queue/rotational \
                    $d/mq/*/nr_tags | sed "s/$disk//"
            done
            mkdir $root/a
            cd $root/a
            grep . blocksize hw_queue_depth irqmode rotational size submit_queues
            cd /
            rmdir $root/a
            rmmod $module
        }
        common="bs gb home_node hw_queue_depth irqmode nr_devices queue_mode rotational \
            submit_queues use_per_node_hctx"
        try
        for v in -1 0 1 2147483647 2147483648 x 1x 0x2 010 ' '; do
            [ $v = 2147483647 ] || try gb=1 submit_queues=$v
            try gb=1 bs=$v
        done
        for v in 512 513 4096 4097 8192; do try bs=$v; done
        for v in 0 1 x 0x2 1000 2147483648; do try gb=$v; done
        for v in 0 1 300 20000 -1 x; do try gb=1 hw_queue_depth=$v; done
        for v in 0 1 2 3 -1 7 x 0x1 01 1x; do try gb=1 irqmode=$v; done
        for v in 0 1 2 3 x; do try gb=1 queue_mode=$v; done
        for v in 0 -1 1 -2 x; do try gb=1 home_node=$v; done
        for v in 0 3 -1 4294967296 x; do try gb=1 nr_devices=$v; done
        for v in 0 1 y N x; do try gb=1 rotational=$v; done
        for v in $common; do try gb=1 $v; done
        for v in $common; do try gb=1 $v=; done
        try no_such_parameter=1
        "#,
    );
    assert!(printed.contains("gb=1 irqmode=7: Invalid argument\n"));
    assert!(printed.contains("bs=8192: \n"), "too large a size is cut");
    guest.shutdown().unwrap();
}

#[test]
fn what_differs_from_c_is_refused() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let script = r#"
        load irqmode=3
        load gb=-1
        load nr_devices=0
        mkdir $root/a
        put $root/a/size 17592186044416
        put $root/a/power 1

        # Two names that are the same for a disk, which has room for 31 bytes.
        name=0123456789012345678901234567890
        mkdir $root/$name.a $root/$name.b
        put $root/$name.a/power 1
        ls /dev/0*
        put $root/$name.b/power 1
        rmdir $root/*/
        rmmod $module
    "#;
    let refused = "Invalid argument\n".repeat(3);
    let name = "/dev/0123456789012345678901234567890\n";
    let printed = run(&mut guest, &RNULL, script);
    assert_eq!(printed, format!("{refused}{name}File exists\n"));
    for message in [
        "parameter irqmode: must be a number from 0 to 2",
        "size 17592186044416 MiB is 2^64 bytes or more",
    ] {
        assert!(guest.log().contains(message), "{}", guest.log());
    }
    guest.shutdown().unwrap();
}
