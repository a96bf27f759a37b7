// SPDX-License-Identifier: GPL-2.0

//! Several archives behind one index: what extracting one after the other leaves, whiteouts obeyed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{json, Value};
use support::header::{archive, directory, file, hard_link, symlink, Header};
use support::{mkfs, python, read_image, tar, Folder, Run};

const REFUSED: i32 = 2;
const BROKEN: i32 = 4;
const USAGE: i32 = 16;

/// Makes the index of archives with these members.
fn index_of(folder: &Folder, layers: &[Vec<Vec<u8>>]) -> (PathBuf, Vec<PathBuf>, Run) {
    let paths: Vec<PathBuf> = layers
        .iter()
        .enumerate()
        .map(|(i, members)| folder.write(&format!("{i}.tar"), &archive(members)))
        .collect();
    let index = folder.path("all.idx");
    let run = mkfs(arguments(&index, &paths));
    (index, paths, run)
}

fn arguments(index: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    let layers = paths
        .iter()
        .flat_map(|path| ["--layer".into(), path.clone()]);
    layers
        .chain(["--index-only".into(), index.into()])
        .collect()
}

fn run(program: &str, arguments: impl IntoIterator<Item = PathBuf>) -> Run {
    let mut command = Command::new(program);
    command.args(arguments).output().unwrap().into()
}

fn fsck(index: &Path, paths: &[PathBuf], options: &[&str]) -> Run {
    let options = options.iter().map(PathBuf::from);
    let files = std::iter::once(index.to_path_buf()).chain(paths.to_vec());
    run(env!("CARGO_BIN_EXE_fsck-tarfs"), options.chain(files))
}

/// The names that layers leave, and of files the contents' lengths.
fn names(layers: &[Vec<Vec<u8>>]) -> Value {
    let folder = Folder::new();
    let (index, paths, made) = index_of(&folder, layers);
    made.good();
    fsck(&index, &paths, &[]).good();
    let mut files = vec![index.as_path()];
    files.extend(paths.iter().map(PathBuf::as_path));
    let found = read_image(&files);
    let files = found["files"].as_object().unwrap();
    files
        .iter()
        .filter(|(name, _)| *name != ".")
        .map(|(name, file)| match file["type"].as_str().unwrap() {
            "regular" => (name.clone(), file["size"].clone()),
            other => (name.clone(), other.into()),
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn later_ones_over_earlier_ones() {
    let base = vec![
        directory("etc"),
        file("etc/a", b"1"),
        file("etc/b", b"22"),
        file("bin/sh", b"333"),
        symlink("lib", "usr/lib"),
    ];
    let found = names(&[base.clone(), vec![file("etc/a", b"four"), file("new", b"")]]);
    assert_eq!(
        found,
        json!({"etc": "directory", "etc/a": 4, "etc/b": 2, "bin": "directory", "bin/sh": 3,
               "lib": "symlink", "new": 0})
    );
    // A file or link over a directory of an earlier layer, and a directory over a link.
    let over = vec![
        symlink("bin", "usr/bin"),
        directory("lib"),
        file("lib/x", b"55555"),
    ];
    let found = names(&[base.clone(), over, vec![file("etc", b"")]]);
    assert_eq!(
        found,
        json!({"etc": 0, "bin": "symlink", "lib": "directory", "lib/x": 5})
    );
    // A hard link to a file of an earlier layer; its first name then goes.
    let link = vec![hard_link("etc/c", "etc/b")];
    let found = names(&[base, link, vec![file("etc/.wh.b", b"")]]);
    assert_eq!(found["etc/c"], 2);
    assert_eq!(found["etc/b"], Value::Null);
}

#[test]
fn whiteouts() {
    let base = vec![
        file("d/keep", b"1"),
        file("d/gone", b"1"),
        file("d/sub/x", b"1"),
        file("other/x", b"1"),
    ];
    let with = |members: &[Vec<u8>]| names(&[base.clone(), members.to_vec()]);
    assert_eq!(
        with(&[
            file("d/.wh.gone", b""),
            file("d/.wh.sub", b""),
            file(".wh.other", b"")
        ]),
        json!({"d": "directory", "d/keep": 1})
    );
    // What a layer says is gone hides what is below it, not what it has itself, in any order.
    let expected = json!({"d": "directory", "d/new": 2, "other": "directory", "other/y": 3});
    let marks = [file("d/.wh..wh..opq", b""), file(".wh.other", b"")];
    let files = [file("d/new", b"22"), file("other/y", b"333")];
    assert_eq!(with(&[marks.clone(), files.clone()].concat()), expected);
    assert_eq!(with(&[files, marks].concat()), expected);
    // Gone and come again, in layers of their own.
    let found = names(&[
        base.clone(),
        vec![file(".wh.d", b"")],
        vec![file("d/keep", b"4444")],
    ]);
    assert_eq!(found["d/keep"], 4);
    assert_eq!(found["d/gone"], Value::Null);
    // Of nothing, of AUFS's own, in the first layer, and below what is not there.
    let marks = ["a/.wh.b", ".wh..wh.plnk", "no/.wh..wh..opq", "d/.wh.no"];
    let marks = marks.map(|name| file(name, b""));
    assert_eq!(with(&marks), with(&[]));
    assert_eq!(names(&[[base.clone(), marks.to_vec()].concat()]), with(&[]));
}

/// A tree that GNU tar archives in two steps is the tree as it is at the end, but for what was
/// deleted between them, for which whiteouts are added.
#[test]
fn extracted_as_archived() {
    let folder = Folder::new();
    let tree = folder.path("tree");
    python("make_tree.py", &[&tree]);
    let pack = |name: &str, members: &[&str]| {
        let path = folder.path(name);
        let head = [
            "--format=posix",
            "--xattrs",
            "--xattrs-include=*",
            "--sparse",
            "-C",
        ];
        let mut arguments: Vec<std::ffi::OsString> = head.map(Into::into).to_vec();
        arguments.extend([tree.clone().into(), "-cf".into(), path.clone().into()]);
        arguments.extend(members.iter().map(Into::into));
        tar(arguments).good();
        path
    };
    let lower = pack("lower.tar", &["."]);
    fs::remove_file(tree.join("fifo")).unwrap();
    fs::remove_dir_all(tree.join("a/b")).unwrap();
    fs::write(tree.join("fifo"), b"a file now").unwrap();
    fs::write(tree.join("a/new"), vec![7; 100_000]).unwrap();
    fs::write(tree.join("a/.wh.b"), b"").unwrap();
    let upper = pack("upper.tar", &["./a/.wh.b", "./a/new", "./a", "./fifo", "."]);
    fs::remove_file(tree.join("a/.wh.b")).unwrap();
    // The second archive lists the directories with the times that they had then.
    let times = pack("times.tar", &["--no-recursion", ".", "./a"]);
    let (index, paths) = (folder.path("all.idx"), vec![lower, upper, times]);
    let checksums = ["--data-checksums".into(), "--ignore-zeros".into()];
    mkfs(arguments(&index, &paths).into_iter().chain(checksums)).good();
    fsck(&index, &paths, &[]).good();

    let out = folder.path("out");
    let mut arguments = vec!["extract".into(), index.clone(), out.clone()];
    arguments.extend(
        paths
            .iter()
            .flat_map(|path| ["--layer".into(), path.clone()]),
    );
    run(env!("CARGO_BIN_EXE_dump-tarfs"), arguments).good();
    let list =
        |path: &Path| -> Value { serde_json::from_str(&python("list_tree.py", &[path])).unwrap() };
    let (found, expected) = (list(&out), list(&tree));
    for (name, record) in expected["files"].as_object().unwrap() {
        assert_eq!(&found["files"][name], record, "{name:?}");
    }
    assert_eq!(found, expected);
}

#[test]
fn damage_and_refusals() {
    let folder = Folder::new();
    let layers = [
        vec![
            file("a", &[1; 5000]),
            Header::new("b", 0).typed(b'6').block(),
        ],
        vec![file("c", &[2; 6000])],
    ];
    let (index, paths, made) = index_of(&folder, &layers);
    made.good();
    let good = fs::read(&index).unwrap();
    // The archives in another order, and one of them changed behind the index.
    let swapped: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    let run = fsck(&index, &swapped, &[]);
    assert_ne!(run.status, Some(0), "{run:?}");
    fsck(&index, &paths[..1], &[]).fails(USAGE, "more or fewer archives");
    fs::write(&paths[1], archive(&[file("c", &[3; 5999])])).unwrap();
    let run = fsck(&index, &paths, &[]);
    assert_eq!(run.status, Some(BROKEN), "{run:?}");
    assert!(
        run.stdout
            .contains("\"c\": size is 6000, in the archive 5999"),
        "{run:?}"
    );
    fs::write(&paths[1], archive(&layers[1])).unwrap();

    let mut bad = good.clone();
    bad[32 + 4] ^= 1;
    fs::write(&index, &bad).unwrap();
    let run = fsck(&index, &paths, &["--repair"]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(fs::read(&index).unwrap() == good);

    let fails = |members: Vec<Vec<u8>>, text: &str| {
        let folder = Folder::new();
        let (index, _, run) = index_of(&folder, &[layers[0].clone(), members]);
        run.fails(REFUSED, text);
        assert!(!index.exists());
    };
    fails(
        vec![file(".wh.", b"")],
        "1.tar: byte 0: entry \".wh.\": a whiteout of nothing",
    );
    fails(
        vec![file("x/y", b""), file("x", b"")],
        "replaces a directory that is not empty",
    );
    fails(vec![file("a/b", b"")], "\"a\" is not a directory");

    for wrong in [
        vec!["--layer".into(), paths[0].clone()],
        vec![
            "--layer".into(),
            paths[0].clone(),
            "-o".into(),
            index.clone(),
        ],
        vec![
            "--layer".into(),
            paths[0].clone(),
            "--index-only".into(),
            index,
            paths[1].clone(),
        ],
    ] {
        assert_eq!(mkfs(wrong).status, Some(USAGE));
    }
}
