// SPDX-License-Identifier: GPL-2.0
//! rnull's disks under everything at once, many times: nothing is lost, and nothing stays.
//!
//! `BLOCKYARD_POWER_CYCLES` and `BLOCKYARD_LOADS` say how many times.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use lab::guest::Guest;
use lab::Lab;
use tests::null_block::{boot, mount_configfs, run, Driver, NULL_BLK, RNULL};

/// A number from the environment.
fn times(variable: &str, default: i64) -> i64 {
    env::var(variable).map_or(default, |value| value.parse().unwrap())
}

fn start(lab: &Lab) -> Guest {
    let boot = boot(lab).program("fio").stock_module("mq-deadline");
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let mut guest = boot
        .command_limit(hours(3))
        .guest_limit(hours(4))
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    guest
}

/// What the kernel holds: objects of each slab cache, and KiB of other memory.
struct Held {
    objects: BTreeMap<String, i64>,
    per_cpu: i64,
    free: i64,
}

impl Held {
    /// Counts once all that is only cached is gone.
    fn count(guest: &mut Guest) -> Self {
        let script = r#"
            for i in 1 2 3 4 5; do
                sync
                echo 3 > /proc/sys/vm/drop_caches
                for cache in /sys/kernel/slab/*; do [ -L $cache ] || echo 1 > $cache/shrink; done
                sleep 1
            done
            awk 'NR > 2 { print "slab:" $1, $2 }' /proc/slabinfo
            awk '/^(Percpu|MemFree):/ { print $1, $2 }' /proc/meminfo
        "#;
        let output = guest.run(script).unwrap().ok().unwrap();
        let mut held = Self {
            objects: BTreeMap::new(),
            per_cpu: 0,
            free: 0,
        };
        for line in output.text().lines() {
            let (name, count) = line.split_once(' ').unwrap();
            let count = count.trim().parse().unwrap();
            match name.strip_prefix("slab:") {
                Some(cache) => drop(held.objects.insert(cache.to_owned(), count)),
                None if name == "Percpu:" => held.per_cpu = count,
                None => held.free = count,
            }
        }
        assert!(held.objects.len() > 50 && held.per_cpu > 0 && held.free > 0);
        held
    }
}

/// What stayed of some rounds.
struct Stayed {
    objects: BTreeMap<String, i64>,
    per_cpu: i64,
    memory: i64,
}

impl Stayed {
    fn between(before: &Held, after: &Held) -> Self {
        let grown = |(cache, count): (&String, &i64)| {
            let before = before.objects.get(cache).copied().unwrap_or(0);
            (cache.clone(), count - before)
        };
        Self {
            objects: after.objects.iter().map(grown).collect(),
            per_cpu: after.per_cpu - before.per_cpu,
            memory: before.free - after.free,
        }
    }

    /// What would have stayed of `rounds` where this stayed of `sample`.
    fn scaled(mut self, rounds: i64, sample: i64) -> Self {
        for count in self.objects.values_mut() {
            *count = *count * rounds / sample;
        }
        self
    }

    /// Checks that no more stayed of our driver's rounds than of as many with C null_blk: adding
    /// and removing any disk leaves something in the stock kernel, 6 nodes of kernfs for one.
    fn assert_as_little_as(&self, c: &Self, rounds: i64) {
        // The allocator keeps up to some hundred free objects of a cache and counts them as used,
        // and not all unused names are dropped at once: a disk that stays (hundreds of objects) is
        // seen after ten rounds, one object a round after a thousand.
        const SLACK: i64 = 1000;
        println!("{rounds} rounds; what stayed, C and ours:");
        println!("  per-CPU memory: {} KiB, {} KiB", c.per_cpu, self.per_cpu);
        println!("  all memory: {} KiB, {} KiB", c.memory, self.memory);
        let mut leaks = Vec::new();
        for (cache, &ours) in &self.objects {
            let c = c.objects.get(cache).copied().unwrap_or(0);
            if c.max(ours) > 200 {
                println!("  {cache}: {c}, {ours}");
            }
            // Disks that the race powers on are not counted as rounds, and are not equally many.
            if ours > c.max(0) * 3 / 2 + SLACK {
                leaks.push(cache);
            }
        }
        assert!(leaks.is_empty(), "more than with C stayed in {leaks:?}");
        assert!(self.per_cpu <= c.per_cpu.max(0) + 64);
        assert!(self.memory <= c.memory.max(0) + 32 * 1024);
    }
}

/// Runs a script for so many rounds with ours, and compares what stays with C, which is scaled from
/// fewer where there are many. The script takes the number as `$wanted`; `check` reads what it
/// prints.
fn compare(guest: &mut Guest, script: &str, rounds: i64, check: impl Fn(&str)) {
    let mut stayed = |driver: &Driver, rounds: i64| {
        let mut rounds_of = |wanted: i64| {
            let printed = run(guest, driver, &format!("wanted={wanted}\n{script}"));
            println!("{}: {}", driver.module, printed.trim_end());
            check(&printed);
            Held::count(guest)
        };
        // What the first rounds allocate once is no leak.
        let before = rounds_of(10);
        Stayed::between(&before, &rounds_of(rounds))
    };
    let sample = rounds.min(60);
    let c = stayed(&NULL_BLK, sample).scaled(rounds, sample);
    stayed(&RNULL, rounds).assert_as_little_as(&c, rounds);
}

/// Twenty disks and one fio with two jobs on all of them. In each round they are powered on, get
/// requests, and are powered off, while others write to all their attributes.
const POWER_CYCLES: &str = r#"
    disks="a b c d e f g h i j k l m n o p q r s t"

    # set FILE VALUE: without a process, and whether the driver takes it or not
    set_() { { echo "$2" > "$1"; } 2> /dev/null; }

    # Until the file `stop` is there: settings that only a disk without power takes, and power.
    race() {
        n=0
        until [ -e /tmp/stop ]; do
            for d in $disks; do
                n=$((n + 1))
                set_ $root/$d/irqmode $((n % 3))
                set_ $root/$d/size $((4 + n % 2))
                set_ $root/$d/blocksize $((512 << (n % 4)))
                set_ $root/$d/memory_backed $((n % 2))
                if [ $module = rnull ]; then
                    # C null_blk takes a timer that is not there after the two were changed.
                    set_ $root/$d/cache_size $((n % 3))
                    set_ $root/$d/mbps $((n % 5 / 4 * 4000))
                fi
                set_ $root/$d/completion_nsec $((n % 7 * 5000))
                set_ $root/$d/blocking $((n % 4 / 3))
                # Seldom enough for fio to find disks with power.
                [ $((n % 1009)) -eq 0 ] && set_ $root/$d/power 1
                [ $((n % 4001)) -eq 0 ] && set_ $root/$d/power 0
            done
        done
    }

    # The same for the number of queues.
    resize() {
        n=0
        until [ -e /tmp/stop ]; do
            for d in $disks; do
                n=$((n + 1))
                set_ $root/$d/submit_queues $((1 + n % 2))
                set_ $root/$d/poll_queues $((n % 2))
                set_ /sys/block/$d/queue/scheduler $([ $((n % 3)) = 0 ] && echo mq-deadline || echo none)
            done
        done
    }

    # has_requests DISK: since it was powered on
    has_requests() {
        { read -r reads _ _ _ writes _ < /sys/block/$1/stat; } 2> /dev/null || return
        [ $((reads + writes)) -gt 20 ]
    }

    round() {
        for d in $disks; do set_ $root/$d/power 1; done
        fio --name=jobs --numjobs=2 --thread --filename=$(echo $disks | sed 's/[a-z]/\/dev\/&/g; s/ /:/g') \
            --file_service_type=random:1 --rw=randrw --bs=4k --direct=1 --ioengine=io_uring \
            --iodepth=32 --iodepth_batch_submit=16 --iodepth_batch_complete_max=32 \
            --norandommap=1 --filesize=4M --time_based --runtime=600 --allow_file_create=0 \
            --continue_on_error=io --ignore_error=EIO:ENODEV:ENXIO,EIO:ENODEV:ENXIO \
            > /tmp/fio 2>&1 &
        fio=$!
        for d in $disks; do
            tries=0
            until has_requests $d || [ $tries -gt 200 ] || ! kill -0 $fio 2> /dev/null; do
                tries=$((tries + 1))
                # The race may have taken its power.
                set_ $root/$d/power 1
                sleep 0.05
            done
            has_requests $d && under_load=$((under_load + 1))
            set_ $root/$d/power 0
            cycles=$((cycles + 1))
        done
        kill -INT $fio 2> /dev/null
        wait $fio
    }

    modprobe mq-deadline
    load nr_devices=0 poll_queues=1
    for d in $disks; do mkdir $root/$d; done
    rm -f /tmp/stop
    race &
    racing=$!
    resize &
    resizing=$!
    cycles=0 under_load=0
    while [ $cycles -lt $wanted ]; do round; done
    touch /tmp/stop
    wait $racing $resizing
    for d in $disks; do rmdir $root/$d; done
    rmmod $module
    echo "$cycles cycles, $under_load under load"
"#;

#[test]
fn power_cycles_under_fio_leave_nothing() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab);
    let cycles = times("BLOCKYARD_POWER_CYCLES", 50);
    compare(&mut guest, POWER_CYCLES, cycles, |printed| {
        let (done, loaded) = printed.trim_end().split_once(" cycles, ").unwrap();
        let done: i64 = done.parse().unwrap();
        let loaded: i64 = loaded.trim_end_matches(" under load").parse().unwrap();
        // fio starts slowly on a busy machine, and the race takes a disk's power at any time.
        assert!(loaded * 2 > done, "{printed}");
    });
    guest.shutdown().unwrap();
}

#[test]
fn loads_and_unloads_leave_nothing() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab);
    let script = r#"
        for i in $(seq $wanted); do
            load nr_devices=3 gb=1 irqmode=$((i % 3)) shared_tags=$((i % 2)) \
                memory_backed=$((i / 2 % 2)) zoned=$((i / 4 % 2)) zone_size=1 \
                submit_queues=$((1 + i % 2))
            mkdir $root/a
            put $root/a/size 4
            put $root/a/power 1
            for n in ${disk}0 ${disk}1 ${disk}2 a; do
                dd if=/dev/zero of=/dev/$n bs=64k count=16 2> /dev/null
                dd if=/dev/$n of=/dev/null bs=64k count=16 2> /dev/null
            done
            rmdir $root/a
            rmmod $module
        done
        ls /dev | grep -c -e $disk -e '^a$'
        grep -c $disk /proc/devices
        true
    "#;
    let loads = times("BLOCKYARD_LOADS", 10);
    compare(&mut guest, script, loads, |printed| {
        assert_eq!(printed, "0\n0\n")
    });
    guest.shutdown().unwrap();
}

/// Each request of a known number is answered, and once, while its queue goes away and comes back.
#[test]
fn queues_are_resized_under_requests() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab);
    let script = r#"
        modprobe mq-deadline
        load nr_devices=0 poll_queues=1
        for irqmode in 0 1 2; do
            mkdir $root/a
            put $root/a/size 16
            put $root/a/irqmode $irqmode
            put $root/a/memory_backed 1
            put $root/a/submit_queues 2
            put $root/a/power 1
            rm -f /tmp/stop
            (
                n=0
                until [ -e /tmp/stop ]; do
                    n=$((n + 1))
                    echo $((1 + n % 2)) > $root/a/submit_queues
                    echo $((n / 2 % 2)) > $root/a/poll_queues
                    [ $((n % 16)) = 0 ] && echo mq-deadline > /sys/block/a/queue/scheduler
                    [ $((n % 16)) = 8 ] && echo none > /sys/block/a/queue/scheduler
                    echo $n > /tmp/resized
                done
            ) 2> /tmp/refused &
            # Two neighbours are two requests.
            echo 2 > /sys/block/a/queue/nomerges
            before=$(awk '{ print $1 + $5 }' /sys/block/a/stat)
            # Each job writes its half, with sums, and reads it back.
            fio --name=jobs --numjobs=2 --thread --filename=/dev/a --rw=randwrite --bs=4k --direct=1 \
                --ioengine=io_uring --iodepth=32 --size=8M --offset_increment=8M --loops=2 \
                --verify=crc32c --verify_fatal=1 --output-format=terse > /tmp/fio || cat /tmp/fio
            after=$(awk '{ print $1 + $5 }' /sys/block/a/stat)
            touch /tmp/stop
            wait
            # Two jobs of 2,048 blocks, written and read, twice.
            echo "irqmode $irqmode: $((after - before)) requests of 16384, $(sed -n 's/^3;\([^;]*;\)\{3\}\([0-9]*\);.*/\2/p' /tmp/fio | sort -u) errors"
            awk '{ print "under way: " $9 }' /sys/block/a/stat
            [ $(cat /tmp/resized) -gt 20 ] || echo "resized only $(cat /tmp/resized) times"
            cat /tmp/refused
            rmdir $root/a
        done
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, script);
    let expected: String = (0..3)
        .map(|irqmode| {
            format!("irqmode {irqmode}: 16384 requests of 16384, 0 errors\nunder way: 0\n")
        })
        .collect();
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}
