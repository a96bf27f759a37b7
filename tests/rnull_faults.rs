// SPDX-License-Identifier: GPL-2.0
//! Faults that rnull injects. The stock kernel's C driver cannot; the rules are those of its
//! fault injection.

use lab::Lab;
use tests::null_block::{run, start, RNULL};

#[test]
fn faults_happen_as_often_as_their_rules_say() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio", "dd"]);
    let script = r#"
        for v in 1,100,0 x '' ,,, 1,2,3,x; do echo "timeout=$v: $(load nr_devices=0 timeout=$v)"; rmmod $module 2> /dev/null; done
        load nr_devices=0 poll_queues=0 requeue=3,40,7,-1x
        cd $root
        mkdir a
        cd a
        ls -d *_inject
        grep . requeue_inject/*
        for v in -1 x 18446744073709551616; do echo "probability $v: $(put timeout_inject/probability $v)"; done
        put requeue_inject/probability 0

        echo "none yet: $(put power 1)"
        echo "too late: $(put requeue_inject/probability 1)"
        put power 0

        # One of the reads after the third from here on is never done.
        put timeout_inject/probability 100
        put timeout_inject/times 0
        put power 1
        echo none > /sys/block/a/queue/scheduler
        put timeout_inject/seed 1
        put timeout_inject/space 4
        put timeout_inject/times 1
        for i in 1 2 3 4 5; do
            echo "read $i: $(dd if=/dev/a of=/dev/null bs=4k count=1 iflag=direct status=none 2>&1 | sed 's/.*: //')"
        done
        grep . timeout_inject/asked timeout_inject/injected timeout_inject/times timeout_inject/space
        cat /sys/block/a/inflight
        put power 0
        put timeout_inject/probability 0

        # Requests that are sent back are done all the same, and as many for one seed.
        put memory_backed 1
        put size 32
        put requeue_inject/interval 1
        put requeue_inject/space 0
        for seed in 5 5 6; do
            put requeue_inject/probability 30
            put requeue_inject/times 0
            put power 1
            echo none > /sys/block/a/queue/scheduler
            put requeue_inject/seed $seed
            put requeue_inject/times -1
            dd if=/dev/zero of=/dev/a bs=4k count=200 oflag=direct 2>&1 | grep -c '200+0 records out'
            echo "seed $seed: $(cat requeue_inject/injected)"
            put power 0
        done > /tmp/out
        grep -c '^1$' /tmp/out
        [ "$(grep 'seed 5' /tmp/out | sort -u | wc -l)" = 1 ] && echo repeated || cat /tmp/out
        awk '/seed/ && ($3 < 30 || $3 > 150)' /tmp/out
        put power 1
        fio --filename=/dev/a --rw=randwrite --bsrange=512-32k --direct=1 --size=16M \
            --offset_increment=16M --ioengine=io_uring --iodepth=32 --iodepth_batch_submit=16 \
            --number_ios=500 --verify=crc32c --numjobs=2 --name=a > /tmp/out 2>&1 || cat /tmp/out
        grep -c 'err= 0' /tmp/out
        put power 0
        put requeue_inject/probability 0

        # A disk whose queues cannot be made, and one that stays as it was.
        put init_hctx_fault_inject/probability 100
        put init_hctx_fault_inject/times -1
        echo "no queue: $(put power 1) $(cat power)"
        put init_hctx_fault_inject/times 0
        for memory in 1 0; do
            put memory_backed $memory
            put power 1
            put init_hctx_fault_inject/space 2
            put init_hctx_fault_inject/times 1
            echo "one queue: $(put submit_queues 2) $(cat submit_queues) $(ls /sys/block/a/mq)"
            echo "two queues: $(put submit_queues 2) $(cat submit_queues) $(ls /sys/block/a/mq | wc -l)"
            dd if=/dev/a of=/dev/null bs=4k count=8 iflag=direct 2>&1 | grep -c '8+0 records out'
            put submit_queues 1
            put power 0
        done
        cd /
        rmdir $root/a
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    let expected = "\
timeout=1,100,0: Invalid argument
timeout=x: Invalid argument
timeout=: \n\
timeout=,,,: Invalid argument
timeout=1,2,3,x: Invalid argument
init_hctx_fault_inject
requeue_inject
timeout_inject
requeue_inject/asked:0
requeue_inject/injected:0
requeue_inject/interval:3
requeue_inject/probability:40
requeue_inject/seed:0
requeue_inject/space:7
requeue_inject/times:-1
probability -1: Invalid argument
probability x: Invalid argument
probability 18446744073709551616: Numerical result out of range
none yet: \n\
too late: Device or resource busy
read 1: \n\
read 2: \n\
read 3: \n\
read 4: Connection timed out
read 5: \n\
timeout_inject/asked:5
timeout_inject/injected:1
timeout_inject/times:0
timeout_inject/space:1
       0        0
3
repeated
2
no queue: Cannot allocate memory 0
one queue: Cannot allocate memory 1 0
two queues:  2 2
1
one queue: Cannot allocate memory 1 0
two queues:  2 2
1
";
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}
