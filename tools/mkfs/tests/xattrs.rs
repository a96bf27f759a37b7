// SPDX-License-Identifier: GPL-2.0

//! Extended attributes and access control lists: those of real files through GNU tar, and records
//! of each kind as programs write them.

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::{json, Value};
use support::agreement::check;
use support::header::{
    archive, directory, extended, file, hard_link, pax, record, symlink, Header,
};
use support::walk::Image;
use support::{list_tar, mkfs, mkfs_in_place, python, read_image, tar, Folder};

/// Makes files with all extended attributes that the system permits, and the archive of those with such
/// names; returns what the system says that they have.
fn gnu_tar(folder: &Folder, names: &str) -> (PathBuf, Value) {
    let (root, archive) = (folder.path("root"), folder.path("made.tar"));
    fs::create_dir(&root).unwrap();
    python("xattrs_of.py", &["make".as_ref(), &root]);
    let found = python("xattrs_of.py", &["list".as_ref(), &root]);
    let include = format!("--xattrs-include={names}");
    tar([
        "-c",
        "-f",
        archive.to_str().unwrap(),
        "-C",
        root.to_str().unwrap(),
        "--format=posix",
        "--xattrs",
        &include,
        "--acls",
        ".",
    ])
    .good();
    (archive, serde_json::from_str(&found).unwrap())
}

#[test]
fn as_the_system_has_them() {
    let folder = Folder::new();
    let (archive, expected) = gnu_tar(&folder, "*");
    check(&folder, &archive);
    let files = &read_image(&[&archive])["files"];
    for (path, xattrs) in expected.as_object().unwrap() {
        assert_eq!(&files[path]["xattrs"], xattrs, "{path}");
    }
}

/// GNU tar writes the lists as text, with names where there are some; whose they are, an archive does
/// not say.
#[test]
fn lists_as_text() {
    let folder = Folder::new();
    let (archive, expected) = gnu_tar(&folder, "user.*");
    let acl = "system.posix_acl_access";
    if expected["default"][acl].is_null() {
        return;
    }
    let run = mkfs([&archive]).good();
    assert!(
        run.stdout
            .contains("it is for \"daemon\", and has no number"),
        "{}",
        run.stdout
    );
    check(&folder, &archive);
    let files = &read_image(&[&archive])["files"];
    assert_eq!(files["default"]["xattrs"][acl], Value::Null);
    assert_eq!(files["file"]["xattrs"][acl], expected["file"][acl]);
    assert_eq!(files["file"]["xattrs"]["user.plain"], hex(b"value"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares an archive with Python's reading of it; returns the files of its image.
fn files(members: &[Vec<u8>]) -> Value {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    check(&folder, &path);
    Image::new(&fs::read(&path).unwrap()).files()
}

fn file_with(records: &[Vec<u8>]) -> Vec<u8> {
    [extended(b'x', &records.concat()), file("a", b"contents")].concat()
}

fn xattrs_of(records: &[Vec<u8>]) -> Value {
    files(&[file_with(records)])["a"]["xattrs"].take()
}

#[test]
fn records_of_each_program() {
    let found = xattrs_of(&[
        record("SCHILY.xattr.user.star", b"a\0b\xff\n"),
        record("SCHILY.xattr.user.empty", b""),
        record("SCHILY.xattr.user.100%25%3D%20", b"1"),
        record("LIBARCHIVE.xattr.user.percent%3d%C3%9f", b"AP8"),
        record("LIBARCHIVE.xattr.user.padded", b"AP8="),
        // libarchive's record in star's way has the escaped name too.
        record("SCHILY.xattr.user.gr%C3%B6%C3%9Fe%3D", b"1"),
        record("LIBARCHIVE.xattr.user.gr%C3%B6%C3%9Fe%3D", b"MQ"),
        record("RHT.security.selinux", b"u:r:t:s0"),
    ]);
    let expected = json!({
        "user.star": hex(b"a\0b\xff\n"),
        "user.empty": "",
        "user.100%=%20": hex(b"1"),
        "user.percent=\u{c3}\u{9f}": "00ff",
        "user.padded": "00ff",
        "user.gr\u{c3}\u{b6}\u{c3}\u{9f}e=": hex(b"1"),
        "security.selinux": hex(b"u:r:t:s0\0"),
    });
    assert_eq!(found, expected);
}

/// Of records with one name the last one counts, whatever its kind; an entry's own replace global
/// ones.
#[test]
fn records_that_come_twice() {
    let global = [
        record("SCHILY.xattr.user.a", b"global"),
        record("SCHILY.xattr.user.b", b"global"),
    ];
    let own = [
        record("SCHILY.xattr.user.b", b"1"),
        record("LIBARCHIVE.xattr.user.b", b"Mg"),
    ];
    let found = files(&[
        extended(b'g', &global.concat()),
        file_with(&own),
        file("b", b""),
    ]);
    let expected = json!({"user.a": hex(b"global"), "user.b": hex(b"2")});
    assert_eq!(found["a"]["xattrs"], expected);
    let both = json!({"user.a": hex(b"global"), "user.b": hex(b"global")});
    assert_eq!(found["b"]["xattrs"], both);
}

#[test]
fn files_of_all_types() {
    let xattr = pax("SCHILY.xattr.security.selinux", b"label\0");
    let labelled = |member: Vec<u8>| [xattr.clone(), member].concat();
    let found = files(&[
        labelled(directory("d")),
        labelled(symlink("l", "d")),
        labelled(Header::new("fifo", 0).typed(b'6').block()),
        labelled(Header::new("null", 0).typed(b'3').block()),
        labelled(file("f", b"contents")),
        hard_link("again", "f"),
        file("plain", b""),
    ]);
    let label = json!({"security.selinux": hex(b"label\0")});
    for path in ["d", "l", "fifo", "null", "f", "again"] {
        assert_eq!(found[path]["xattrs"], label, "{path}");
    }
    assert_eq!(found["plain"]["xattrs"], json!({}));
}

/// A list for access also sets the permission bits, and where it says no more, that is all.
#[test]
fn lists_and_permissions() {
    let access = |text: &[u8]| {
        let records = [record("SCHILY.acl.access", text)];
        files(&[file_with(&records)])["a"].take()
    };
    let minimal = access(b"user::rwx\ngroup::-w-\nother::--x\n");
    assert_eq!(
        (&minimal["mode"], &minimal["xattrs"]),
        (&json!(0o721), &json!({}))
    );
    let list = access(b"user::rw-,user:lisa:rwx:502,group::r-x,mask::r--,other::---");
    assert_eq!(list["mode"], 0o640);
    assert!(list["xattrs"]["system.posix_acl_access"].is_string());
    let owner = Header::new("a", 0)
        .with(108, b"0000062\0")
        .with(116, b"0000063\0")
        .with(265, b"me")
        .with(297, b"us")
        .block();
    let text = b"u::rwx,u:me:r,g::r,g:us:rw,m::rw,o::-";
    let found = files(&[[pax("SCHILY.acl.access", text), owner].concat()]);
    let value = found["a"]["xattrs"]["system.posix_acl_access"].as_str();
    // Both numbers are those of the entry's owner, for these are their names.
    assert!(value.unwrap().contains(&format!("02000400{}", "32000000")));
    assert!(value.unwrap().contains(&format!("08000600{}", "33000000")));
}

#[test]
fn default_lists() {
    let text = b"user::rwx,group::r-x,other::r-x";
    let found = files(&[[pax("SCHILY.acl.default", text), directory("d")].concat()]);
    assert!(found["d"]["xattrs"]["system.posix_acl_default"].is_string());
    let empty = [pax("SCHILY.acl.default", b""), directory("d")].concat();
    assert_eq!(files(&[empty])["d"]["xattrs"], json!({}));
}

/// What is equal is stored once: a label on each file takes no more room than one.
#[test]
fn equal_sets_are_shared() {
    let length = |count: usize, value: fn(usize) -> usize| {
        let member = |i: usize| {
            let label = format!("system_u:object_r:type_{:03}:s0\0", value(i));
            let records = record("SCHILY.xattr.security.selinux", label.as_bytes());
            let header = extended(b'x', &records);
            [header, file(&format!("{i:04}"), b"")].concat()
        };
        let members: Vec<_> = (0..count).map(member).collect();
        let folder = Folder::new();
        let path = folder.write("made.tar", &archive(&members));
        check(&folder, &path);
        let image = fs::read(&path).unwrap();
        support::walk::superblock(&image).xattrs.records()
    };
    let one = length(1, |_| 0);
    assert_eq!(one, 4 + 12 + 7 + 30);
    assert_eq!(length(500, |_| 0), one);
    assert_eq!(length(500, |i| i % 5), 4 * 56 + 53);
    assert!(length(500, |i| i) > 500 * 56);
}

/// Different sets share values.
#[test]
fn equal_values_are_shared() {
    let large = vec![b'v'; 65_536];
    let member = |i: usize| {
        let records = [
            record("SCHILY.xattr.user.large", &large),
            record("SCHILY.xattr.user.number", i.to_string().as_bytes()),
        ];
        let header = extended(b'x', &records.concat());
        [header, file(&i.to_string(), b"")].concat()
    };
    let members: Vec<_> = (0..9).map(member).collect();
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&members));
    check(&folder, &path);
    let length = support::walk::superblock(&fs::read(&path).unwrap()).xattrs;
    assert!((65_536..66_500).contains(&length.records()), "{length:?}");
}

/// Sets do not cross blocks, values do.
#[test]
fn sets_of_all_sizes() {
    let member = |i: usize| {
        let records: Vec<_> = (0..i % 13 + 1)
            .map(|k| {
                let name = format!("SCHILY.xattr.user.{i}.{k}{}", "n".repeat(i * 7 % 200));
                record(&name, "v".repeat(i * k % 997).as_bytes())
            })
            .collect();
        [extended(b'x', &records.concat()), file(&i.to_string(), b"")].concat()
    };
    let members: Vec<_> = (0..200).map(member).collect();
    files(&members);
}

/// What a later entry replaced has left nothing behind.
#[test]
fn replaced_files() {
    let with = |value: &[u8]| [pax("SCHILY.xattr.user.x", value), file("a", b"")].concat();
    let folder = Folder::new();
    let twice = folder.write("twice.tar", &archive(&[with(b"first"), with(b"second")]));
    let image = mkfs_in_place(&twice);
    let region = support::walk::superblock(&image).xattrs;
    assert_eq!(region.records(), 4 + 12 + 1 + 6);
    assert_eq!(list_tar(&twice)["a"]["xattrs"]["user.x"], hex(b"second"));
}
