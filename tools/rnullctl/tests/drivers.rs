// SPDX-License-Identifier: GPL-2.0
//! The program with real drivers, in a guest.

use lab::guest::{Boot, Guest};
use lab::Lab;

fn boot<'a>(lab: &'a Lab, boot: impl FnOnce(Boot<'a>) -> Boot<'a>) -> Guest {
    let boot = boot(Boot::new(lab)).stock_module("configfs");
    let mut guest = boot
        .cpus(2)
        .program(env!("CARGO_BIN_EXE_rnullctl"))
        .program("blkzone")
        .boot()
        .unwrap();
    let mount = "modprobe configfs && mount -t configfs configfs /sys/kernel/config";
    guest.run(mount).unwrap().ok().unwrap();
    guest
}

/// What a script prints, errors included.
fn run(guest: &mut Guest, script: &str) -> String {
    let output = guest.run(&format!("exec 2>&1; {script}")).unwrap();
    output.ok().unwrap().text().into_owned()
}

#[test]
fn disks_of_rnull_are_made_changed_and_removed() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab, |boot| boot.module("rnull"));
    let printed = run(
        &mut guest,
        r#"
        rnullctl list; echo $?
        modprobe rnull nr_devices=0
        rnullctl create a size=64 submit_queues=5 poll_queues=0 blocksize=4096
        cat /sys/block/a/size
        rnullctl set a size=32; echo $?
        rnullctl set a submit_queues=1
        ls /sys/block/a/mq
        rnullctl show a submit_queues power
        rnullctl create b --off size=0x20
        ls /sys/kernel/config/rnull
        rnullctl create b; echo $?
        dd if=/dev/zero of=/dev/a bs=4k count=2 oflag=direct 2> /dev/null
        rnullctl stats a | grep -e ^sectors_written -e in_flight
        rnullctl create d statistics/enabled=1 latency/read="constant 1000000" size=64
        dd if=/dev/d of=/dev/null bs=4k count=2 iflag=direct 2> /dev/null
        rnullctl stats d | grep -A1 OPERATION | cut -c -30
        rnullctl set d latency/read=off; echo $?
        rnullctl destroy d
        rnullctl stats b; echo $?
        rnullctl create c nothing=1; echo $?
        rnullctl create zoned --profile zns size=16384 submit_queues=2
        dd if=/dev/zero of=/dev/zoned bs=64k count=1 oflag=direct 2> /dev/null
        rnullctl set zoned zone_readonly=0x80000
        rnullctl zones zoned
        rnullctl destroy a b zoned
        ls /dev/a
        rnullctl list --json
        rmmod rnull
        "#,
    );
    let expected = "\
rnullctl: /sys/kernel/config: no null block driver; load one (modprobe rnull) with configfs mounted there
4
rnullctl: a: submit_queues is 2: the driver cannot do 5 here
131072
rnullctl: a: size cannot be \"32\": Device or resource busy (os error 16); the disk is on: turn it off first (power=0)
2
0
power=1
submit_queues=1
a
b
features
rnullctl: b: there is a disk of that name already; choose another, or destroy it
2
rnullctl: a: the driver counts nothing: set statistics/enabled=1 while the disk is off
in_flight=0
sectors_written=16
OPERATION  COUNT  BYTES  ERROR
read       3      12288  0    
rnullctl: d: latency/read cannot be \"off\": Device or resource busy (os error 16); the disk is on: turn it off first (power=0)
2
rnullctl: b: statistics: the disk is off, and the block layer counts for disks that are on
2
rnullctl: c: nothing: the loaded driver has no such attribute; `rnullctl show DISK` lists its own
2
or.{62}
ls: /dev/a: No such file or directory
[]
";
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}

#[test]
fn every_profile_makes_a_disk_of_either_driver() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab, |boot| boot.stock_module("null_blk").module("rnull"));
    let script = r#"
        modprobe $module nr_devices=0
        for profile in nvme hdd zns flaky; do
            rnullctl create $profile --profile $profile $missing size=16384 submit_queues=2
        done
        rnullctl list
        cat /sys/block/hdd/queue/rotational /sys/block/zns/queue/zoned
        rnullctl zones zns
        dd if=/dev/zero of=/dev/zns bs=64k count=1 oflag=direct 2> /dev/null
        blkzone open -o 0x80000 -l 0x80000 /dev/zns
        rnullctl set zns zone_offline=0x100000
        rnullctl zones zns
        rnullctl zones hdd; echo $?
        dd if=/dev/flaky of=/dev/null bs=4k skip=256 count=1 iflag=direct > /dev/null 2>&1; echo $?
        rnullctl destroy nvme hdd zns flaky
        rmmod $module
    "#;
    let expected = "\
NAME   POWER  SIZE    BLOCK  QUEUES  DEPTH  IRQMODE  MEMORY  ZONED
flaky  on     16 GiB  512    2       64     1        yes     no
hdd    on     16 GiB  512    2       32     2        yes     no
nvme   on     16 GiB  4096   2       1023   2        yes     no
zns    on     16 GiB  4096   2       1023   1        yes     yes
1
host-managed
.{64}
oOx.{61}
";
    for (module, missing) in [("null_blk", "--ignore-missing"), ("rnull", "")] {
        let names = format!("module={module} missing={missing}\n");
        let printed = run(&mut guest, &(names + script));
        // The C driver has no models of latencies.
        let left_out = printed.matches("is left out: the driver lacks it").count();
        assert_eq!(
            left_out,
            if missing.is_empty() { 0 } else { 7 },
            "{printed}"
        );
        let printed: String = printed
            .split_inclusive('\n')
            .filter(|line| !line.contains("is left out"))
            .collect();
        let (table, rest) = printed.split_at(printed.find("rnullctl: hdd").unwrap());
        assert_eq!(table, expected, "{module}");
        assert!(
            rest.starts_with("rnullctl: hdd: no zones: blkzone"),
            "{module}: {rest}"
        );
        assert!(rest.ends_with("\n2\n1\n"), "{module}: {rest}");
    }
    guest.shutdown().unwrap();
}
