// SPDX-License-Identifier: GPL-2.0

//! The forms of the command line, and what is printed.

mod support;

use std::fs;

use support::header::{archive, extended, file, record};
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
    let index = "index of 12288 bytes";
    assert_eq!(
        summary_of(&[file("c", b"")]),
        format!("1 entries, {index} (12288 an entry)\n")
    );
    assert_eq!(
        summary_of(&[]),
        "0 entries, index of 8192 bytes (0 an entry)\n"
    );
}

/// What an image has no place for is counted and the first of each kind named, with the reason.
#[test]
fn what_is_left_out() {
    let with = |records: &[Vec<u8>], name: &str| {
        [extended(b'x', &records.concat()), file(name, b"")].concat()
    };
    let left_out = |records: &[Vec<u8>]| {
        let line = summary_of(&[with(records, "a"), with(records, "b")]);
        let (_, left_out) = line.split_once("; not kept: ").unwrap();
        left_out.trim_end().to_string()
    };
    let xattr = |name: &str| record(&format!("SCHILY.xattr.{name}"), b"1");
    let unknown = record("VENDOR.key", b"1");
    let records = |count| {
        format!("{count} pax records (first \"VENDOR.key\" of \"a\": its keyword is not known)")
    };
    assert_eq!(left_out(&[xattr("user.x"), unknown.clone()]), records(2));
    assert_eq!(left_out(&[unknown.clone(), unknown.clone()]), records(4));
    let xattrs = "2 extended attributes (first \"btrfs.x\" of \"a\": its namespace is not known)";
    assert_eq!(left_out(&[xattr("btrfs.x")]), xattrs);
    let both = format!("{xattrs}, {}", records(2));
    assert_eq!(left_out(&[unknown, xattr("btrfs.x")]), both);
    let long = format!("user.{}", "n".repeat(251));
    assert!(left_out(&[xattr(&long)]).contains("more than 255 bytes, or a NUL"));
    let large = record("SCHILY.xattr.user.x", &[b'v'; 65537]);
    assert!(left_out(&[large]).contains("its value has more than 65536 bytes"));
    let text = b"u::rw,u:alice:r,g::r,m::r,o::-";
    assert_eq!(
        left_out(&[record("SCHILY.acl.access", text)]),
        "2 extended attributes (first \"system.posix_acl_access\" of \"a\": it is for \"alice\", and \
         has no number for that; archive it with `--numeric-owner`)"
    );
    let text = b"u::rw,u:1:r,g::r,m::r,o::-";
    let default = left_out(&[record("SCHILY.acl.default", text)]);
    assert!(
        default.contains("files of this type have none"),
        "{default}"
    );
}

/// What was made, for programs.
#[test]
fn json() {
    let folder = Folder::new();
    let with = |records: &[Vec<u8>], name: &str| {
        [extended(b'x', &records.concat()), file(name, b"")].concat()
    };
    let members = [
        with(&[record("SCHILY.xattr.btrfs.x", b"")], "a"),
        with(&[record("VENDOR.key", b"1"), record("path", b"\xff")], "b"),
        [extended(b'L', b"c\0"), with(&[record("path", b"d")], "e")].concat(),
    ];
    let path = folder.write("made.tar", &archive(&members));
    let run = mkfs_command()
        .args(["--json", "--label=text"])
        .arg(&path)
        .output();
    let mut found: serde_json::Value =
        serde_json::from_str(&Run::from(run.unwrap()).good().stdout).unwrap();
    assert!(found["seconds"].take().is_f64());
    let image = support::read_image(&[&path]);
    assert_eq!(
        found["uuid"].take().as_str().unwrap().replace('-', ""),
        image["uuid"]
    );
    let expected = serde_json::json!({
        "archive": path.to_str(),
        "archive_bytes": archive(&members).len(),
        "entries": 3,
        "inodes": 4,
        "index_bytes": fs::metadata(&path).unwrap().len() - 8192,
        "uuid": null,
        "label": "text",
        "not_kept": {
            "xattrs": {
                "count": 1,
                "first": [
                    {"entry": "a", "name": "btrfs.x", "reason": "its namespace is not known"},
                ],
            },
            "records": {
                "count": 1,
                "first": [
                    {"entry": [255], "name": "VENDOR.key", "reason": "its keyword is not known"},
                ],
            },
        },
        "layers": [],
        "read_differently": {
            "count": 1,
            "first": [{
                "entry": "d",
                "name": null,
                "reason": "a long name both of GNU tar and of pax: GNU tar takes that of pax, \
                           libarchive and Python the first",
            }],
        },
        "seconds": null,
    });
    assert_eq!(found, expected);
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

/// Each tool writes its manual pages and completions, with all of its options.
#[test]
fn manuals_and_completions() {
    let folder = Folder::new();
    for (program, name, page, option) in [
        (
            env!("CARGO_BIN_EXE_mkfs-tarfs"),
            "mkfs.tarfs",
            "mkfs.tarfs.8",
            "index\\-only",
        ),
        (
            env!("CARGO_BIN_EXE_fsck-tarfs"),
            "fsck.tarfs",
            "fsck.tarfs.8",
            "repair",
        ),
        (
            env!("CARGO_BIN_EXE_dump-tarfs"),
            "dump.tarfs",
            "dump.tarfs-to-tar.8",
            "output",
        ),
    ] {
        let out = folder.path(name);
        let mut command = std::process::Command::new(program);
        Run::from(command.arg("--generate").arg(&out).output().unwrap()).good();
        let text = fs::read_to_string(out.join("man8").join(page)).unwrap();
        assert!(text.contains(option), "{text}");
        for shell in ["bash", "fish"] {
            let path = out.join("completions").join(format!("{name}.{shell}"));
            let text = fs::read_to_string(path).unwrap();
            assert!(text.contains(name) && !text.contains("generate"), "{text}");
        }
    }
}
