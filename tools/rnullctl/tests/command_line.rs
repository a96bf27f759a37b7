// SPDX-License-Identifier: GPL-2.0
//! The program on a folder that looks like configfs: what it writes, and what it says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A configfs with a driver and the disk `a`.
fn configfs() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("rnull/a");
    fs::create_dir_all(&disk).unwrap();
    let features = "blocksize,irqmode,power,size,submit_queues\n";
    fs::write(folder.path().join("rnull/features"), features).unwrap();
    for (attribute, value) in [
        ("blocksize", 512),
        ("irqmode", 1),
        ("power", 0),
        ("size", 256_000),
        ("submit_queues", 1),
    ] {
        fs::write(disk.join(attribute), format!("{value}\n")).unwrap();
    }
    for (file, text) in [
        ("latency/read", "off\n"),
        ("statistics/enabled", "0\n"),
        ("statistics/reset", ""),
    ] {
        fs::create_dir_all(disk.join(file).parent().unwrap()).unwrap();
        fs::write(disk.join(file), text).unwrap();
    }
    for operation in [
        "read",
        "write",
        "flush",
        "discard",
        "write_zeroes",
        "zone_append",
        "zone_management",
    ] {
        let text = "count 2\nbytes 8192\nerrors 0\nlatency 1024 2047 2\n";
        fs::write(disk.join("statistics").join(operation), text).unwrap();
    }
    folder
}

fn rnullctl(configfs: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rnullctl"))
        .arg("--configfs")
        .arg(configfs)
        .args(arguments)
        .output()
        .unwrap()
}

/// Status, standard output and standard error of a run.
fn run(configfs: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = rnullctl(configfs, arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, text(output.stdout), text(output.stderr))
}

#[test]
fn disks_are_listed_and_shown() {
    let configfs = configfs();
    let run = |arguments: &[&str]| {
        let (status, out, err) = run(configfs.path(), arguments);
        assert_eq!((status, &*err), (0, ""));
        out
    };
    assert_eq!(
        run(&["list"]),
        "NAME  POWER  SIZE     BLOCK  QUEUES  IRQMODE\na     off    250 GiB  512    1       1\n"
    );
    assert_eq!(
        run(&["show", "a", "irqmode", "size"]),
        "irqmode=1\nsize=256000\n"
    );
    let json: serde_json::Value = serde_json::from_str(&run(&["list", "--json"])).unwrap();
    let expected = serde_json::json!([{
        "name": "a", "blocksize": 512, "irqmode": 1, "power": false, "size": 256_000,
        "submit_queues": 1, "latency/read": "off", "statistics/enabled": false,
        "statistics/reset": "",
    }]);
    assert_eq!(json, expected);
}

#[test]
fn settings_are_written_as_given() {
    let configfs = configfs();
    let model = "latency/read=table 50:80000 99.9:1000000";
    let arguments = ["set", "a", "blocksize=0x1000", "power=on", model];
    assert_eq!(
        run(configfs.path(), &arguments),
        (0, String::new(), String::new())
    );
    let read = |attribute| fs::read_to_string(configfs.path().join("rnull/a").join(attribute));
    assert_eq!(read("blocksize").unwrap(), "0x1000");
    assert_eq!(read("power").unwrap(), "on");
    assert_eq!(read("latency/read").unwrap(), "table 50:80000 99.9:1000000");
}

#[test]
fn what_the_driver_counted_is_shown() {
    let configfs = configfs();
    let sysfs = configfs.path();
    let stats = |arguments: &[&str]| {
        let sysfs = ["--sysfs", sysfs.to_str().unwrap()];
        run(
            configfs.path(),
            &[&["stats", "a"], &sysfs[..], arguments].concat(),
        )
    };
    let enabled = configfs.path().join("rnull/a/statistics/enabled");
    fs::write(&enabled, "1\n").unwrap();
    // The disk is off.
    let (status, out, err) = stats(&[]);
    assert_eq!((status, &*err), (0, ""));
    assert!(out.starts_with(
        "\
OPERATION        COUNT  BYTES  ERRORS  P50      P99
read             2      8192   0       1535 ns  2047 ns
"
    ));
    let (_, out, _) = stats(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["operations"]["flush"]["p50_ns"], 1535);

    fs::create_dir_all(configfs.path().join("block/a")).unwrap();
    fs::write(configfs.path().join("block/a/stat"), "5 0 40").unwrap();
    fs::write(&enabled, "0\n").unwrap();
    let (status, out, err) = stats(&[]);
    assert_eq!(
        (status, &*out),
        (0, "reads=5\nreads_merged=0\nsectors_read=40\n")
    );
    assert_eq!(
        err,
        "rnullctl: a: the driver counts nothing: set statistics/enabled=1 while the disk is off\n"
    );
    let (_, out, _) = stats(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["operations"], serde_json::Value::Null);
    assert_eq!(json["reads"], 5);
}

#[test]
fn what_breaks_a_rule_is_named_and_nothing_written() {
    let configfs = configfs();
    for (arguments, status, message) in [
        (
            &["set", "a", "irqmode=0", "blocksize=513"][..],
            2,
            "a: blocksize cannot be \"513\": it must be a power of two from 512 to 65536",
        ),
        (
            &["set", "a", "irqmode=3"],
            2,
            "a: irqmode cannot be \"3\": it must be a number from 0 to 2",
        ),
        (
            &["set", "a", "power=maybe"],
            2,
            "a: power cannot be \"maybe\": it must be 1, y, t, on, or 0, n, f, off",
        ),
        (
            &["set", "a", "memory_backed=1"],
            2,
            "a: memory_backed: the loaded driver has no such attribute; `rnullctl show DISK` \
             lists its own",
        ),
        (
            &["set", "a", "latency/read=uniform 2 1"],
            2,
            "a: latency/read cannot be \"uniform 2 1\": it must be uniform with a MIN that is not \
             above MAX",
        ),
        (
            &["set", "a", "latency/none=off"],
            2,
            "a: latency/none: the loaded driver has no such attribute; `rnullctl show DISK` lists \
             its own",
        ),
        (
            &["crash", "a"],
            2,
            "a: crash/now: the loaded driver has no such attribute; `rnullctl show DISK` lists its \
             own",
        ),
        (
            &["show", "b"],
            4,
            "b: no such disk; `rnullctl list` shows those there are",
        ),
        (
            &["create", "a"],
            2,
            "a: there is a disk of that name already; choose another, or destroy it",
        ),
        (
            &["create", "../b"],
            16,
            "\"../b\": no name for a disk; use 1 to 31 bytes without a slash, not a dot first",
        ),
        (
            &["stats", "a", "--sysfs", "/nonexistent"],
            2,
            "a: statistics: the disk is off, and the block layer counts for disks that are on",
        ),
    ] {
        let (got, out, err) = run(configfs.path(), arguments);
        assert_eq!((got, &*out), (status, ""), "{arguments:?}");
        assert_eq!(err, format!("rnullctl: {message}\n"), "{arguments:?}");
    }
    let irqmode = fs::read_to_string(configfs.path().join("rnull/a/irqmode")).unwrap();
    assert_eq!(irqmode, "1\n");
    // A disk that was not to be made is not there.
    let (status, _, err) = run(configfs.path(), &["create", "b", "--profile", "hdd"]);
    assert_eq!(status, 2);
    assert!(
        err.starts_with("rnullctl: b: rotational: the loaded driver has no such"),
        "{err}"
    );
    assert!(!configfs.path().join("rnull/b").exists());
}

#[test]
fn crashes_and_rules_are_files_of_their_directories() {
    let configfs = configfs();
    let disk = configfs.path().join("rnull/a");
    for (file, text) in [
        ("crash/lose", "all\n"),
        ("crash/now", "0\n"),
        ("crash/seed", "0\n"),
        ("crash/torn", "0\n"),
        ("rules/from", "0\n"),
        ("rules/rules", ""),
    ] {
        fs::create_dir_all(disk.join(file).parent().unwrap()).unwrap();
        fs::write(disk.join(file), text).unwrap();
    }
    let read = |file| fs::read_to_string(disk.join(file)).unwrap();
    let run = |arguments: &[&str]| run(configfs.path(), arguments);
    let done = (0, String::new(), String::new());

    assert_eq!(run(&["crash", "a", "--lose", "random 2.5", "--torn"]), done);
    assert_eq!(read("crash/lose"), "random 2.5");
    assert_eq!(read("crash/torn"), "1");
    assert_eq!(
        (read("crash/now"), read("crash/seed")),
        ("1".into(), "0\n".into())
    );
    assert_eq!(run(&["set", "a", "crash/seed=7"]), done);
    assert_eq!(read("crash/seed"), "7");
    let (status, _, err) = run(&["crash", "a", "--seed", "8", "--lose", "random 101"]);
    assert_eq!(
        (status, read("crash/seed")),
        (2, "7".into()),
        "none is written"
    );
    assert!(
        err.contains("crash/lose cannot be \"random 101\": it must be all, none"),
        "{err}"
    );

    let add = [
        "rules",
        "add",
        "a",
        "--op",
        "read,write",
        "--sectors",
        "0-7",
        "--heal",
    ];
    let with = |more: &[&str]| run(&[&add[..], more].concat());
    assert_eq!(
        with(&["--status", "medium", "--probability", "0.5", "--times", "3"]),
        done
    );
    assert_eq!(
        read("rules/rules"),
        "+op=read,write sectors=0-7 status=medium probability=0.5 times=3 heal"
    );
    assert_eq!(run(&["rules", "add", "a", "--corrupt"]), done);
    assert_eq!(read("rules/rules"), "+corrupt");
    assert_eq!(run(&["rules", "remove", "a", "5", "all"]), done);
    assert_eq!(read("rules/rules"), "-all");
    for more in [
        &[][..],
        &["--status", "bad"],
        &["--status", "medium", "--corrupt"],
        &["--status", "medium", "--op", "sync"],
        &["--status", "medium", "--probability", "101"],
        &["--status", "medium", "--times", "-1"],
    ] {
        assert_eq!(with(more).0, 16, "{more:?}");
    }
}

#[test]
fn without_a_driver_it_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let (status, _, err) = run(empty.path(), &["list"]);
    assert_eq!(status, 4);
    assert!(err.contains("load one (modprobe rnull)"), "{err}");
}

#[test]
fn a_wrong_command_line_is_explained() {
    let configfs = configfs();
    for arguments in [
        &["set", "a", "blocksize"][..],
        &["set", "a", "../a/size=1"],
        &["set", "a", "latency/=off"],
        &["set", "a"],
        &["create", "b", "--profile", "floppy"],
        &[],
    ] {
        let (status, out, err) = run(configfs.path(), arguments);
        assert_eq!((status, &*out), (16, ""), "{arguments:?}");
        assert!(err.contains("Usage") || err.contains("--help"), "{err}");
    }
}

#[test]
fn completions_and_the_man_page_come_from_the_same_definitions() {
    let configfs = configfs();
    for shell in ["bash", "zsh", "fish"] {
        let (status, out, _) = run(configfs.path(), &["completions", shell]);
        assert_eq!(status, 0);
        assert!(out.contains("ignore-missing"), "{shell}");
    }
    let (status, out, _) = run(configfs.path(), &["man"]);
    assert_eq!(status, 0);
    assert!(
        out.contains(".TH rnullctl 1") && out.contains("destroy"),
        "{out}"
    );
}
