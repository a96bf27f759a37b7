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
        // The C driver has no models of latencies and no error rules.
        let left_out = printed.matches("is left out: the driver lacks it").count();
        assert_eq!(
            left_out,
            if missing.is_empty() { 0 } else { 8 },
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

#[test]
fn disks_crash_and_fail_by_rules() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab, |boot| boot.module("rnull").program("dd"));
    let printed = run(
        &mut guest,
        r#"
        modprobe rnull nr_devices=0
        rnullctl create a size=16 memory_backed=1 cache_size=8 rules/prepared=1
        head -c 4194304 /dev/urandom > /tmp/data
        dd if=/tmp/data of=/dev/a bs=64k oflag=direct 2> /dev/null
        rnullctl crash a --lose 0-8191 --torn
        rnullctl crash a; echo $?
        cat /sys/kernel/config/rnull/a/crash/lost_sectors
        rnullctl set a power=0 power=1
        dd if=/dev/a bs=4M count=1 2> /dev/null | tr -d '\0' | wc -c
        rnullctl rules add a --sectors 0-7 --status medium --op read --times 1
        rnullctl rules add a --corrupt --probability 0.5
        dd if=/dev/a of=/dev/null bs=512 count=1 iflag=direct 2>&1 | sed -n 's/.*: //p'
        rnullctl rules list a
        rnullctl rules remove a 7; echo $?
        rnullctl rules remove a all
        for i in $(seq 200); do
            echo '+status=ioerr op=write sectors=1152921504606846976-1152921504606846977'
        done | while read rule; do echo "$rule" > /sys/kernel/config/rnull/a/rules/rules; done
        rnullctl rules list a | wc -l
        rnullctl set a rules/rules=-all power=0 rules/prepared=0 power=1
        rnullctl rules add a --status ioerr; echo $?
        rnullctl destroy a
        rmmod rnull
        "#,
    );
    let expected = "\
rnullctl: a: crash/now cannot be \"1\": Invalid argument (os error 22); the disk is off, or has crashed already: turn it off and on (power=0, power=1)
2
8192
0
No data available
0: op=read sectors=0-7 status=medium times=0 hits=1
1: op=read corrupt probability=0.5 hits=0
rnullctl: a: rules/rules cannot be \"-7\": No such file or directory (os error 2); there is no such rule; `rnullctl rules list DISK` lists them
2
200
rnullctl: a: rules/rules cannot be \"+status=ioerr\": Device or resource busy (os error 16); the disk was turned on without a rule and without rules/prepared=1: turn it off first
2
";
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}
