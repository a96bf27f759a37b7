// SPDX-License-Identifier: GPL-2.0
//! File systems on disks of rnull that lose their power under a write load: each time they recover,
//! are found sound by their own checker, and have what was flushed.
//!
//! `BLOCKYARD_POWER_FAILURES` says how many times.

use std::env;
use std::time::Duration;

use lab::guest::Guest;
use lab::Lab;
use tests::null_block::{boot, mount_configfs, run, RNULL};

struct FileSystem {
    name: &'static str,
    /// The least it can be made on, in MiB.
    size: u32,
    programs: [&'static str; 3],
    make: &'static str,
    /// Finds damage and repairs nothing.
    check: &'static str,
    /// What the kernel says of a journal that it has read after a crash.
    recovered: &'static str,
}

const EXT4: FileSystem = FileSystem {
    name: "ext4",
    size: 64,
    programs: ["dd", "mkfs.ext4", "e2fsck"],
    make: "mkfs.ext4 -q",
    check: "e2fsck -fn",
    recovered: "recovery complete",
};

const XFS: FileSystem = FileSystem {
    name: "xfs",
    size: 320,
    programs: ["dd", "mkfs.xfs", "xfs_repair"],
    make: "mkfs.xfs -q",
    check: "xfs_repair -n",
    recovered: "Ending recovery",
};

const MAKE_DISK: &str = r#"
    load nr_devices=0
    mkdir $root/a
    cd $root/a
    put size $size
    put memory_backed 1
    put cache_size 32
    put crash/lose 'random 50'
    put crash/torn 1
    put power 1
    $make /dev/a > /tmp/out 2>&1 || cat /tmp/out
"#;

/// Crashes while one program makes files and another one replaces one, which both flush what they
/// do and note what is flushed, and a third one writes what nobody flushes. Prints the numbers of
/// files, of versions and of lost sectors, and whatever is wrong.
const FAILURE: &str = r#"
    part() { dd if=/tmp/data bs=4k skip=$(($1 % 64)) count=$(($1 % 50 + 1)) 2> /dev/null; }
    version() { yes $1 | head -c 20000; }

    # Once the disk is dead, fsync(2) of a directory succeeds where nothing waits to be committed
    # (ext4), or to be written to the log (xfs), because that failed.
    has_power() { [ $(cat $root/a/crash/now) = 0 ]; }

    make_files() {
        n=0
        while n=$((n + 1)); do
            part $n > /mnt/files/$n && sync /mnt/files/$n && sync /mnt/files && has_power || break
            echo $n >> /tmp/files
            # Something for the journal that nobody waits for.
            cp /tmp/data /mnt/files/new && mv /mnt/files/new /mnt/files/old || break
        done
    }
    replace_one() {
        n=0
        while n=$((n + 1)); do
            version $n > /mnt/next && sync /mnt/next && mv /mnt/next /mnt/one && sync /mnt &&
                has_power || break
            echo $n > /tmp/version
        done
    }
    overwrite() {
        while dd if=/tmp/data of=/mnt/busy bs=64k oflag=direct conv=notrunc; do :; done
    }
    noted() { [ $(wc -l < /tmp/files) -ge $1 ] && [ $(cat /tmp/version) -ge $1 ]; } 2> /dev/null

    cd $root/a
    put crash/seed $seed
    head -c 524288 /dev/urandom > /tmp/data
    : > /tmp/files
    echo 0 > /tmp/version
    mount -t $fs /dev/a /mnt
    rm -rf /mnt/files /mnt/one
    mkdir /mnt/files
    cp /tmp/data /mnt/busy
    sync
    make_files 2> /dev/null &
    replace_one 2> /dev/null &
    overwrite 2> /dev/null &
    until noted $((1 + seed % 4)); do sleep 0.01; done
    put crash/now 1
    wait
    umount /mnt
    lost=$(cat crash/lost_sectors)
    put power 0
    put power 1

    mount -t $fs /dev/a /mnt
    while read -r file; do
        part $file | cmp - /mnt/files/$file
    done < /tmp/files
    now=$(head -n 1 /mnt/one)
    [ "$now" -ge $(cat /tmp/version) ] || echo "version $now of $(cat /tmp/version)"
    version "$now" | cmp - /mnt/one
    umount /mnt
    $check /dev/a > /tmp/out 2>&1 || cat /tmp/out
    echo $(wc -l < /tmp/files) $(cat /tmp/version) $lost
"#;

fn fail(guest: &mut Guest, fs: &FileSystem, seed: usize) -> [u64; 3] {
    let variables = format!("fs={} check='{}' seed={seed}\n", fs.name, fs.check);
    let printed = run(guest, &RNULL, &(variables + FAILURE));
    let numbers: Vec<u64> = printed
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    let wrong = |_| panic!("{}, power failure {seed}: {printed}", fs.name);
    numbers.try_into().unwrap_or_else(wrong)
}

fn what_was_flushed_is_there(fs: &FileSystem) {
    let failures = env::var("BLOCKYARD_POWER_FAILURES").map_or(10, |count| count.parse().unwrap());
    let lab = Lab::locate().unwrap();
    let boot = fs
        .programs
        .iter()
        .fold(boot(&lab), |boot, program| boot.program(program));
    let boot = match fs.name {
        "ext4" => boot,
        module => boot.stock_module(module),
    };
    let mut guest = boot
        .guest_limit(Duration::from_secs(12 * 3600))
        .boot()
        .unwrap();
    mount_configfs(&mut guest);
    let variables = format!("size={} make='{}'\n", fs.size, fs.make);
    assert_eq!(run(&mut guest, &RNULL, &(variables + MAKE_DISK)), "");

    let mut total = [0; 3];
    for seed in 1..=failures {
        let numbers = fail(&mut guest, fs, seed);
        total
            .iter_mut()
            .zip(numbers)
            .for_each(|(sum, number)| *sum += number);
    }
    let [files, versions, lost] = total;
    println!(
        "{}: {failures} power failures, {files} files and {versions} versions of one were flushed \
         and are there, {lost} sectors were lost",
        fs.name
    );
    assert!(lost > 0, "the crashes were harmless");
    run(&mut guest, &RNULL, "rmdir $root/a; rmmod $module");
    let log = guest.log();
    let recovered = log.matches(fs.recovered).count();
    assert!(recovered >= failures, "{recovered} recoveries: {log}");
    guest.shutdown().unwrap();
}

#[test]
fn ext4_keeps_what_was_flushed_through_power_failures() {
    what_was_flushed_is_there(&EXT4);
}

#[test]
fn xfs_keeps_what_was_flushed_through_power_failures() {
    what_was_flushed_is_there(&XFS);
}
