// SPDX-License-Identifier: GPL-2.0
//! Tests of the guest runner itself.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lab::guest::{Accelerator, Access, Boot};
use lab::{Error, Kind, Lab};

fn message(error: &Error) -> String {
    assert_eq!(error.kind(), Kind::Guest, "{error}");
    error.to_string()
}

#[test]
fn a_command_gives_its_status_and_its_output() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab).boot().unwrap();
    let output = guest.run("echo out; echo err >&2; exit 3").unwrap();
    assert_eq!((output.status, &*output.text()), (3, "out\nerr\n"));
    assert_eq!(guest.run("kill -9 $$").unwrap().status, 128 + 9);
    assert_eq!(guest.run("cat").unwrap().stdout, b"", "there is no input");
    let error = guest.run("echo reason; false").unwrap().ok().unwrap_err();
    assert!(message(&error).contains("reason"), "{error}");
    guest.shutdown().unwrap();
}

#[test]
fn a_crash_of_the_emulation_is_survived_while_the_guest_starts() {
    let lab = Lab::locate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::write(&disk, [0; 4096]).unwrap();
    let killer = thread::spawn({
        let disk = disk.clone();
        move || kill_one_with_argument(disk.to_str().unwrap())
    });
    let boot = Boot::new(&lab).accelerator(Accelerator::Tcg);
    let mut guest = boot.disk(&disk, Access::ReadOnly).boot().unwrap();
    killer.join().unwrap();
    guest.run("true").unwrap().ok().unwrap();
    guest.shutdown().unwrap();
}

/// Waits for a process with such an argument, and has it end like one that aborts.
fn kill_one_with_argument(part: &str) {
    let has_it = |command: &[u8]| String::from_utf8_lossy(command).contains(part);
    loop {
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            if has_it(&command) {
                let id = process.file_name();
                let killed = Command::new("kill").arg("-ABRT").arg(&id).status();
                return assert!(killed.unwrap().success());
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn bytes_pass_unchanged_both_ways() {
    let lab = Lab::locate().unwrap();
    let all: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let mut guest = Boot::new(&lab)
        .bytes("/data/from boot", &all)
        .boot()
        .unwrap();
    guest.put("/data/deep/put", &all).unwrap();
    assert!(guest
        .run("cmp '/data/from boot' /data/deep/put")
        .unwrap()
        .ok()
        .is_ok());
    assert!(guest.run("cat /data/deep/put").unwrap().stdout == all);
    guest.shutdown().unwrap();
}

#[test]
fn programs_come_with_their_libraries() {
    let lab = Lab::locate().unwrap();
    let own = std::env::current_exe().unwrap();
    let mut guest = Boot::new(&lab)
        .program("fio")
        .program(own.to_str().unwrap())
        .boot()
        .unwrap();
    let fio = guest.run("fio --version").unwrap().ok().unwrap();
    assert!(fio.text().starts_with("fio-"), "{}", fio.text());
    let name = own.file_name().unwrap().to_str().unwrap();
    let list = guest.run(&format!("{name} --list")).unwrap().ok().unwrap();
    assert!(
        list.text()
            .contains("programs_come_with_their_libraries: test"),
        "{}",
        list.text()
    );
    guest.shutdown().unwrap();
}

#[test]
fn stock_modules_come_with_what_they_depend_on() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab).stock_module("null_blk").boot().unwrap();
    guest
        .run("modprobe null_blk nr_devices=1")
        .unwrap()
        .ok()
        .unwrap();
    let modules = guest.run("cat /proc/modules").unwrap().ok().unwrap();
    assert!(modules.text().contains("configfs"), "{}", modules.text());
    assert!(guest.run("test -b /dev/nullb0").unwrap().ok().is_ok());
    guest.shutdown().unwrap();

    let error = Boot::new(&lab)
        .stock_module("no_such_module")
        .boot()
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::Missing);
}

#[test]
fn disks_hold_what_the_host_has_and_may_be_written_if_allowed() {
    let lab = Lab::locate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (read_only, writable) = (folder.path().join("a,b"), folder.path().join("c"));
    std::fs::write(&read_only, [1; 4096]).unwrap();
    std::fs::write(&writable, [2; 4096]).unwrap();
    let mut guest = Boot::new(&lab)
        .disk(&read_only, Access::ReadOnly)
        .disk(&writable, Access::ReadWrite)
        .boot()
        .unwrap();
    assert!(guest.run("cat /dev/vda").unwrap().stdout == [1; 4096]);
    assert_ne!(guest.run("cat /dev/vdb >/dev/vda").unwrap().status, 0);
    guest
        .run("cat /dev/vda >/dev/vdb && sync")
        .unwrap()
        .ok()
        .unwrap();
    guest.shutdown().unwrap();
    assert!(std::fs::read(&writable).unwrap() == [1; 4096]);
}

#[test]
fn with_icount_sleeping_costs_nothing_and_copies_are_loops() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .icount()
        .command_limit(Duration::from_secs(600))
        .boot()
        .unwrap();
    guest.run("sleep 600").unwrap().ok().unwrap();
    assert_eq!(
        guest
            .run("grep -wE 'erms|fsrm' /proc/cpuinfo")
            .unwrap()
            .status,
        1
    );
    guest.shutdown().unwrap();
}

#[test]
fn a_command_beyond_its_time_ends_the_guest() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .command_limit(Duration::from_secs(2))
        .boot()
        .unwrap();
    let error = guest
        .run(r"printf 'be%s\n' fore >/dev/kmsg; sleep 1000")
        .unwrap_err();
    assert!(message(&error).contains("time limit"), "{error}");
    assert!(
        message(&error).contains("before"),
        "the log's tail: {error}"
    );
    assert!(guest.run("true").is_err());
}

#[test]
fn a_guest_beyond_its_time_takes_no_commands() {
    let lab = Lab::locate().unwrap();
    let boot = Boot::new(&lab).guest_limit(Duration::ZERO);
    let error = boot.boot().unwrap().run("true").unwrap_err();
    assert!(message(&error).contains("time limit"), "{error}");
}

#[test]
fn a_panic_is_an_error_with_the_end_of_the_log() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab).boot().unwrap();
    let error = guest.run("echo c >/proc/sysrq-trigger").unwrap_err();
    assert!(message(&error).contains("sysrq triggered crash"), "{error}");
    let path = message(&error);
    let path = path.rsplit_once("log: ").unwrap().1.trim_end_matches(')');
    assert!(std::fs::read_to_string(Path::new(path))
        .unwrap()
        .contains("Kernel panic"));
}

#[test]
fn a_warning_is_an_error_at_the_end() {
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab).boot().unwrap();
    guest
        .run("echo '<4>WARNING: CPU: 0 PID: 1 at test' >/dev/kmsg")
        .unwrap()
        .ok()
        .unwrap();
    let error = guest.shutdown().unwrap_err();
    assert!(
        message(&error).contains("WARNING: CPU: 0 PID: 1 at test"),
        "{error}"
    );
}

/// Not a test of its own: what `a_killed_parent_leaves_no_guest` kills.
#[test]
fn parent_that_is_killed() {
    if std::env::var_os(PARENT).is_some() {
        let lab = Lab::locate().unwrap();
        let mut guest = Boot::new(&lab).boot().unwrap();
        println!("\nqemu {}", guest.id());
        guest.run("sleep 1000").unwrap();
    }
}

const PARENT: &str = "BLOCKYARD_TEST_PARENT";

#[test]
fn a_killed_parent_leaves_no_guest() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "parent_that_is_killed"])
        .env(PARENT, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let qemu = lines.find_map(|line| line.unwrap().strip_prefix("qemu ").map(str::to_owned));
    let qemu = Path::new("/proc").join(qemu.unwrap());
    assert!(qemu.exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The kernel sends the signal as the parent ends; the guest needs a moment to die of it.
    for _ in 0..500 {
        if !qemu.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{} still runs", qemu.display());
}
