// SPDX-License-Identifier: GPL-2.0

//! Each rule that an archive can break: the exit status, the message, and an archive that is as it
//! was.

mod support;

use std::fs;

use support::header::{
    archive, directory, extended, file, hard_link, pax, record, symlink, Header,
};
use support::{mkfs, Folder};

const REFUSED: i32 = 2;
const DAMAGED: i32 = 4;

/// Panics unless this archive fails so, in each form, and nothing is left behind.
fn fails(bytes: &[u8], status: i32, text: &str) {
    let folder = Folder::new();
    let path = folder.write("bad.tar", bytes);
    mkfs([&path]).fails(status, text);
    mkfs(["-o".as_ref(), folder.path("image").as_path(), &path]).fails(status, text);
    mkfs([
        "--index-only".as_ref(),
        folder.path("index").as_path(),
        &path,
    ])
    .fails(status, text);
    assert!(fs::read(&path).unwrap() == bytes, "the archive has changed");
    assert_eq!(folder.names(), ["bad.tar"]);
}

/// As `fails`, for an archive with a good file before these members.
fn members_fail(members: &[Vec<u8>], status: i32, text: &str) {
    let members = [vec![file("good", b"contents")], members.to_vec()].concat();
    fails(&archive(&members), status, text);
}

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

/// A sparse file with these records of GNU tar, and its data.
fn sparse(records: &[(&str, &[u8])], data: &[u8]) -> Vec<Vec<u8>> {
    let records: Vec<_> = records
        .iter()
        .map(|(keyword, value)| record(&format!("GNU.sparse.{keyword}"), value))
        .collect();
    vec![[extended(b'x', &records.concat()), file("x", data)].concat()]
}

#[test]
fn sparse_records() {
    let damaged = |records: &[(&str, &[u8])], text: &str| {
        members_fail(&sparse(records, b""), DAMAGED, text);
    };
    damaged(
        &[("map", b"0,0")],
        "map of the sparse file: the size is missing",
    );
    damaged(
        &[("size", b"-1")],
        "map of the sparse file: a value is no number",
    );
    damaged(&[("size", b"9223372036854775808")], "a value is no number");
    damaged(&[("map", b"1,x")], "a value is no number");
    damaged(&[("map", b"1,2,3")], "an offset has no length");
    damaged(
        &[("offset", b"1"), ("offset", b"1")],
        "an offset follows an offset",
    );
    damaged(&[("numbytes", b"1")], "a length follows no offset");
    let number = "the number of parts is not the recorded one";
    damaged(&[("size", b"9"), ("offset", b"1")], number);
    damaged(&[("size", b"9"), ("numblocks", b"1")], number);
    for version in [(b"0", b"2"), (b"1", b"1"), (b"2", b"0")] {
        let records = [("major", &version.0[..]), ("minor", &version.1[..])];
        let text = "entry \"x\": a sparse file of version";
        members_fail(&sparse(&records, b""), REFUSED, text);
    }
    let global = extended(b'g', &record("GNU.sparse.size", b"1"));
    members_fail(
        &[global],
        DAMAGED,
        "byte 1024: map of the sparse file: it is in a global header",
    );
    let link = [
        extended(b'x', &record("GNU.sparse.size", b"1")),
        symlink("l", "x"),
    ]
    .concat();
    members_fail(
        &[link],
        REFUSED,
        "entry \"l\": a sparse file of a type that has no data",
    );
    let star = [pax("SCHILY.realsize", b"1"), file("x", b"")].concat();
    members_fail(
        &[star],
        REFUSED,
        "entry \"x\": a sparse file as star writes it in pax archives",
    );
}

#[test]
fn sparse_maps() {
    let fails = |map: &[u8], data: usize, status, text: &str| {
        let records = [("size", &b"10000"[..]), ("map", map)];
        members_fail(&sparse(&records, &vec![b'd'; data]), status, text);
    };
    let order = "part at byte 511 starts before the one before it ends, at 512";
    fails(b"0,512,511,1", 513, DAMAGED, order);
    fails(b"512,0,511,1", 1, DAMAGED, order);
    let size = "last part ends at byte 10001, beyond its 10000 bytes";
    fails(b"0,512,10000,1", 513, DAMAGED, size);
    fails(b"10001,0", 0, DAMAGED, size);
    let sum = "the sparse file's parts have 512 bytes, its data 513";
    fails(b"0,512", 513, DAMAGED, sum);
    fails(
        b"0,512",
        0,
        DAMAGED,
        "the sparse file's parts have 512 bytes, its data 0",
    );
    fails(
        b"0,511,512,1",
        512,
        REFUSED,
        "a part of the sparse file ends within a sector",
    );
    let far = b"9223372036854775807,9223372036854775807,0,1";
    fails(far, 0, DAMAGED, "starts before the one before it ends");
}

/// Maps that stand before the data.
#[test]
fn sparse_maps_in_data() {
    let fails = |map: &[u8], text: &str| {
        let records = [
            ("major", &b"1"[..]),
            ("minor", b"0"),
            ("realsize", b"9"),
            ("name", b"name"),
        ];
        let text = format!("byte 1024: entry \"name\": map of the sparse file: {text}");
        members_fail(&sparse(&records, map), DAMAGED, &text);
    };
    let padded = |map: &[u8]| [map, &[0; 512]].concat()[..512].to_vec();
    fails(b"", "the data ends before it does");
    fails(&padded(b"0"), "a line is too long for a number");
    fails(&[b'1'; 512], "a line is too long for a number");
    fails(&padded(b"1\n0\nx\n"), "a line has no number");
    fails(&padded(b"\n"), "a line has no number");
    fails(
        &[b"2\n".repeat(256)].concat()[..511],
        "the data ends before it does",
    );
    let zeros = [&b"9999\n"[..], &b"0\n".repeat(300)].concat();
    fails(&zeros[..512], "the data ends before it does");
}

/// Maps in headers of type `S`.
#[test]
fn sparse_headers() {
    let header = || {
        Header::new("x", 0)
            .typed(b'S')
            .with(257, b"ustar  \0")
            .with(483, b"00000010000\0")
    };
    let good = header().block();
    let folder = Folder::new();
    mkfs([folder.write("good.tar", &archive(&[good]))]).good();
    members_fail(
        &[header().with(257, b"ustar\x0000").block()],
        REFUSED,
        "a sparse file as star writes it in pax archives",
    );
    let size = header().with(483, b"zzz");
    members_fail(&[size.block()], DAMAGED, "size of the sparse file is \"zzz");
    let part = header().with(386, b"00000000000\0zzz");
    members_fail(&[part.block()], DAMAGED, "part of the sparse file is \"zzz");
    let extended = header().with(482, &[1]).block();
    fails(
        &extended,
        DAMAGED,
        "entry \"x\": its 512 bytes from byte 512 on go beyond the file's 512",
    );
}

/// A few bytes of a map must not take any amount of memory.
#[test]
fn sparse_maps_too_long() {
    let count = (1 << 19) + 1;
    let mut map = format!("{count}\n");
    for i in 0..count {
        map.push_str(&format!("{}\n512\n", i * 1024));
    }
    map.push_str(&"\0".repeat(512 - map.len() % 512));
    let records = [
        ("major", &b"1"[..]),
        ("minor", b"0"),
        ("realsize", b"999999999"),
    ];
    let text = "sparse files with more than 524288 parts";
    members_fail(&sparse(&records, map.as_bytes()), REFUSED, text);
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

/// A few names must not make millions of directories.
#[test]
fn directories_that_no_entry_lists() {
    let deep = "d/".repeat(2000);
    let entry = |i: usize| {
        [
            pax("path", format!("{i}/{deep}x").as_bytes()),
            file("x", b""),
        ]
        .concat()
    };
    let members: Vec<_> = (0..150).map(entry).collect();
    let text = "implies more than 264288 directories that no entry lists";
    members_fail(&members, REFUSED, text);
    let listed = [vec![directory("0")], members[..120].to_vec()].concat();
    let folder = Folder::new();
    mkfs([folder.write("good.tar", &archive(&listed))]).good();
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
