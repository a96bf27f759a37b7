// SPDX-License-Identifier: GPL-2.0

//! Archives whose files' data was aligned: the same files to every program.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::header::{archive, directory, extended, file, pax, record, Header};
use support::{list_tar, mkfs, read_image, tar, Folder};

/// Makes an image with this alignment; returns its archive.
fn align(folder: &Folder, tar: &Path, alignment: u64) -> std::path::PathBuf {
    let image = folder.path("image");
    let option = format!("--align={alignment}");
    mkfs([option.as_ref(), "-o".as_ref(), image.as_path(), tar]).good();
    let found = read_image(&[&image]);
    let length = found["tar_length"].as_u64().unwrap();
    for (path, file) in found["files"].as_object().unwrap() {
        let data = file["data"].as_u64().unwrap() * 512;
        assert_eq!(data % alignment, 0, "{path}");
        let extents = file["extents"].as_array();
        if let Some(first) = extents.and_then(|extents| extents.first()) {
            assert_eq!(first[2].as_u64().unwrap() % alignment, 0, "{path}");
        }
    }
    let mut bytes = fs::read(&image).unwrap();
    bytes.truncate(length.try_into().unwrap());
    folder.write("aligned.tar", &bytes)
}

/// The files that Python finds, without where they are.
fn files(tar: &Path) -> Value {
    let mut files = list_tar(tar);
    for file in files.as_object_mut().unwrap().values_mut() {
        for place in ["data", "header"] {
            file[place].take();
        }
        for extent in file["extents"].as_array_mut().into_iter().flatten() {
            extent[2].take();
        }
    }
    files
}

#[test]
fn one_of_everything() {
    let folder = Folder::new();
    let sample = folder.sample();
    let expected = files(&sample);
    for alignment in [512, 1024, 4096, 65536] {
        let aligned = align(&folder, &sample, alignment);
        assert_eq!(files(&aligned), expected, "{alignment}");
    }
}

/// What GNU tar extracts is what it extracts of the archive itself.
#[test]
fn through_gnu_tar() {
    let folder = Folder::new();
    let sample = folder.sample();
    let aligned = align(&folder, &sample, 4096);
    let extract = |tar_file: &Path| {
        let names = ["./sizes", "long", "v7", "many"];
        let out = tar(["-xOf", tar_file.to_str().unwrap()]
            .into_iter()
            .chain(names))
        .good();
        let listed = tar(["-tvf", tar_file.to_str().unwrap()]).good();
        (out.stdout, listed.stdout)
    };
    assert!(extract(&aligned) == extract(&sample));
}

/// No header comes twice, and what was aligned stays as it is.
#[test]
fn aligned_again() {
    let folder = Folder::new();
    let long = "n".repeat(200);
    let gnu = [
        extended(b'L', format!("{long}\0").as_bytes()),
        file("n", b"gnu"),
    ]
    .concat();
    let members = [
        file("a", b"1"),
        [pax("mtime", b"1.5"), file("b", b"2")].concat(),
        gnu,
        [
            extended(b'g', &record("comment", b"global")),
            file("c", b"3"),
        ]
        .concat(),
        directory("d"),
        Header::new("label", 0).typed(b'V').block(),
        file("d/empty", b""),
        file("e", &[7; 9000]),
    ];
    let path = folder.write("made.tar", &archive(&members));
    let aligned = align(&folder, &path, 4096);
    let names = |path: &Path| tar(["-tf", path.to_str().unwrap()]).good().stdout;
    assert_eq!(names(&aligned), names(&path));
    let run = mkfs([&aligned]).good();
    // The label is the only thing.
    assert!(
        run.stdout.contains("read differently by others: 1 entries"),
        "{}",
        run.stdout
    );
    let once = fs::read(&aligned).unwrap();
    let again = align(&folder, &aligned, 4096);
    assert!(once.starts_with(&fs::read(again).unwrap()));
}

/// Room of one sector cannot be had by a header of its own, which has contents.
#[test]
fn one_sector_is_missing() {
    let folder = Folder::new();
    // The data of `b` would be at byte 1536, and that of `c` is missing as much.
    let first = file("a", &[1; 1536]);
    let path = folder.write(
        "made.tar",
        &archive(&[first, file("b", b"2"), file("c", b"3")]),
    );
    let aligned = align(&folder, &path, 1024);
    assert_eq!(files(&aligned), files(&path));
}

#[test]
fn compressed() {
    let folder = Folder::new();
    let sample = folder.sample();
    let expected = fs::read(align(&folder, &sample, 4096)).unwrap();
    let output = std::process::Command::new("gzip")
        .arg("-c")
        .arg(&sample)
        .output();
    let input = folder.write("input", &output.unwrap().stdout);
    assert!(fs::read(align(&folder, &input, 4096)).unwrap() == expected);
}

#[test]
fn refused() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"1")]));
    let run = mkfs(["--align=4096".as_ref(), path.as_path()]);
    assert_eq!(run.status, Some(16), "{run:?}");
    let image = folder.path("image");
    let run = mkfs([
        "--align=1000".as_ref(),
        "-o".as_ref(),
        image.as_path(),
        &path,
    ]);
    assert_eq!(run.status, Some(16), "{run:?}");
    assert!(
        run.stderr.contains("power of two from 512 to 65536"),
        "{run:?}"
    );
    let bad = folder.write("bad.tar", &archive(&[file("a", b"1"), file("../b", b"2")]));
    let run = mkfs([
        "--align=4096".as_ref(),
        "-o".as_ref(),
        image.as_path(),
        &bad,
    ]);
    run.fails(2, "byte 1024: entry \"../b\"");
    assert_eq!(folder.names(), ["bad.tar", "made.tar"]);
}
