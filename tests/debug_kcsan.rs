// SPDX-License-Identifier: GPL-2.0
//! KCSAN sees code in Rust, though the kernel's build has no flags of it for Rust: it finds the
//! data race that a module has on purpose. Without this, its silence in all other tests would
//! prove nothing. And rnull with two CPUs at work, for as long as KCSAN, which samples, needs.

use lab::guest::Boot;
use lab::Lab;
use tests::null_block::{run, start, RNULL};
use tests::ok;

#[test]
fn a_data_race_in_rust_is_reported() {
    let lab = Lab::locate().unwrap().with_kcsan_kernel();
    let boot = Boot::new(&lab).cpus(2).module("deliberate_bugs");
    let mut guest = boot.boot().unwrap();
    ok(&mut guest, "modprobe deliberate_bugs bug=rust_data_race");
    ok(&mut guest, "rmmod deliberate_bugs");
    let error = guest.shutdown().unwrap_err().to_string();
    let report = "BUG: KCSAN: data-race in rust_write_unlocked [deliberate_bugs] / \
                  rust_write_unlocked [deliberate_bugs]";
    assert!(error.contains(report), "{error}");
}

/// The ways are those in which CPUs share what is neither a queue's nor a request's.
#[test]
fn two_cpus_at_work_on_a_disk_do_not_race() {
    let lab = Lab::locate().unwrap().with_kcsan_kernel();
    let mut guest = start(&lab, &["fio"]);
    let script = r#"
        load nr_devices=0
        for way in mbps=10000 'shared_tags=1 irqmode=1' 'irqmode=2 completion_nsec=20000' \
            'memory_backed=1 cache_size=1'; do
            mkdir $root/a
            for setting in size=16 submit_queues=2 statistics/enabled=1 $way; do
                put $root/a/${setting%=*} ${setting#*=}
            done
            put $root/a/power 1
            fio --name=a --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring \
                --iodepth=16 --numjobs=2 --norandommap=1 --size=16M --io_size=4G \
                --number_ios=20000 --output-format=terse > /tmp/out &
            # Who reads and clears the counters is on a CPU too.
            while kill -0 $! 2> /dev/null; do
                cat $root/a/statistics/* > /dev/null 2>&1
                put $root/a/statistics/reset 1
                sleep 0.1
            done
            cut -d';' -f5 /tmp/out
            rmdir $root/a
        done
        rmmod $module
    "#;
    assert_eq!(run(&mut guest, &RNULL, script), "0\n".repeat(8));
    guest.shutdown().unwrap();
}
