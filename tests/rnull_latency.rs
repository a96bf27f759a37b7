// SPDX-License-Identifier: GPL-2.0
//! How long requests take that rnull delays. Where times are compared with expectations, the
//! guest's clock counts instructions, so that no load of the machine shows in it.

use std::io::Write;
use std::process::{Command, Stdio};

use lab::Lab;
use tests::null_block::{boot, mount_configfs, run, start, RNULL};

/// Makes the disk `a`.
const DISK: &str = r#"
    # make FILE=VALUE...: a space in a value is a comma here
    make() {
        mkdir $root/a
        for setting; do
            put $root/a/${setting%%=*} "$(echo "${setting#*=}" | tr , ' ')"
        done
        put $root/a/statistics/enabled 1
        put $root/a/power 1
        echo none > /sys/block/a/queue/scheduler
    }
    remove() { rmdir $root/a; }
"#;

/// Draws what the driver must have drawn, by its documentation, and says which ranges of time have
/// more or fewer requests than there can be. A request takes at most the slack longer than what
/// was drawn for it: the time from the timer's interrupt to its end, which is code that the debug
/// kernel's sanitizers make several times as long.
const EXPECTATION: &str = r#"
import statistics, sys

MASK, STEP = 2**64 - 1, 0x9e3779b97f4a7c15

def split_mix(seed, index):
    z = (seed + STEP * (index + 1)) & MASK
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
    return z ^ z >> 31

def draw(model, r):
    name, *words = model.split()
    if name == "constant":
        return int(words[0])
    if name == "uniform":
        least, most = map(int, words)
        return least + (r / 2**64) * (most - least + 1)
    if name == "normal":
        mean, deviation, least = map(int, words)
        distance = -statistics.NormalDist().inv_cdf((r | 1) / 2**65) * deviation
        distance = min(distance, 3.668 * deviation)
        return max(least, mean - distance if r & 1 else mean + distance)
    points = [tuple(map(float, word.split(":"))) for word in words]
    p = 100 * r / 2**64
    if p < points[0][0]:
        return points[0][1]
    for (p0, t0), (p1, t1) in zip(points, points[1:]):
        if p < p1:
            return t0 + (t1 - t0) * (p - p0) / (p1 - p0)
    return points[-1][1]

model = sys.argv[1]
slack, seed, queue, before = map(int, sys.argv[2:])
ranges = [list(map(int, line.split()[1:])) for line in sys.stdin]
total = sum(count for _, _, count in ranges)
# Reads are the first of seven kinds of requests.
start = split_mix(seed, 7 * queue)
drawn = [draw(model, split_mix(start, before + n)) for n in range(total)]
for least, _, _ in ranges + [[2**bits, 0, 0] for bits in range(44)]:
    got = sum(count for at, _, count in ranges if at >= least)
    low = sum(time >= least + 5_000 for time in drawn)
    high = sum(time >= least - slack for time in drawn)
    if not low <= got <= high:
        print(f"{got} of {total} requests took {least} ns or more, not {low} to {high}")
"#;

fn expectation(model: &str, numbers: [u64; 4], histogram: &str) -> String {
    let mut python = Command::new("python3")
        .args(["-c", EXPECTATION, model])
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(histogram.as_bytes()).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn requests_take_what_their_model_says() {
    let lab = Lab::locate().unwrap();
    let slack = match lab.kernel().unwrap().is_debug() {
        true => 2_000_000,
        false => 200_000,
    };
    let mut guest = boot(&lab)
        .cpus(1)
        .icount()
        .program("fio")
        .program("dd")
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    run(&mut guest, &RNULL, "sleep 10\nload nr_devices=0");
    for (model, seed, polled) in [
        ("constant 3000000", 0, ""),
        ("uniform 1000000 9000000", 5, ""),
        ("normal 5000000 1500000 2000000", 1 << 63, ""),
        ("table 50:800000 90:1200000 99:9000000 99.9:50000000", 7, ""),
        ("uniform 500000 2000000", 9, "--hipri"),
    ] {
        let script = format!(
            r#"
            make size=64 latency/read={} latency/seed={seed} poll_queues=1
            cat $root/a/latency/read $root/a/irqmode
            grep count $root/a/statistics/read
            put $root/a/statistics/reset 1
            fio --filename=/dev/a --direct=1 --ioengine=io_uring --iodepth=16 --number_ios=1000 \
                --size=64M --name=a --rw=randread {polled} > /tmp/out 2>&1 || cat /tmp/out
            grep latency $root/a/statistics/read
            remove
            "#,
            model.replace(' ', ",")
        );
        let printed = run(&mut guest, &RNULL, &(DISK.to_owned() + &script));
        let mut lines = printed.splitn(4, '\n');
        assert_eq!(lines.next(), Some(model));
        assert_eq!(lines.next(), Some("2"));
        let before = lines.next().unwrap().strip_prefix("count ").unwrap();
        // Requests that are polled for go through another hardware queue, which had none before.
        let (queue, before) = match polled {
            "" => (0, before.parse().unwrap()),
            _ => (1, 0),
        };
        let histogram = lines.next().unwrap();
        assert!(histogram.lines().count() > 0);
        let wrong = expectation(model, [slack, seed, queue, before], histogram);
        assert_eq!(wrong, "", "{model}:\n{histogram}");
    }

    let order = r#"
        make size=64 latency/read=constant,2000000000 latency/write=constant,1000000
        dd if=/dev/a of=/dev/null bs=4k count=1 iflag=direct status=none &
        while read reads writes < /sys/block/a/inflight && [ $reads = 0 ]; do :; done
        dd if=/dev/zero of=/dev/a bs=4k count=8 oflag=direct status=none
        echo $(cat /sys/block/a/inflight)
        wait
        echo $(cat /sys/block/a/inflight)
        remove
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, &(DISK.to_owned() + order));
    assert_eq!(printed, "1 0\n0 0\n");
    guest.shutdown().unwrap();
}

#[test]
fn delayed_requests_do_what_others_do() {
    let lab = Lab::locate().unwrap();
    let mut guest = start(&lab, &["fio", "dd"]);
    let script = r#"
        load nr_devices=0
        mkdir $root/a
        for model in constant 'uniform 2 1' 'normal 1' 'table 5' 'constant 3600000000001' nothing; do
            echo "$model: $(put $root/a/latency/read "$model")"
        done
        echo "seed x: $(put $root/a/latency/seed x)"
        remove

        # Data is where it belongs, whatever the order of the ends, with queues that change.
        make size=64 memory_backed=1 submit_queues=2 latency/read=uniform,1000,2000000 \
            latency/write=table,50:1000,99:100000,100:3000000 latency/seed=3
        echo "on: $(put $root/a/latency/read off) $(put $root/a/latency/seed 1)"
        fio --filename=/dev/a --rw=randwrite --bsrange=512-32k --direct=1 --size=16M \
            --offset_increment=16M --ioengine=io_uring --iodepth=32 --iodepth_batch_submit=16 \
            --number_ios=400 --verify=crc32c --numjobs=2 --name=a > /tmp/out 2>&1 &
        for queues in 1 2 1 2; do
            sleep 0.2
            put $root/a/submit_queues $queues
        done
        wait
        grep -c 'err= 0' /tmp/out || cat /tmp/out
        remove

        # One that takes too long is given up, and the disk goes on.
        make size=64 latency/read=table,0:1000,70:1000,70.0001:8000000000,100:8000000000
        for i in 1 2 3 4 5 6; do
            dd if=/dev/a of=/dev/null bs=4k count=1 iflag=direct status=none 2>&1 | sed 's/.*: //'
        done | sort | uniq -c | sed 's/^ *//'
        cat /sys/block/a/inflight
        remove
        rmmod $module
    "#;
    let printed = run(&mut guest, &RNULL, &(DISK.to_owned() + script));
    let expected = "\
constant: Invalid argument
uniform 2 1: Invalid argument
normal 1: Invalid argument
table 5: Invalid argument
constant 3600000000001: Invalid argument
nothing: Invalid argument
seed x: Invalid argument
on: Device or resource busy Device or resource busy
2
3 Connection timed out
       0        0
";
    assert_eq!(printed, expected);
    guest.shutdown().unwrap();
}
