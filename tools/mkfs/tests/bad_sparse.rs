// SPDX-License-Identifier: GPL-2.0

//! Each rule that a sparse file can break.

mod support;

use support::header::{archive, extended, file, pax, record, symlink, Header};
use support::refusal::{fails, members_fail, DAMAGED, REFUSED};
use support::{mkfs, Folder};

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
    // GNU tar does not look for more where there was room for it, Python does.
    let ended = header().with(482, &[1]);
    members_fail(&[ended.block()], DAMAGED, "it goes on after its end");
    let parts: String = (0..4)
        .map(|part| format!("{:011o}\0{:011o}\0", part * 1024, 512))
        .collect();
    let digit = header().with(386, parts.as_bytes()).with(482, b"0");
    members_fail(
        &[digit.block()],
        DAMAGED,
        "a digit says that it does not go on",
    );
    let extended = header().with(386, parts.as_bytes()).with(482, &[1]);
    fails(
        &extended.block(),
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
