// SPDX-License-Identifier: GPL-2.0

//! The forms of the command line, and what is printed.

mod support;

use std::fs;

use support::header::{archive, file, pax};
use support::{mkfs, mkfs_command, Folder, Run};

const USAGE: i32 = 16;

#[test]
fn usage_errors() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"")]));
    let path = path.to_str().unwrap();
    let before = fs::read(path).unwrap();
    for arguments in [
        &[][..],
        &["--no-such-option", path],
        &[path, path],
        &["-o", "a", "--index-only", "b", path],
        &["--check", "-o", "a", path],
        &["--check", "--label", "x", path],
        &["--uuid", "not-a-uuid", path],
    ] {
        let run = mkfs(arguments);
        assert_eq!(run.status, Some(USAGE), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("try '--help'"), "{run:?}");
    }
    assert!(fs::read(path).unwrap() == before);
}

#[test]
fn help_and_version() {
    let help = mkfs(["--help"]).good().stdout;
    assert!(help.contains("Usage: mkfs.tarfs [OPTIONS] <TAR>"), "{help}");
    for option in [
        "--output",
        "--index-only",
        "--check",
        "--uuid",
        "--label",
        "--quiet",
    ] {
        assert!(help.contains(option), "{help}");
    }
    let version = mkfs(["--version"]).good().stdout;
    assert_eq!(
        version,
        format!("mkfs.tarfs {}, format 1\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Makes an image of an archive with these entries; returns the last line without the file's name
/// and the time.
fn summary_of(members: &[Vec<u8>]) -> String {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    let run = mkfs([&path]).good();
    assert_eq!(run.stderr, "");
    let line = run.stdout.strip_prefix(&format!("{}: ", path.display()));
    let (before_time, time) = line.unwrap().split_once("), ").unwrap();
    let (_, after_time) = time.split_once(" s").unwrap();
    format!("{before_time}){after_time}")
}

#[test]
fn summary() {
    let plain = file("c", b"");
    let xattr = [pax("SCHILY.xattr.user.x", b"1"), file("a", b"")].concat();
    let unknown = [pax("VENDOR.key", b"1"), file("b", b"")].concat();
    let index = "index of 16384 bytes";
    assert_eq!(
        summary_of(&[plain]),
        format!("1 entries, {index} (16384 an entry)\n")
    );
    assert_eq!(
        summary_of(&[]),
        "0 entries, index of 12288 bytes (0 an entry)\n"
    );
    let two = format!("2 entries, {index} (8192 an entry)");
    let file = file("d", b"");
    assert_eq!(
        summary_of(&[xattr.clone(), file.clone()]),
        format!("{two}; not kept: extended attributes (1), unknown pax records (0)\n")
    );
    assert_eq!(
        summary_of(&[file, unknown.clone()]),
        format!("{two}; not kept: extended attributes (0), unknown pax records (1)\n")
    );
    assert_eq!(
        summary_of(&[xattr, unknown]),
        format!("{two}; not kept: extended attributes (1), unknown pax records (1)\n")
    );
}

#[test]
fn quiet() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"")]));
    for arguments in [&["--quiet"][..], &["-q"], &["--quiet", "--check"]] {
        let run = mkfs_command().args(arguments).arg(&path).output();
        let run = Run::from(run.unwrap()).good();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    }
    mkfs(["-q".as_ref(), folder.path("missing").as_path()]).fails(8, "missing");
}

/// Nobody reading the summary is no failure.
#[test]
fn closed_output() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"")]));
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = mkfs_command().arg(&path).stdout(full).output();
    Run::from(run.unwrap()).good();
}
