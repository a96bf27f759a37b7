// SPDX-License-Identifier: GPL-2.0

//! Each rule that an archive can break: the exit status, the message, and an archive that is as it
//! was.

mod support;

use std::path::Path;

use support::header::{
    archive, directory, extended, file, hard_link, pax, record, symlink, Header,
};
use support::refusal::{fails, members_fail, DAMAGED, REFUSED};
use support::{broken_rules, mkfs, Folder};

#[test]
fn not_a_tar() {
    fails(
        b"",
        DAMAGED,
        "bad.tar: not a tar archive: it is shorter than a header",
    );
    fails(&[b'x'; 511], DAMAGED, "shorter than a header");
    fails(
        &[b'x'; 5000],
        DAMAGED,
        "does not start with a header whose checksum is right",
    );
    let late = [vec![0; 100_000], b"late".to_vec()].concat();
    fails(
        &late,
        DAMAGED,
        "it starts with zeros, and has other data after them",
    );
}

#[test]
fn truncated() {
    let good = archive(&[file("first", &[1; 600]), file("second", &[2; 600])]);
    let cut = "bad.tar: byte 1536: entry \"second\": its 600 bytes from byte 2048 on go beyond";
    fails(&good[..2048], DAMAGED, cut);
    fails(&good[..3071], DAMAGED, cut);
    fails(
        &good[..1700],
        DAMAGED,
        "bad.tar: byte 1536: the file ends within a header",
    );
    let long = [extended(b'x', &record("path", b"name")), file("x", b"")].concat();
    fails(
        &long[..1024],
        DAMAGED,
        "byte 0: an extended header is followed by no entry",
    );
    fails(
        &long[..700],
        DAMAGED,
        "byte 0: entry \"extended\": its 13 bytes",
    );
    members_fail(
        &[extended(b'L', b"name\0")],
        DAMAGED,
        "byte 1024: an extended header is",
    );
}

#[test]
fn size_beyond_the_file() {
    let big = Header::new("big", 0).with(124, b"77777777777\0").block();
    members_fail(
        &[big],
        DAMAGED,
        "byte 1024: entry \"big\": its 8589934591 bytes from byte 1536",
    );
    let huge = Header::new("huge", 0).with(124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    members_fail(&[huge.block()], DAMAGED, "its 9223372036854775807 bytes");
    let record = pax("size", b"9223372036854775807");
    members_fail(
        &[[record, file("x", b"")].concat()],
        DAMAGED,
        "its 9223372036854775807 bytes",
    );
}

#[test]
fn checksum() {
    let mut bad = archive(&[file("first", b"1"), file("second", b"2")]);
    bad[1024 + 5] ^= 1;
    fails(&bad, DAMAGED, "bad.tar: byte 1024: header checksum is");
    bad[1024 + 5] ^= 1;
    bad[1024 + 148..1024 + 156].copy_from_slice(b"xxxxxxxx");
    fails(&bad, DAMAGED, "recorded \"xxxxxxxx\"");
}

/// Programs that summed signed bytes wrote other checksums.
#[test]
fn signed_checksum_is_good() {
    let name = "\u{e9}".repeat(20);
    let mut header = Header::new(&name, 0).block();
    header[148..156].copy_from_slice(b"        ");
    let sum: i32 = header.iter().map(|&byte| i32::from(byte as i8)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let folder = Folder::new();
    let path = folder.write("signed.tar", &archive(&[header]));
    mkfs([&path]).good();
}

#[test]
fn lone_zero_block() {
    let bad = [file("a", b"1"), vec![0; 512], archive(&[file("b", b"2")])].concat();
    fails(
        &bad,
        DAMAGED,
        "byte 1024: a single zero block between headers",
    );
}

#[test]
fn numbers() {
    let bad = |at, value: &[u8]| vec![Header::new("x", 0).with(at, value).block()];
    members_fail(
        &bad(100, b"000z644\0"),
        DAMAGED,
        "entry \"x\": mode is \"000z644\"",
    );
    members_fail(&bad(108, b"9999999\0"), DAMAGED, "uid is \"9999999\"");
    members_fail(&bad(108, &[0xff; 8]), DAMAGED, "uid is");
    members_fail(&bad(108, b"\x80\0\0\0\xff\xff\xff\xff"), DAMAGED, "uid is");
    members_fail(&bad(116, b"\x80\0\0\x01\0\0\0\0"), DAMAGED, "gid is");
    members_fail(&bad(124, &[0xff; 12]), DAMAGED, "size is");
    members_fail(
        &bad(124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0"),
        DAMAGED,
        "size is",
    );
    members_fail(
        &bad(136, b"-1\0\0\0\0\0\0\0\0\0\0"),
        DAMAGED,
        "mtime is \"-1",
    );
    let device = Header::new("x", 0).typed(b'3').with(329, b"zzzzzzz\0");
    members_fail(&[device.block()], DAMAGED, "devmajor is \"zzzzzzz\"");
}

#[test]
fn pax_records() {
    let bad = |records: &[u8]| vec![[extended(b'x', records), file("x", b"")].concat()];
    members_fail(
        &bad(b"path=a\n"),
        DAMAGED,
        "byte 1024: pax record at byte 0 of the extended",
    );
    let second = [record("comment", b"good"), b"99 path=a\n".to_vec()].concat();
    members_fail(&bad(&second), DAMAGED, "pax record at byte 16 of");
    members_fail(&bad(&record("uid", b"-1")), DAMAGED, "uid is \"-1\"");
    members_fail(
        &bad(&record("gid", b"4294967295")),
        DAMAGED,
        "gid is \"4294967295\"",
    );
    members_fail(&bad(&record("size", b"1x")), DAMAGED, "size is \"1x\"");
    members_fail(&bad(&record("mtime", b"now")), DAMAGED, "mtime is \"now\"");
    let global = extended(b'g', b"5 a=b");
    members_fail(&[global], DAMAGED, "byte 1024: pax record at byte 0");
}

#[test]
fn extended_attributes() {
    let bad = |keyword, value: &[u8]| vec![[pax(keyword, value), file("x", b"")].concat()];
    members_fail(
        &bad("LIBARCHIVE.xattr.user.x", b"a*b"),
        DAMAGED,
        "byte 1024: LIBARCHIVE.xattr.user.x has a value that is not in base 64",
    );
    let acl = "is no access control list, or no entry of one";
    let entry = format!("byte 1024: entry \"x\": \"user:x\" {acl}");
    members_fail(
        &bad("SCHILY.acl.access", b"u::r,user:x,g::r"),
        DAMAGED,
        &entry,
    );
    let list = format!("entry \"x\": \"u::r,g::r\" {acl}");
    members_fail(&bad("SCHILY.acl.default", b"u::r,g::r"), DAMAGED, &list);
    members_fail(
        &bad("SCHILY.xattr.system.posix_acl_access", b"\x02\0\0\0"),
        DAMAGED,
        &format!("\"system.posix_acl_access\" {acl}"),
    );
    let names: Vec<_> = (0..20)
        .map(|i| record(&format!("SCHILY.xattr.user.{i:02}{}", "n".repeat(200)), b""))
        .collect();
    members_fail(
        &[[extended(b'x', &names.concat()), file("x", b"")].concat()],
        REFUSED,
        "entry \"x\": names of extended attributes of 4284 bytes, supported are up to 4096",
    );
}

#[test]
fn extended_headers_too_long() {
    let size = (1 << 20) + 1;
    let text = "extended header of 1048577 bytes, supported are up to 1048576";
    members_fail(&[extended(b'x', &vec![b' '; size])], REFUSED, text);
    members_fail(&[extended(b'L', &vec![b'n'; size])], REFUSED, text);
}

#[test]
fn names() {
    let refused = |name: &str, text: &str| {
        members_fail(&[file(name, b"")], REFUSED, text);
        let long = [pax("path", name.as_bytes()), file("x", b"")].concat();
        members_fail(&[long], REFUSED, text);
    };
    refused(
        "/etc/passwd",
        "byte 1024: entry \"/etc/passwd\": the name is absolute",
    );
    refused("a/../b", "entry \"a/../b\": the name has a `..` component");
    refused("..", "the name has a `..` component");
    refused("../", "the name has a `..` component");
    refused("a/..", "the name has a `..` component");
    refused("./..//x", "the name has a `..` component");
    refused(".", "replaces the root directory");
    members_fail(&[file("", b"")], REFUSED, "byte 1024: the name is empty");
    let pax_path = |path: &[u8]| vec![[pax("path", path), file("x", b"")].concat()];
    members_fail(
        &pax_path(b"a\0b"),
        REFUSED,
        "entry \"a\\0b\": the name has a NUL byte",
    );
    let long = [b'n'; 256];
    members_fail(
        &pax_path(&long),
        REFUSED,
        "the name has a component of 256 bytes",
    );
    let inner = [&long[..], b"/x"].concat();
    members_fail(
        &pax_path(&inner),
        REFUSED,
        "the name has a component of 256 bytes",
    );
    let deep = b"d/".repeat(2048);
    members_fail(&pax_path(&deep), REFUSED, "the name has 4096 bytes");
}

/// A few names must not make millions of directories, nor anything else take any amount of memory,
/// unless somebody allows it.
#[test]
fn memory_is_limited() {
    let deep = "d/".repeat(2000);
    let entry = |i: usize| {
        [
            pax("path", format!("{i}/{deep}x").as_bytes()),
            file("x", b""),
        ]
        .concat()
    };
    let members: Vec<_> = (0..250).map(entry).collect();
    let text = "bytes of memory, far more than usual for as many; --more-memory allows it";
    members_fail(&members, REFUSED, text);
    let value = |i: usize| [format!("{i:09}").into_bytes(), vec![b'v'; 60000]].concat();
    let attribute = |i: usize| [pax("SCHILY.xattr.user.x", &value(i)), file("x", b"")].concat();
    members_fail(&(0..1200).map(attribute).collect::<Vec<_>>(), REFUSED, text);
    let target = |i: usize| {
        let target = format!("{i:04000}");
        [
            pax("linkpath", target.as_bytes()),
            symlink(&format!("{i}"), "x"),
        ]
        .concat()
    };
    let members: Vec<_> = (0..18000).map(target).collect();
    members_fail(&members, REFUSED, text);
    let folder = Folder::new();
    let path = folder.write("links.tar", &archive(&members));
    mkfs([Path::new("--more-memory=50000000"), &path]).good();
    assert_eq!(broken_rules(&path, &[]), Vec::<String>::new());
}

#[test]
fn symbolic_link_targets() {
    members_fail(
        &[symlink("l", "")],
        REFUSED,
        "entry \"l\": the target of the symbolic link is em",
    );
    let target = |target: &[u8]| vec![[pax("linkpath", target), symlink("l", "x")].concat()];
    members_fail(
        &target(&[b't'; 4096]),
        REFUSED,
        "has 4096 bytes, supported are up to 4095",
    );
    members_fail(
        &target(b"a\0b"),
        REFUSED,
        "the target of the symbolic link has a NUL byte",
    );
}

#[test]
fn hard_link_targets() {
    let refused = |target: &str, text: &str| {
        members_fail(&[directory("d"), hard_link("l", target)], REFUSED, text);
    };
    refused(
        "missing",
        "entry \"l\": hard link to \"missing\": no earlier entry has this name",
    );
    refused("good/x", "hard link to \"good/x\": no earlier entry");
    refused("l", "hard link to \"l\": no earlier entry");
    refused("d", "hard link to \"d\": it is a directory");
    refused(".", "hard link to \".\": it is a directory");
    refused("", "hard link to \"\": the name is empty");
    refused("/good", "hard link to \"/good\": the name is absolute");
    refused("../good", "hard link to \"../good\": the name has a `..`");
}

#[test]
fn trees_that_cannot_be() {
    members_fail(
        &[file("good/below", b"")],
        REFUSED,
        "entry \"good/below\": \"good\" is not a dir",
    );
    let through_link = [directory("d"), symlink("l", "d"), file("l/x", b"")];
    members_fail(
        &through_link,
        REFUSED,
        "entry \"l/x\": \"l\" is not a directory",
    );
    let replaced = [file("d/x", b""), file("d", b"")];
    members_fail(
        &replaced,
        REFUSED,
        "entry \"d\": replaces a directory that is not empty",
    );
    let replaced = [file("d/x", b""), symlink("d", "good")];
    members_fail(&replaced, REFUSED, "replaces a directory that is not empty");
}

#[test]
fn types() {
    let of = |typeflag| vec![Header::new("x", 0).typed(typeflag).block()];
    members_fail(&of(b'M'), REFUSED, "continues a file of another volume");
    let volume = extended(b'g', &record("GNU.volume.filename", b"x"));
    members_fail(
        &[volume, file("x.2", b"")],
        REFUSED,
        "continues a file of another volume",
    );
    let list = [extended(b'A', b"list"), file("x", b"")].concat();
    members_fail(
        &[list],
        DAMAGED,
        "type of the access control list is \"list\"",
    );
    members_fail(&of(b'Z'), REFUSED, "type 'Z' is not known");
    members_fail(&of(0xff), REFUSED, "type 'ÿ' is not known");
}

#[test]
fn device_numbers() {
    let device = |at, value: &[u8]| {
        vec![Header::new("x", 0)
            .typed(b'4')
            .with(329, b"0000010\0")
            .with(at, value)
            .block()]
    };
    let text = "device number 4096:0, supported are up to 4095:1048575";
    members_fail(&device(329, b"0010000\0"), REFUSED, text);
    members_fail(
        &device(337, b"4000000\0"),
        REFUSED,
        "device number 8:1048576",
    );
}

/// Control characters of a name do not reach the terminal.
#[test]
fn names_are_escaped() {
    members_fail(
        &[file("\x1b[2J/..", b"")],
        REFUSED,
        "entry \"\\u{1b}[2J/..\"",
    );
}
