// SPDX-License-Identifier: GPL-2.0

//! `fsck.tarfs`: it accepts what is good, names what is not, and makes it good again.

#[allow(dead_code)]
#[path = "../../../tests/image.rs"]
mod image;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use image::{Image, Region};
use proptest::prelude::*;
use serde_json::Value;
use support::header::{archive, file, pax, Header};
use support::walk;
use support::{assert_same_files, broken_rules, list_tar, mkfs, mkfs_in_place, Folder, Run};

const GOOD: i32 = 0;
const REPAIRED: i32 = 1;
const BROKEN: i32 = 4;
const FAILED: i32 = 8;
const USAGE: i32 = 16;

fn fsck<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fsck-tarfs"));
    command.args(arguments).output().unwrap().into()
}

/// Runs with `--json` and this status; returns what is printed.
fn fsck_json(path: &Path, status: i32) -> Value {
    let run = fsck(["--json".as_ref(), path]);
    assert_eq!(run.status, Some(status), "{}{}", run.stdout, run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The offset of a region, by its number in the format.
fn region(image: &Image, number: usize) -> usize {
    let descriptor = image.superblock() + 192 + 16 * number;
    image.index() + image.u32(descriptor) as usize * 4096
}

#[test]
fn good_images() {
    let folder = Folder::new();
    let (archive, copy, index) = (folder.sample(), folder.path("copy"), folder.path("index"));
    mkfs(["-o".as_ref(), copy.as_path(), &archive]).good();
    mkfs(["--index-only".as_ref(), index.as_path(), &archive]).good();
    let found = fsck_json(&copy, GOOD);
    assert_eq!(found["compared"], true);
    assert_eq!(found["findings"], serde_json::json!([]));
    let files = list_tar(&archive);
    let inodes = files.as_object().unwrap().values();
    let inodes: std::collections::BTreeSet<_> =
        inodes.map(|file| file["ino"].as_u64().unwrap()).collect();
    assert_eq!(found["inodes"], inodes.len());
    assert_eq!(fsck_json(&index, GOOD)["compared"], false);
    let run = fsck([&index, &archive]).good();
    assert!(run.stdout.contains("compared with the archive"), "{run:?}");
    assert_eq!(fsck(["-q".as_ref(), copy.as_path()]).good().stdout, "");

    fsck([&copy, &archive]).fails(USAGE, "the image has its archive");
    fsck([&archive]).fails(FAILED, "has no index; make one with mkfs.tarfs");
    fsck([&archive, &archive]).fails(USAGE, "is no index");
    fsck([folder.path("nothing")]).fails(FAILED, "cannot open");
    let short = folder.write("short.tar", &fs::read(&archive).unwrap()[..512]);
    fsck([&index, &short]).fails(USAGE, "is shorter than the archive of this index");
}

/// An archive of which no file replaces another is compared without all of it in memory.
#[test]
fn memory_of_a_comparison() {
    let folder = Folder::new();
    let mut members: Vec<_> = (0..60_000)
        .map(|number| file(&format!("{number:0>90}"), b""))
        .collect();
    let limited = |path: &Path| {
        let mut command = Command::new("sh");
        let limited = "ulimit -c 0 && ulimit -d 18000 && exec \"$0\" --quiet \"$1\"";
        command.args(["-c", limited, env!("CARGO_BIN_EXE_fsck-tarfs")]);
        Run::from(command.arg(path).output().unwrap())
    };
    let path = folder.write("image", &archive(&members));
    mkfs([&path]).good();
    limited(&path).good();
    members.push(members[7].clone());
    let path = folder.write("replaced", &archive(&members));
    mkfs([&path]).good();
    assert_ne!(limited(&path).status, Some(GOOD));
    fsck([&path]).good();
}

/// What is done to an image, and what fsck says of it.
type Damage = (&'static str, fn(&mut Image), &'static str);

fn ino(image: &Image, path: &str) -> usize {
    image.inode(image.ino(path))
}

/// Each leaves the checksums right.
const DAMAGES: [Damage; 24] = [
    (
        "an extent's place",
        |image| {
            let extent = region(image, 5);
            image.put(extent + 16, &[0, 2, 0]);
        },
        "from byte 512 on, in the archive",
    ),
    (
        "an extended attribute's name",
        |image| {
            let set = region(image, 4);
            let name = set + image.u16(set + 6) as usize;
            image.put(name, b"_");
        },
        "of the archive is missing",
    ),
    (
        "mode",
        |image| image.put(ino(image, "types/fifo"), b"\xa4\x11"),
        "mode is 010644, in the archive 010622",
    ),
    (
        "links",
        |image| image.put(ino(image, "types/fifo") + 2, &[2]),
        "number of links is 2, found 1",
    ),
    (
        "links of the archive",
        |image| image.put(ino(image, "types/fifo") + 2, &[2]),
        "number of links is 2, in the archive 1",
    ),
    (
        "uid",
        |image| image.put(ino(image, "types/fifo") + 4, &[7]),
        "user id is 7, in the archive 0",
    ),
    (
        "gid",
        |image| image.put(ino(image, "types/loop0") + 6, &[7]),
        "group id is 7, in the archive 6",
    ),
    (
        "time",
        |image| image.put(ino(image, "types/fifo") + 8, &[77]),
        " ns, in the archive 1700000000 s and 0 ns",
    ),
    (
        "size",
        |image| image.put(ino(image, "sizes/file-513") + 12, &[0]),
        "size is 512, in the archive 513",
    ),
    (
        "data",
        |image| image.put(ino(image, "sizes/file-513") + 16, &[1, 0]),
        "first sector of the data is 1, in the archive",
    ),
    (
        "data beyond the archive",
        |image| image.put(ino(image, "sizes/file-513") + 19, &[1]),
        "513 bytes from sector 16777",
    ),
    (
        "header",
        |image| image.put(ino(image, "types/fifo") + 20, &[0, 0]),
        "header is in sector 0, in the archive in sector",
    ),
    (
        "no header",
        |image| image.put(ino(image, "types/fifo") + 20, &[255; 4]),
        "header is missing, in the archive in sector",
    ),
    (
        "device",
        |image| image.put(ino(image, "types/null") + 16, &[4]),
        "device is 1:4, in the archive 1:3",
    ),
    (
        "parent",
        |image| image.put(ino(image, "types") + 24, &[2]),
        "parent is inode 2, but it is an entry of directory 1",
    ),
    (
        "no such parent",
        |image| image.put(ino(image, "types") + 24, &[255]),
        "parent is inode 255, expected a smaller number",
    ),
    (
        "entry's type",
        |image| {
            let entry = image.entry(image.ino("types"), "fifo");
            image.put(entry + 11, &[12]);
        },
        "entry \"fifo\": type is 12, its inode's is 1",
    ),
    (
        "entry's hash",
        |image| {
            let entry = image.entry(image.ino("types"), "fifo");
            image.put(entry, &[!image.0[entry]]);
        },
        "entry \"fifo\": hash is 0x",
    ),
    (
        "a name",
        |image| {
            let entry = image.entry(image.ino("types"), "fifo");
            let leaf = image.leaf(image.ino("types"));
            let name = leaf + image.u16(entry + 8) as usize;
            image.put(name, b"F");
        },
        "entry \"fifo\" is missing",
    ),
    (
        "two names of one directory",
        |image| {
            let (from, to) = (image.ino("types/empty-directory"), image.ino("types"));
            let entry = image.entry(to, "fifo");
            image.put(entry + 4, &from.to_le_bytes());
            image.put(entry + 11, &[4]);
        },
        "names a directory that has a name already",
    ),
    (
        "an inode without a name",
        |image| {
            let (other, types) = (image.ino("types/regular"), image.ino("types"));
            let entry = image.entry(types, "fifo");
            image.put(entry + 4, &other.to_le_bytes());
            image.put(entry + 11, &[8]);
        },
        "no directory names it",
    ),
    (
        "two directories with one leaf",
        |image| {
            let (types, sizes) = (ino(image, "types"), ino(image, "sizes"));
            let leaf: [u8; 8] = image.0[sizes + 12..sizes + 20].try_into().unwrap();
            image.put(types + 12, &leaf);
        },
        "another leaf has the same bytes of the index",
    ),
    (
        "a stray byte",
        |image| {
            let last_of_payload = region(image, 4) - 5;
            image.put(last_of_payload, &[1]);
        },
        "(heap): bytes",
    ),
    (
        "a target",
        |image| {
            let target =
                image.region(Region::Heap) + image.u32(ino(image, "types/symlink") + 16) as usize;
            image.put(target, b"_");
        },
        "target is \"_./sizes/file-513\", in the archive \"../sizes/file-513\"",
    ),
];

#[test]
fn each_damage_is_named_and_repaired() {
    let folder = Folder::new();
    let archive = folder.sample();
    let good = mkfs_in_place(&archive);
    for (what, damage, message) in DAMAGES {
        let mut image = Image(good.clone());
        damage(&mut image);
        image.repair();
        assert!(image.0 != good, "{what}: nothing was damaged");
        let path = folder.write("damaged", &image.0);
        let found = fsck_json(&path, BROKEN);
        let rules = found["findings"].to_string().replace("\\\"", "\"");
        assert!(rules.contains(message), "{what}: {rules}");
        let run = fsck(["-nf".as_ref(), path.as_path()]);
        assert_eq!(run.status, Some(BROKEN), "{what}: {run:?}");
        assert!(
            fs::read(&path).unwrap() == image.0,
            "{what}: it was changed"
        );
        let run = fsck(["--repair".as_ref(), path.as_path()]);
        assert_eq!(run.status, Some(REPAIRED), "{what}: {run:?}");
        // The superblock was good, but for a UUID that the damaged index would not have got.
        assert!(
            fs::read(&path).unwrap() == good,
            "{what}: not the image as it was"
        );
    }
}

/// A checksum that is wrong is named; so are a superblock that is gone, and one that is damaged.
#[test]
fn checksums_and_superblocks() {
    let folder = Folder::new();
    let archive = folder.sample();
    let good = mkfs_in_place(&archive);
    let image = Image(good.clone());
    let mut rotten = image.clone();
    rotten.put(image.region(Region::Heap) + 3, b"\x80");
    let path = folder.write("rotten", &rotten.0);
    let found = fsck_json(&path, BROKEN);
    assert!(
        found["findings"][0]["rule"]
            .as_str()
            .unwrap()
            .contains("CRC-32"),
        "{found}"
    );

    for (what, superblock) in [
        ("gone", vec![0; 4096]),
        (
            "damaged",
            [b"TarFsIdx".as_slice(), &[1, 0, 0, 0], &[7; 4084]].concat(),
        ),
    ] {
        let mut image = image.clone();
        let at = image.superblock();
        image.put(at, &superblock);
        let path = folder.write("image", &image.0);
        let found = fsck_json(&path, BROKEN);
        assert_eq!(found["broken_rules"], 1, "{what}: {found}");
        let run = fsck(["-y".as_ref(), path.as_path()]);
        assert_eq!(run.status, Some(REPAIRED), "{what}: {run:?}");
        assert!(fs::read(&path).unwrap() == good, "{what}");
    }

    let mut gap = image.clone();
    let at = image.index() - 512 - 1;
    gap.put(at, b"x");
    let path = folder.write("gap", &gap.0);
    let found = fsck_json(&path, BROKEN);
    assert!(
        found["findings"]
            .to_string()
            .contains("between the archive and the index"),
        "{found}"
    );
}

/// An index of its own is made again from the archive that is named.
#[test]
fn index_of_its_own() {
    let folder = Folder::new();
    let (archive, index) = (folder.sample(), folder.path("index"));
    mkfs(["--index-only".as_ref(), index.as_path(), &archive]).good();
    let good = fs::read(&index).unwrap();
    let mut image = Image(good.clone());
    let fifo = ino(&image, "types/fifo");
    image.put(fifo + 4, &[7]);
    fs::write(&index, &image.0).unwrap();
    let run = fsck(["-y".as_ref(), index.as_path()]);
    assert_eq!(run.status, Some(USAGE), "{run:?}");
    assert!(
        run.stderr.contains("name the archive to repair it"),
        "{run:?}"
    );
    assert!(fs::read(&index).unwrap() == image.0);
    let run = fsck(["-y".as_ref(), index.as_path(), &archive]);
    assert_eq!(run.status, Some(REPAIRED), "{run:?}");
    assert!(fs::read(&index).unwrap() == good);
}

/// How the archive was read is in the superblock, for the comparison and for the repair.
#[test]
fn options_of_the_image() {
    let folder = Folder::new();
    let two = [
        archive(&[pax("FOO.unknown", b"bar"), file("first", b"1")]),
        archive(&[file("second", b"2"), file(".wh.gone", b"")]),
    ];
    let path = folder.write("two.tar", &two.concat());
    let path = path.as_path();
    let options = ["--ignore-zeros", "--tar-xattrs"].map(AsRef::as_ref);
    for (whiteouts, inodes) in [("keep", 4), ("apply", 3), ("overlay", 4)] {
        let whiteouts = format!("--whiteouts={whiteouts}");
        mkfs(options.iter().chain([&whiteouts.as_ref(), &path])).good();
        assert_eq!(fsck_json(path, GOOD)["inodes"], inodes, "{whiteouts}");
    }
    let good = fs::read(path).unwrap();
    let mut image = Image(good.clone());
    let second = ino(&image, "second");
    image.put(second + 4, &[7]);
    fs::write(path, &image.0).unwrap();
    let run = fsck(["-y".as_ref(), path]);
    assert_eq!(run.status, Some(REPAIRED), "{run:?}");
    assert!(fs::read(path).unwrap() == good);
}

/// The archive is not the one that the index was made from: each difference is named.
#[test]
fn another_archive() {
    let folder = Folder::new();
    let members = |header: Header| {
        archive(&[
            file("first", b"1"),
            [header.block(), vec![b'x'; 512]].concat(),
            file("z", b""),
        ])
    };
    let header = || Header::new("second", 512);
    let (tar, index) = (
        folder.write("a.tar", &members(header())),
        folder.path("index"),
    );
    mkfs(["--index-only".as_ref(), index.as_path(), &tar]).good();
    fsck([&index, &tar]).good();
    for (header, message) in [
        (
            header().with(100, b"0000600"),
            "inode 3 \"second\": mode is 0100644, in the archive 0100600",
        ),
        (
            header().with(108, b"0000001"),
            "inode 3 \"second\": user id is 0, in the archive 1",
        ),
        (
            header().with(136, b"14524700001"),
            "inode 3 \"second\": time is 1699971072 s",
        ),
        (
            header().with(0, b"Second"),
            "inode 1 \"\": entry \"Second\" is missing",
        ),
        (
            header().with(124, b"00000000777"),
            "inode 3 \"second\": size is 512, in the archive 511",
        ),
        (
            Header::new("first", 512),
            "the index has 4 inodes, the archive makes 3",
        ),
        (header().with(148, b"0"), "header checksum is"),
    ] {
        let mut bytes = members(header);
        if message == "header checksum is" {
            bytes[1024] ^= 1;
        }
        fs::write(&tar, bytes).unwrap();
        let run = fsck([&index, &tar]);
        assert_eq!(run.status, Some(BROKEN), "{run:?}");
        assert!(run.stdout.contains(message), "{message}: {run:?}");
    }
    // The last archive is damaged, so that no index can be made of it.
    let before = fs::read(&index).unwrap();
    let run = fsck(["-y".as_ref(), index.as_path(), &tar]);
    assert_eq!(run.status, Some(BROKEN), "{run:?}");
    assert!(run.stdout.contains("restore it from a copy"), "{run:?}");
    assert!(fs::read(&index).unwrap() == before);
}

proptest! {
    /// Whatever is done to an index whose checksums are then made right: no panic, and what is
    /// accepted is what Python finds in the archive.
    #[test]
    fn damaged_at_random(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        in_superblock in any::<bool>(),
    ) {
        static SAMPLE: std::sync::OnceLock<(Vec<u8>, Value)> = std::sync::OnceLock::new();
        let (good, expected) = SAMPLE.get_or_init(|| {
            let folder = Folder::new();
            let path = folder.sample();
            let expected = list_tar(&path);
            (mkfs_in_place(&path), expected)
        });
        let mut image = Image(good.clone());
        let (index, superblock) = (image.index(), image.superblock());
        let range = if in_superblock { superblock..superblock + 336 } else { index..superblock };
        for (place, value) in changes {
            let at = range.start + place.index(range.len());
            image.put(at, &[value]);
        }
        if in_superblock {
            image.repair_superblock();
        } else {
            image.repair();
        }
        let folder = Folder::new();
        if broken_rules(&folder.write("image", &image.0), &[]).is_empty() {
            assert_same_files(&walk::Image::new(&image.0).files(), expected);
        }
    }
}
