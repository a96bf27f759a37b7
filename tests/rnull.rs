// SPDX-License-Identifier: GPL-2.0
//! rnull's disks come and go.

use std::fs;

use lab::Lab;
use tests::null_block::{run, same, start, RNULL};

#[test]
fn it_loads_and_unloads_twenty_times() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let script = r#"
        for i in $(seq 20); do
            load nr_devices=3 gb=1 irqmode=$((i % 3)) shared_tags=$((i % 2))
            for n in 0 1 2; do dd if=/dev/$disk$n of=/dev/null bs=64k count=16 2> /dev/null; done
            rmmod $module
        done
        ls /dev | grep -c $disk
        grep -c $disk /proc/devices
        true
    "#;
    assert_eq!(run(&mut guest, &RNULL, script), "0\n0\n");
    guest.shutdown().unwrap();
}

#[test]
fn a_directory_is_a_disk() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        load nr_devices=1 gb=1
        cd $root
        mkdir a
        for f in blocksize hw_queue_depth index irqmode power rotational size submit_queues; do
            stat -c '%a %n' a/$f
            echo "$f $(cat a/$f)"
        done
        stat -c '%a %n' features

        echo "off: $(ls /dev/a 2>&1)"
        put a/power 1
        echo "on: $(ls /dev/a) $(cat a/power a/index)"
        put a/power 1
        echo "still on: $(ls /dev/a) $(cat a/power a/index)"

        echo "two of a name: $(mkdir a ${disk}0 2>&1 | sed 's/.*: //')"
        echo "no files: $(touch b 2>&1 | sed 's/.*: //')"
        echo "no deeper: $(mkdir a/b 2>&1 | sed 's/.*: //')"
        echo "features: $(put features x)"

        mkdir b
        put b/power 1
        echo "the next number: $(cat b/index)"
        put a/power 0
        put a/power 0
        echo "off again: $(ls /dev/a 2>&1)"
        mkdir c
        put c/power 1
        echo "the free number: $(cat c/index)"

        echo "in use: $(rmmod $module 2>&1 | sed 's/.*: //')"
        rmdir a b c
        echo "gone: $(ls /dev/b /dev/c 2>&1)"
        rmmod $module
        "#,
    );
    assert!(printed.contains("on: /dev/a 1\n1\n"), "{printed}");
    assert!(printed.contains("in use: Resource temporarily unavailable"));
    guest.shutdown().unwrap();
}

#[test]
fn features_lists_the_files() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        load nr_devices=0
        mkdir $root/a
        cat $root/features
        ls -p $root/a | grep -v / | tr '\n' ',' | sed 's/,$/\n/'
        rmdir $root/a
        rmmod $module
        "#,
    );
    let (features, files) = printed.split_once('\n').unwrap();
    assert_eq!(features, files.trim_end());
    assert!(features.contains("blocksize,"), "{features}");

    // The documentation has the defaults of all parameters, and names all files.
    let script = r#"
        load nr_devices=0
        grep . /sys/module/$module/parameters/*
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    let document = fs::read_to_string(lab.checkout().join("Documentation/rnull.rst")).unwrap();
    let mut compared = 0;
    for line in printed.lines() {
        let (path, value) = line.split_once(':').unwrap();
        let name = path.rsplit('/').next().unwrap();
        // Faults have a table of their own, and none by default.
        if ["timeout", "requeue", "init_hctx"].contains(&name) {
            assert_eq!(value, "(null)", "{name}");
            continue;
        }
        let row = format!("``{name}`` ");
        let row = document.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{name} is not documented"));
        let mut cells = row.split_ascii_whitespace().skip(1);
        let default = cells.find(|cell| !cell.starts_with('`')).unwrap();
        let value = match (name, value) {
            // Given above.
            ("nr_devices", "0") => "1",
            (_, "Y") => "1",
            (_, "N") => "0",
            (_, value) => value,
        };
        assert_eq!(default, value, "{name}");
        compared += 1;
    }
    assert!(compared > 25, "{printed}");
    for file in features.split(',') {
        assert!(document.contains(&format!("``{file}`` ")), "{file}");
    }
    guest.shutdown().unwrap();
}

#[test]
fn an_open_disk_keeps_the_module() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &[]);
    let printed = same(
        &mut guest,
        r#"
        load nr_devices=1 gb=1
        (
            exec 3< /dev/${disk}0
            echo "open: $(rmmod $module 2>&1 | sed 's/.*: //')"
        )
        rmmod $module
        echo "closed: $(ls -d /sys/module/$module 2>&1 | sed 's/.*: //')"

        # The disk of a directory can go although it is open; the module cannot.
        load nr_devices=0
        mkdir $root/a
        put $root/a/power 1
        (
            exec 3< /dev/a
            rmdir $root/a
            echo "removed: $(ls /dev/a 2>&1)"
            echo "reading: $(dd bs=4k count=1 <&3 2>&1 | sed 's/.*: //')"
            echo "open: $(rmmod $module 2>&1 | sed 's/.*: //')"
        )
        rmmod $module
        "#,
    );
    assert_eq!(
        printed.matches("open: Resource temporarily").count(),
        2,
        "{printed}"
    );
    guest.shutdown().unwrap();
}

#[test]
fn a_disk_goes_while_requests_come() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio"]);
    // fio ends with an error when its disk goes; were the disk to wait for ever, the guest's time
    // limit would end the test.
    let script = r#"
        load nr_devices=0
        cd $root
        for i in $(seq 6); do
            mkdir a
            put a/irqmode $((i % 3))
            put a/submit_queues 2
            put a/power 1
            fio --name=a --filename=/dev/a --rw=randrw --bs=4k --direct=1 --ioengine=io_uring \
                --iodepth=64 --numjobs=2 --time_based --runtime=600 > /tmp/out 2>&1 &
            until [ "$(cut -c1-9 /sys/block/a/stat)" -gt 1000 ]; do sleep 0.1; done
            case $i in
                1|2) put a/power 0 ;;
                3|4|5) for n in 1 2; do put a/submit_queues $n; put a/poll_queues $((n % 2)); done ;;
            esac
            rmdir a
            wait $! && echo "fio did not notice"
            grep -o 'error=[A-Z].*' /tmp/out | sort -u | sed 's/^/run '$i': /'
        done
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    for i in 1..=6 {
        assert!(printed.contains(&format!("run {i}: error=")), "{printed}");
    }
    assert!(!printed.contains("did not notice"), "{printed}");
    guest.shutdown().unwrap();
}
