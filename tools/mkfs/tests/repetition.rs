// SPDX-License-Identifier: GPL-2.0

//! Files that have an index already, whole, damaged or left half-made.

mod support;

use std::fs;
use std::path::Path;

use support::header::{archive, directory, file};
use support::walk::superblock;
use support::{mkfs, mkfs_in_place, Folder};

const NOT_INDEXED: i32 = 1;
const REFUSED: i32 = 2;
const DAMAGED: i32 = 4;
const USAGE: i32 = 16;

/// The sample, its image, and the folder that they were made in.
fn sample() -> (Folder, Vec<u8>, Vec<u8>) {
    let folder = Folder::new();
    let path = folder.sample();
    let archive = fs::read(&path).unwrap();
    let image = mkfs_in_place(&path);
    (folder, archive, image)
}

fn check(path: &Path) -> support::Run {
    mkfs(["--check".as_ref(), path])
}

#[test]
fn again_gives_the_same() {
    let (folder, archive, image) = sample();
    let path = folder.path("sample.tar");
    assert!(mkfs_in_place(&path) == image);
    // Whatever the form, an image's index is not taken for a part of its archive.
    let (copy, index) = (folder.path("copy"), folder.path("index"));
    mkfs(["-o".as_ref(), copy.as_path(), &path]).good();
    assert!(fs::read(&copy).unwrap() == image);
    mkfs(["--index-only".as_ref(), index.as_path(), &path]).good();
    let of_image = fs::read(&index).unwrap();
    let archive = folder.write("archive", &archive);
    mkfs(["--index-only".as_ref(), index.as_path(), &archive]).good();
    assert!(fs::read(&index).unwrap() == of_image);
}

#[test]
fn label_and_uuid() {
    let (folder, _, image) = sample();
    let path = folder.path("sample.tar");
    let derived = superblock(&image);
    assert_eq!(derived.label, [0; 64]);
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    let path = path.to_str().unwrap();
    mkfs(["--uuid", uuid, "--label", "näme", path]).good();
    let chosen = superblock(&fs::read(path).unwrap());
    assert_eq!(chosen.uuid[..4], [1, 0x23, 0x45, 0x67]);
    assert!(chosen.label.starts_with("näme\0".as_bytes()));
    mkfs([path]).good();
    assert!(fs::read(path).unwrap() == image);
    mkfs(["--label", &"x".repeat(64), path]).good();
    let too_long = mkfs(["--label", &"x".repeat(65), path]);
    assert_eq!(too_long.status, Some(USAGE));
    assert!(
        too_long.stderr.contains("at most 64 bytes"),
        "{}",
        too_long.stderr
    );
}

/// Other archives have other UUIDs.
#[test]
fn uuids_differ() {
    let folder = Folder::new();
    let uuid = |name: &str| {
        let path = folder.write("made.tar", &archive(&[file(name, b"")]));
        superblock(&mkfs_in_place(&path)).uuid
    };
    assert_eq!(uuid("a"), uuid("a"));
    assert_ne!(uuid("a"), uuid("b"));
}

#[test]
fn created_is_the_newest_time() {
    let (_, _, image) = sample();
    assert_eq!(superblock(&image).created, 12_345_678_901_234);
}

#[test]
fn check_tells_them_apart() {
    let (folder, archive, image) = sample();
    let path = folder.path("sample.tar");
    let run = check(&path).good();
    assert!(run.stdout.contains("good"), "{}", run.stdout);
    let plain = folder.write("plain", &archive);
    let run = check(&plain);
    assert_eq!(run.status, Some(NOT_INDEXED));
    assert!(run.stdout.contains("plain: no index"), "{}", run.stdout);
    let index = folder.path("index");
    mkfs(["--index-only".as_ref(), index.as_path(), &plain]).good();
    check(&index).good();
    assert!(fs::read(&path).unwrap() == image && fs::read(&plain).unwrap() == archive);
}

/// One bit anywhere after the archive is noticed, but for those that nothing depends on.
#[test]
fn check_finds_damage() {
    let (folder, archive, image) = sample();
    for (at, text) in [
        (archive.len(), "between the archive and the index"),
        (
            superblock(&image).index_offset as usize - 512,
            "between the archive and the index",
        ),
        (
            superblock(&image).index_offset as usize,
            "index block 0: CRC-32 is",
        ),
        (image.len() - 4096 - 1, "CRC-32 is"),
        (image.len() - 4096 - 4096, "CRC-32 is"),
        (image.len() - 4096 + 8, "the format's version is"),
        (image.len() - 4096 + 12, "superblock: CRC-32 is"),
        (image.len() - 4096 + 48, "superblock: CRC-32 is"),
        (image.len() - 1, "superblock: CRC-32 is"),
    ] {
        let mut damaged = image.clone();
        damaged[at] ^= 2;
        let path = folder.write("damaged", &damaged);
        let status = if text.contains("version") {
            REFUSED
        } else {
            DAMAGED
        };
        check(&path).fails(status, text);
    }
}

/// What is left when a run is killed, wherever that happens, is taken for the archive again.
#[test]
fn leftovers() {
    let (folder, archive, image) = sample();
    let index = superblock(&image).index_offset as usize;
    let lengths = (index..image.len())
        .step_by(4096)
        .chain([index + 1, image.len() - 1]);
    for length in lengths {
        // The superblock is missing or was not written; the rest may or may not be on the disk.
        for lost in [false, true] {
            let mut leftover = image[..length].to_vec();
            if lost {
                leftover[index..].fill(0);
            }
            let path = folder.write("leftover", &leftover);
            assert_eq!(check(&path).status, Some(NOT_INDEXED));
            assert!(mkfs_in_place(&path) == image, "{length} bytes");
        }
    }
    let mut no_superblock = image.clone();
    no_superblock[image.len() - 4096..].fill(0);
    let path = folder.write("leftover", &no_superblock);
    assert!(mkfs_in_place(&path) == image);
    assert!(image.starts_with(&archive));
}

#[test]
fn leftovers_of_odd_archives() {
    let folder = Folder::new();
    for (name, bytes) in [
        ("empty", vec![0; 1024]),
        ("no-mark", file("a", b"contents")),
        (
            "junk",
            [archive(&[file("a", b"")]), vec![1; 1_000_003]].concat(),
        ),
    ] {
        let image = mkfs_in_place(&folder.write(name, &bytes));
        let mut leftover = image.clone();
        let length = leftover.len();
        leftover[length - 4096..].fill(0);
        let path = folder.write(name, &leftover);
        assert!(mkfs_in_place(&path) == image, "{name}");
    }
}

/// A damaged index is replaced; the archive's end is known from the header before the index.
#[test]
fn a_damaged_index_is_replaced() {
    let (folder, _, image) = sample();
    let index = superblock(&image).index_offset as usize;
    for at in [index, image.len() - 4096 + 100] {
        let mut damaged = image.clone();
        damaged[at] ^= 1;
        let path = folder.write("damaged", &damaged);
        assert!(mkfs_in_place(&path) == image);
    }
}

/// Nobody can say any more where the archive ends.
#[test]
fn a_damaged_index_without_its_header() {
    let (folder, _, image) = sample();
    let index = superblock(&image).index_offset as usize;
    let mut damaged = image.clone();
    damaged[index - 512] ^= 1;
    let path = folder.write("damaged", &damaged);
    let text = "between the archive and the index, are not as they were written";
    mkfs([&path]).fails(DAMAGED, text);
    damaged[image.len() - 4096 + 100] ^= 1;
    let path = folder.write("damaged", &damaged);
    mkfs([&path]).fails(DAMAGED, "superblock: CRC-32 is");
    assert!(fs::read(&path).unwrap() == damaged);
}

/// A superblock can be forged. The archive is not cut at a place where it does not end.
#[test]
fn a_superblock_that_lies() {
    let folder = Folder::new();
    let members = [file("a", b"1"), file("b", b"2")];
    let image = mkfs_in_place(&folder.write("made.tar", &archive(&members)));
    for length in [1024u64, 0, 512, 2048 + 512] {
        let mut forged = superblock(&image);
        forged.tar_length = length;
        let mut bytes = image.clone();
        let at = bytes.len() - 4096;
        bytes[at..].copy_from_slice(&forged.encode(support::walk::crc32));
        let path = folder.write("forged", &bytes);
        assert_eq!(mkfs([&path]).status, Some(DAMAGED), "{length}");
        assert!(fs::read(&path).unwrap() == bytes, "{length}");
    }
}

/// What somebody appended to an image is not thrown away.
#[test]
fn data_after_an_image() {
    let (folder, _, image) = sample();
    let longer = [image.clone(), b"precious".to_vec()].concat();
    let path = folder.write("longer", &longer);
    mkfs_in_place(&path);
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(&longer));
    // A member that somebody else wrote is not an index to be replaced.
    let mut other = image[..image.len() - 4096].to_vec();
    other[superblock(&image).index_offset as usize - 512 + 265] = b'x';
    let path = folder.write("other", &other);
    mkfs_in_place(&path);
    assert!(fs::read(&path).unwrap().starts_with(&other));
    let twice = [image.clone(), image].concat();
    let path = folder.write("twice", &twice);
    mkfs([&path]).fails(DAMAGED, "do not end at the image's");
    assert!(fs::read(&path).unwrap() == twice);
}

#[test]
fn newer_versions_are_left_alone() {
    let (folder, _, image) = sample();
    let mut newer = image.clone();
    let at = newer.len() - 4096 + 8;
    newer[at] = 2;
    let path = folder.write("newer", &newer);
    mkfs([&path]).fails(REFUSED, "the format's version is 2, this reader knows 1");
    assert!(fs::read(&path).unwrap() == newer);
}

#[test]
fn an_index_is_no_archive() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[directory("d")]));
    let index = folder.path("index");
    mkfs(["--index-only".as_ref(), index.as_path(), &path]).good();
    let before = fs::read(&index).unwrap();
    mkfs([&index]).fails(USAGE, "is an index without its archive");
    assert!(fs::read(&index).unwrap() == before);
}
