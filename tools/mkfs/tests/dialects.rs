// SPDX-License-Identifier: GPL-2.0

//! What programs write that Python's reader does not know.

mod support;

use serde_json::{json, Value};
use support::header::{archive, directory, extended, file, pax, record, Header};
use support::walk::Image;
use support::{mkfs_in_place, Folder};

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
