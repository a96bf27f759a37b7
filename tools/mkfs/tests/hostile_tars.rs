// SPDX-License-Identifier: GPL-2.0

//! Hostile archives through `mkfs.tarfs`: each is refused, or its image is one in which `fsck.tarfs`
//! finds nothing wrong; and the memory that this takes is bounded.

mod support;
#[allow(dead_code)]
#[path = "../../../tests/fuzz/targets/tarfs.rs"]
mod targets;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use support::header::{archive, extended, file, record, Header};
use support::refusal::{DAMAGED, REFUSED};
use support::{python, Folder};
use targets::{archive_mutation, differential, tar_reader};

/// Archives that a run tries, and those that it lets GNU tar and Python read too;
/// `BLOCKYARD_HOSTILE_TARS` and `BLOCKYARD_DIFFERENTIAL_TARS` in the environment give other numbers.
const ARCHIVES: u64 = 5000;
const COMPARED: u64 = 500;

/// Archives that go through `mkfs.tarfs` itself, too.
const SAMPLES: u64 = 20;

/// Memory that `mkfs.tarfs` may take, in bytes, besides 200 for each entry. The archives here have but
/// a few.
const MEMORY_MAX: u64 = 100_000_000;

fn count(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |count| count.parse().unwrap())
}

/// Archives of all dialects, to be changed.
fn originals() -> Vec<Vec<u8>> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds/tar_reader");
    let mut paths: Vec<_> = seeds
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).unwrap().split_off(1))
        .collect()
}

/// The archive of a number, the same in every run.
fn hostile(originals: &[Vec<u8>], number: u64) -> (Rng, Vec<u8>) {
    let mut rng = Rng::with_seed(number);
    let mut archive = rng.choice(originals).unwrap().clone();
    archive_mutation::mutate(&mut archive, &mut rng);
    (rng, archive)
}

#[test]
fn hostile_archives_do_no_harm() {
    let originals = originals();
    let folder = Folder::new();
    let mut ends = BTreeMap::new();
    let mut most = 0;
    let archives = count("BLOCKYARD_HOSTILE_TARS", ARCHIVES);
    for number in 0..archives {
        let (mut rng, archive) = hostile(&originals, number);
        if number % (archives / SAMPLES).max(1) == 0 {
            let (status, memory) = peak_memory(&folder, &archive, &[]);
            assert!(
                [0, REFUSED, DAMAGED].contains(&status),
                "archive {number}: {status}"
            );
            assert!(memory <= MEMORY_MAX, "archive {number}: {memory} bytes");
            most = most.max(memory);
        }
        let end = match tar_reader::run(&[&[rng.u8(..)], archive.as_slice()].concat()) {
            Ok(_) => "good",
            Err(status) => match status as i32 {
                REFUSED => "refused",
                DAMAGED => "damaged",
                other => panic!("archive {number}: status {other}"),
            },
        };
        *ends.entry(end).or_insert(0) += 1;
    }
    println!("{ends:?}, at most {most} bytes of memory");
    assert_eq!(ends.len(), 3, "{ends:?}");
}

/// The exit status of `mkfs.tarfs` with these options and the most memory that it had, in bytes.
fn peak_memory(folder: &Folder, archive: &[u8], options: &[&str]) -> (i32, u64) {
    let path = folder.write("archive.tar", archive);
    let index = folder.path("index");
    let mut command = vec![Path::new(env!("CARGO_BIN_EXE_mkfs-tarfs"))];
    command.extend(options.iter().map(Path::new));
    command.extend([Path::new("--index-only"), &index, &path]);
    let printed = python("peak_memory.py", &command);
    let (status, memory) = printed.trim().split_once(' ').unwrap();
    (
        status.parse().unwrap(),
        memory.parse::<u64>().unwrap() * 1024,
    )
}

/// Records of an extended header, as many as fit.
fn many(record: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut records = Vec::new();
    for number in 0.. {
        let record = record(number);
        if records.len() + record.len() > 1 << 20 {
            break;
        }
        records.extend(record);
    }
    records
}

/// What takes most memory for its bytes, again and again: an entry may have any number of headers.
#[test]
fn memory_is_bounded() {
    let named = |prefix: &str| {
        let prefix = prefix.to_owned();
        many(move |number| record(&format!("{prefix}{number:x}"), b""))
    };
    let parts = many(|number| {
        let offset = (number * 512).to_string();
        let offset = record("GNU.sparse.offset", offset.as_bytes());
        [offset, record("GNU.sparse.numbytes", b"0")].concat()
    });
    let map = vec!["0"; 520_000].join(",");
    let headers = [
        extended(b'x', &named("")),
        extended(b'g', &named("")),
        extended(b'x', &named("SCHILY.xattr.")),
        extended(b'g', &named("SCHILY.xattr.user.")),
        extended(b'x', &named("LIBARCHIVE.xattr.%41")),
        extended(b'x', &parts),
        extended(b'x', &record("GNU.sparse.map", map.as_bytes())),
        extended(b'x', &record(&"k".repeat(1_000_000), b"")),
        extended(b'x', &record("path", &vec![b'n'; 1_000_000])),
        extended(b'L', &vec![b'n'; 1_000_000]),
        extended(b'A', &[b"0\0".as_slice(), &vec![b'a'; 1_000_000]].concat()),
        Header::new("label", 0).typed(b'V').block(),
    ];
    let folder = Folder::new();
    for (number, header) in headers.iter().enumerate() {
        // Before one entry, and before each of as many.
        for entry in [Vec::new(), file("f", b"")] {
            let members = vec![[header.as_slice(), &entry].concat(); 8];
            let archive = archive(&[members.concat(), file("f", b"")]);
            for options in [&[][..], &["--tar-xattrs"]] {
                let (status, memory) = peak_memory(&folder, &archive, options);
                assert!(
                    [0, REFUSED, DAMAGED].contains(&status),
                    "{number}: {status}"
                );
                assert!(memory <= MEMORY_MAX, "{number}: {memory} bytes");
            }
        }
    }
}

#[test]
fn strict_images_are_what_others_read() {
    let originals = originals();
    let mut compared = 0;
    let archives = count("BLOCKYARD_DIFFERENTIAL_TARS", COMPARED);
    for number in 0..archives {
        let (_, archive) = hostile(&originals, number);
        compared += u64::from(differential::run(&archive).is_ok());
    }
    println!("{compared} of {archives} archives compared");
    assert!(compared > archives / 20);
}
