// SPDX-License-Identifier: GPL-2.0

//! What programs write that Python's reader does not know.

mod support;

use std::fs;

use serde_json::{json, Value};
use support::header::{archive, directory, extended, file, pax, record, Header};
use support::walk::Image;
use support::{mkfs, mkfs_in_place, tar, Folder};

fn files(members: &[Vec<u8>]) -> Value {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    Image::new(&mkfs_in_place(&path)).files()
}

fn names(files: &Value) -> Vec<&String> {
    files.as_object().unwrap().keys().collect()
}

/// GNU tar writes a volume's label as an entry of its own.
#[test]
fn volume_labels() {
    let label = Header::new("label", 0).typed(b'V').block();
    let files = files(&[label, file("a", b"contents")]);
    assert_eq!(names(&files), [".", "a"]);
    assert_eq!(files["a"]["data"], 2);
}

/// In GNU tar's incremental archives, a directory has the list of its files as data.
#[test]
fn directories_with_lists() {
    let list = b"Yfile\0\0";
    let mut data = list.to_vec();
    data.resize(512, 0);
    let header = Header::new("d/", list.len() as u64).typed(b'D').block();
    let files = files(&[[header, data].concat(), file("d/file", b"contents")]);
    assert_eq!(names(&files), [".", "d", "d/file"]);
    assert_eq!(files["d"]["type"], "directory");
    assert_eq!(files["d/file"]["data"], 3);
}

/// The names of directories end in a slash in archives older than the type for them. Python takes
/// only the older one of two types of regular files for such.
#[test]
fn directories_with_slashes() {
    for typeflag in [0, b'0', b'7'] {
        let files = files(&[Header::new("d/", 0).typed(typeflag).block()]);
        assert_eq!(files["d"]["type"], "directory");
    }
}

/// Solaris has its own type for what pax calls an extended header.
#[test]
fn solaris_headers() {
    let header = extended(b'X', &record("path", b"long name"));
    let files = files(&[[header, file("short", b"")].concat()]);
    assert_eq!(names(&files), [".", "long name"]);
    assert_eq!(files["long name"]["header"], 0);
}

/// star has records for device numbers that a header has no room for.
#[test]
fn device_numbers_in_records() {
    let records = [
        record("SCHILY.devmajor", b"4095"),
        record("SCHILY.devminor", b"1048575"),
    ];
    let device = Header::new("null", 0).typed(b'3').block();
    let files = files(&[[extended(b'x', &records.concat()), device].concat()]);
    assert_eq!(files["null"]["device"], json!([4095, 1_048_575]));
}

/// Of a GNU and a pax name for one entry, the pax one counts; both are the entry's headers.
#[test]
fn two_long_names() {
    let long = extended(b'L', b"gnu\0");
    let target = extended(b'K', b"target\0");
    let link = Header::new("short", 0).typed(b'2').link("short").block();
    let headers = [target, long, pax("path", b"pax"), link].concat();
    let files = files(&[directory("d"), headers]);
    assert_eq!(names(&files), [".", "d", "pax"]);
    assert_eq!(files["pax"]["target"], "target");
    assert_eq!(files["pax"]["header"], 1);
}

/// Archives that were concatenated are read to the last where that is asked for, as GNU tar does, also
/// where the file has its index already.
#[test]
fn concatenated_archives() {
    let folder = Folder::new();
    let padded = |mut archive: Vec<u8>| {
        archive.resize(archive.len().next_multiple_of(10_240), 0);
        archive
    };
    let parts = [
        padded(archive(&[file("a", b"first"), file("b", b"first")])),
        vec![0; 512],
        padded(archive(&[file("b", b"second"), directory("c")])),
        file("d", b"without an end"),
    ];
    let path = folder.write("made.tar", &parts.concat());
    let listed = tar(["--ignore-zeros", "-tf", path.to_str().unwrap()])
        .good()
        .stdout;
    assert_eq!(listed, "a\nb\nb\nc\nd\n");
    let make = || {
        mkfs(["--ignore-zeros".as_ref(), path.as_path()]).good();
        fs::read(&path).unwrap()
    };
    let image = make();
    let files = Image::new(&image).files();
    assert_eq!(names(&files), [".", "a", "b", "c", "d"]);
    assert_eq!(files["b"]["size"], 6);
    assert!(make() == image);
    // An index that is not complete is none of the archives.
    fs::write(&path, &image[..image.len() - 4096]).unwrap();
    assert!(make() == image);
    fs::write(&path, parts.concat()).unwrap();
    assert_eq!(
        names(&Image::new(&mkfs_in_place(&path)).files()),
        [".", "a", "b"]
    );
}

/// What an image has no place for is kept as extended attributes where that is asked for.
#[test]
fn records_as_extended_attributes() {
    let folder = Folder::new();
    let records = [
        record("VENDOR.own", b"\0\xff"),
        record("uname", b"long name"),
    ];
    let named = Header::new("a", 0)
        .with(265, b"short")
        .with(297, b"group")
        .block();
    let members = [
        extended(b'g', &record("VENDOR.global", b"1")),
        [extended(b'x', &records.concat()), named].concat(),
        [pax("VENDOR.global", b"2"), file("b", b"")].concat(),
        Header::new("c", 0).typed(b'5').block(),
    ];
    let path = folder.write("made.tar", &archive(&members));
    let run = mkfs(["--tar-xattrs".as_ref(), path.as_path()]).good();
    assert!(!run.stdout.contains("not kept"), "{}", run.stdout);
    let files = Image::new(&fs::read(&path).unwrap()).files();
    let a = json!({
        "user.tar.VENDOR.global": "31",
        "user.tar.VENDOR.own": "00ff",
        "user.tar.uname": "6c6f6e67206e616d65",
        "user.tar.gname": "67726f7570",
    });
    assert_eq!(files["a"]["xattrs"], a);
    assert_eq!(
        files["b"]["xattrs"],
        json!({"user.tar.VENDOR.global": "32"})
    );
    assert_eq!(
        files["c"]["xattrs"],
        json!({"user.tar.VENDOR.global": "31"})
    );
    // Otherwise each is left out once.
    let run = mkfs([&path]).good();
    assert!(
        run.stdout
            .contains("; not kept: 3 pax records (first \"VENDOR.global\" of \"a\""),
        "{}",
        run.stdout
    );
}

/// In pax archives, GNU tar has the lists of incremental archives and the labels of volumes in
/// records.
#[test]
fn incremental_archives_and_labels_in_records() {
    let folder = Folder::new();
    let root = folder.path("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("file"), "contents").unwrap();
    let (path, list) = (folder.path("made.tar"), folder.path("list"));
    tar([
        "-cf",
        path.to_str().unwrap(),
        "--format=posix",
        "--label=label",
        "-g",
        list.to_str().unwrap(),
        "-C",
        root.to_str().unwrap(),
        ".",
    ])
    .good();
    let run = mkfs([&path]).good();
    assert!(!run.stdout.contains("not kept"), "{}", run.stdout);
    assert_eq!(
        names(&Image::new(&fs::read(&path).unwrap()).files()),
        [".", "file"]
    );
}

/// star's headers have times where POSIX's still have the prefix of the name.
#[test]
fn star_headers() {
    let header = Header::new("file", 0)
        .with(345, b"long/prefix")
        .with(476, b"14524700000 14524700000 ")
        .with(508, b"tar\0");
    let old = Header::new("old", 0).with(257, &[0; 8]).with(508, b"tar\0");
    let files = files(&[header.block(), old.block()]);
    assert!(files["long/prefix/file"].is_object());
    assert!(files["old"].is_object());
}

/// Solaris has a header of its own for access control lists.
#[test]
fn solaris_lists() {
    let text = b"1000005\0user::rwx,user:lisa:r--:502,group::r-x,mask:r-x,other:---\0";
    let with = |contents: &[u8], name| [extended(b'A', contents), file(name, b"")].concat();
    let files = files(&[with(text, "a"), with(b"3000001\0owner@:r:allow\0", "b")]);
    assert_eq!(files["a"]["mode"], 0o750);
    let entries = [
        "0200000001000700ffffffff02000400f6010000",
        "04000500ffffffff10000500ffffffff20000000ffffffff",
    ];
    assert_eq!(
        files["a"]["xattrs"],
        json!({"system.posix_acl_access": entries.concat()})
    );
    assert_eq!(files["b"]["xattrs"], json!({}));
}

/// Times from the year -1000 to the year 10000, with all digits of their fractions.
#[test]
fn times() {
    let member =
        |name: &str, mtime: &str| [pax("mtime", mtime.as_bytes()), file(name, b"")].concat();
    let files = files(&[
        member("a", "-93692592000.000000001"),
        member("b", "253402300800.999999999"),
        member("c", "-0.000000001"),
        member("d", "2147483648.5"),
    ]);
    assert_eq!(
        files["a"]["mtime"],
        json!([-93_692_592_001i64, 999_999_999])
    );
    assert_eq!(
        files["b"]["mtime"],
        json!([253_402_300_800i64, 999_999_999])
    );
    assert_eq!(files["c"]["mtime"], json!([-1, 999_999_999]));
    assert_eq!(files["d"]["mtime"], json!([2_147_483_648i64, 500_000_000]));
}

/// A later record replaces an earlier one, also across headers.
#[test]
fn records_that_come_twice() {
    let first = extended(b'x', &[record("uid", b"1"), record("gid", b"1")].concat());
    let second = extended(b'x', &[record("uid", b"2"), record("uid", b"3")].concat());
    let files = files(&[[first, second, file("a", b"")].concat()]);
    assert_eq!(files["a"]["uid"], 3);
    assert_eq!(files["a"]["gid"], 1);
}

/// The prefix field of a GNU header has other things in it.
#[test]
fn no_prefix_in_gnu_headers() {
    let gnu = Header::new("a", 0)
        .with(257, b"ustar  \0")
        .with(345, b"14524700000");
    let old = Header::new("b", 0).with(257, &[0; 8]).with(345, b"garbage");
    let files = files(&[gnu.block(), old.block()]);
    assert_eq!(names(&files), [".", "a", "b"]);
}
