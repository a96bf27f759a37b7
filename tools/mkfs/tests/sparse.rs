// SPDX-License-Identifier: GPL-2.0

//! Sparse files: real ones through GNU tar, and each encoding as programs write it.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use layout::{Kind, Sparse, SparseExtent};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use support::agreement::check;
use support::header::{archive, extended, file, hard_link, record, Header};
use support::walk::Image;
use support::{mkfs_in_place, tar, Folder};

/// A file as programs leave it: name, size, and where there is data.
type SparseFile = (&'static str, u64, Vec<(u64, usize)>);

fn sparse_files() -> Vec<SparseFile> {
    let many = (0..400).map(|i| (i * 8192, 4096)).collect();
    vec![
        ("head", 1 << 20, vec![(0, 4096)]),
        ("tail", 1 << 20, vec![((1 << 20) - 1000, 1000)]),
        ("hole", 1 << 20, vec![]),
        ("middle", 300_001, vec![(131_072, 4096), (200_000, 512)]),
        ("ends", 300_001, vec![(0, 1), (299_008, 993)]),
        ("many", 400 * 8192, many),
        ("full", 10_000, vec![(0, 10_000)]),
        ("empty", 0, vec![]),
    ]
}

fn make(root: &Path) {
    fs::create_dir(root).unwrap();
    for (name, size, parts) in sparse_files() {
        let file = File::create(root.join(name)).unwrap();
        file.set_len(size).unwrap();
        for (at, length) in parts {
            let data: Vec<u8> = (at..).map(|i| (i % 251) as u8 + 1).take(length).collect();
            file.write_all_at(&data, at).unwrap();
        }
    }
}

/// Compares what GNU tar archives in this format with Python's reading, and with the files.
fn check_gnu_tar(format: &[&str]) {
    let folder = Folder::new();
    let (root, archive) = (folder.path("root"), folder.path("made.tar"));
    make(&root);
    let common = [
        "-c",
        "-f",
        archive.to_str().unwrap(),
        "-C",
        root.to_str().unwrap(),
        "--sparse",
        "--hole-detection=raw",
        ".",
    ];
    tar(format.iter().chain(&common)).good();
    check(&folder, &archive);
    let files = Image::new(&fs::read(&archive).unwrap()).files();
    for (name, size, _) in sparse_files() {
        let contents = fs::read(root.join(name)).unwrap();
        assert_eq!(files[name]["size"], size, "{name}");
        assert_eq!(
            files[name]["sha256"],
            hex(&Sha256::digest(contents)),
            "{name}"
        );
    }
    let count = |name: &str| files[name]["extents"].as_array().map(Vec::len);
    assert_eq!(
        [count("hole"), count("head"), count("many")],
        [Some(0), Some(1), Some(400)]
    );
    // Without holes, it is like any other file.
    assert_eq!([count("full"), count("empty")], [None, None]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn gnu_tar_old() {
    check_gnu_tar(&["--format=gnu"]);
}

#[test]
fn gnu_tar_pax_0_0() {
    check_gnu_tar(&["--format=posix", "--sparse-version=0.0"]);
}

#[test]
fn gnu_tar_pax_0_1() {
    check_gnu_tar(&["--format=posix", "--sparse-version=0.1"]);
}

#[test]
fn gnu_tar_pax_1_0() {
    check_gnu_tar(&["--format=posix", "--sparse-version=1.0"]);
}

/// A sparse file with these records, whose data has `data` bytes.
fn with_records(records: &[(&str, &str)], data: usize) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|(keyword, value)| record(&format!("GNU.sparse.{keyword}"), value.as_bytes()))
        .collect();
    let header = extended(b'x', &records.concat());
    [header, file("made-up-name", &vec![b'd'; data])].concat()
}

fn files(members: &[Vec<u8>]) -> Value {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    check(&folder, &path);
    Image::new(&fs::read(&path).unwrap()).files()
}

/// Parts that follow each other are one extent; marks of the end are none.
#[test]
fn extents_are_few() {
    let records = [
        ("name", "a"),
        ("size", "8192"),
        ("map", "0,512,512,1024,4096,0,4096,100,8192,0"),
    ];
    let found = files(&[with_records(&records, 1636)]);
    let start = found["a"]["extents"][0][2].as_u64().unwrap();
    let expected = json!([[0, 1536, start], [4096, 100, start + 1536]]);
    assert_eq!(found["a"]["extents"], expected);
    let records = [("name", "a"), ("size", "1024"), ("map", "0,512,512,512")];
    let found = files(&[with_records(&records, 1024)]);
    assert_eq!(
        (&found["a"]["extents"], &found["a"]["data"]),
        (&Value::Null, &json!(3))
    );
}

#[test]
fn hard_links_and_replaced_files() {
    let hole = with_records(&[("name", "a"), ("size", "4096"), ("map", "512,1")], 1);
    let found = files(&[
        hole.clone(),
        hard_link("b", "a"),
        hole,
        file("c", b"contents"),
    ]);
    assert!(found["a"]["ino"] != found["b"]["ino"]);
    assert_eq!(found["b"]["extents"].as_array().unwrap().len(), 1);
    assert_eq!(found["c"]["extents"], Value::Null);
}

#[test]
fn nothing_of_replaced_files_is_stored() {
    let hole = with_records(&[("name", "a"), ("size", "4096"), ("map", "512,1")], 1);
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[hole.clone(), hole]));
    let image = mkfs_in_place(&path);
    assert_eq!(support::walk::superblock(&image).extents.records(), 1);
}

/// Files far larger than any disk.
#[test]
fn sizes_up_to_the_limit() {
    let largest = u64::MAX >> 1;
    let map = format!("0,512,{},512", largest - 512);
    let size = largest.to_string();
    let records = [
        ("name", "a"),
        ("size", size.as_str()),
        ("map", map.as_str()),
    ];
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[with_records(&records, 1024)]));
    let bytes = mkfs_in_place(&path);
    let image = Image::new(&bytes);
    let expected = Sparse {
        size: largest,
        first: 0,
        extents: 2,
    };
    assert_eq!(image.inode(2).kind, Kind::Sparse(expected));
    let last = SparseExtent {
        logical: largest - 512,
        length: 512,
        position: image.extents(2, &expected)[0].position + 512,
    };
    assert_eq!(image.extents(2, &expected)[1], last);
}

/// A number of a map in a header.
fn octal(number: u64) -> Vec<u8> {
    format!("{number:011o}\0").into_bytes()
}

fn parts(parts: &[(u64, u64)]) -> Vec<u8> {
    let numbers = parts.iter().flat_map(|part| [part.0, part.1]);
    numbers.flat_map(octal).collect()
}

/// star has its map elsewhere in the header; Python does not know it. Large numbers are in base 256.
#[test]
fn star() {
    let parts_of = |range: std::ops::Range<u64>| {
        let list: Vec<_> = range.map(|i| (i * 4096, 512)).collect();
        parts(&list)
    };
    let size = [&[0x80, 0, 0, 0][..], &(1u64 << 40).to_be_bytes()].concat();
    let header = Header::new("a", 512 * 27)
        .typed(b'S')
        .with(257, &[0; 8])
        .with(355, b"1")
        .with(356, &parts_of(0..4))
        .with(452, &size)
        .with(508, b"tar\0")
        .block();
    let mut first = parts_of(4..25);
    first.resize(512, 0);
    first[504] = 1;
    let mut second = parts_of(25..27);
    second.resize(512, 0);
    let data = vec![b'd'; 512 * 27];
    let members = [[header, first, second, data].concat(), file("b", b"after")];
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&members));
    let bytes = mkfs_in_place(&path);
    let image = Image::new(&bytes);
    let Kind::Sparse(sparse) = image.inode(2).kind else {
        panic!("{:?}", image.inode(2));
    };
    assert_eq!((sparse.size, sparse.extents), (1 << 40, 27));
    let extents = image.extents(2, &sparse);
    for (i, extent) in (0..).zip(extents) {
        assert_eq!((extent.logical, extent.length), (i * 4096, 512));
        assert_eq!(extent.position, 1536 + i * 512);
    }
    assert!(matches!(image.inode(3).kind, Kind::Regular(extent) if extent.size == 5));
}
