// SPDX-License-Identifier: GPL-2.0

//! Images of directories: the archive in them has what GNU tar archives.

mod support;

use std::fs::{self, File};
use std::os::unix::fs::{symlink, FileExt, MetadataExt};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{list_tar, mkfs, python, read_image, tar, Folder};

/// One of everything that a user can make, and what root can.
fn make_tree(root: &Path) {
    fs::create_dir(root).unwrap();
    python("xattrs_of.py", &["make".as_ref(), root]);
    let long = root.join("d".repeat(150)).join("e".repeat(120));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("file"), "deep").unwrap();
    for (name, size) in [("empty", 0), ("one", 1), ("sector", 512), ("more", 300_000)] {
        let data: Vec<u8> = (0..size).map(|i| (i % 251) as u8 + 1).collect();
        fs::write(root.join(name), data).unwrap();
    }
    for (name, size, parts) in [
        ("hole", 1 << 20, &[][..]),
        ("middle", 1 << 20, &[131_072, 600_000]),
        ("tail", 99_999, &[99_990]),
    ] {
        let file = File::create(root.join(name)).unwrap();
        file.set_len(size).unwrap();
        for at in parts {
            file.write_all_at(b"data", *at).unwrap();
        }
    }
    symlink("t".repeat(150), root.join("long-target")).unwrap();
    symlink("one", root.join("short-target")).unwrap();
    fs::hard_link(root.join("one"), root.join("z-linked")).unwrap();
    fs::hard_link(root.join("one"), long.join("linked")).unwrap();
    let fifo = Command::new("mkfifo").arg(root.join("fifo")).status();
    assert!(fifo.unwrap().success());
    let old = File::open(root.join("more")).unwrap();
    let time = std::time::UNIX_EPOCH - std::time::Duration::from_millis(1500);
    old.set_modified(time).unwrap();
    // Only root can make a device and give files away; the comparison is the same without.
    let _ = Command::new("mknod")
        .arg(root.join("null"))
        .args(["c", "1", "3"])
        .output();
    let _ = std::os::unix::fs::chown(root.join("sector"), Some(3_000_000), Some(70_000));
}

/// The files that Python finds, without where they are.
fn files(tar: &Path) -> Value {
    let mut files = list_tar(tar);
    for file in files.as_object_mut().unwrap().values_mut() {
        for place in ["data", "header", "ino"] {
            file[place].take();
        }
        for extent in file["extents"].as_array_mut().into_iter().flatten() {
            extent[2].take();
        }
    }
    files
}

#[test]
fn as_gnu_tar() {
    let folder = Folder::new();
    let (root, image, expected) = (
        folder.path("root"),
        folder.path("image"),
        folder.path("tar"),
    );
    make_tree(&root);
    tar([
        "-cf",
        expected.to_str().unwrap(),
        "--format=posix",
        "--sparse",
        "--xattrs",
        "--xattrs-include=*",
        "-C",
        root.to_str().unwrap(),
        ".",
    ])
    .good();
    let run = mkfs(["--strict".as_ref(), "-o".as_ref(), image.as_path(), &root]).good();
    assert!(!run.stdout.contains("not kept"), "{}", run.stdout);
    assert_eq!(files(&image), files(&expected));
    let found = read_image(&[&image]);
    assert_eq!(found["files"]["z-linked"]["nlink"], 3);
    let holes = found["files"]["hole"]["extents"].as_array().map(Vec::len);
    let has_holes = fs::metadata(root.join("hole")).unwrap().blocks() == 0;
    assert_eq!(holes, has_holes.then_some(0));
}

/// The same files give the same image, aligned or not.
#[test]
fn reproducible() {
    let folder = Folder::new();
    let root = folder.path("root");
    make_tree(&root);
    for option in ["--quiet", "--align=4096"] {
        let make = |name: &str| {
            let image = folder.path(name);
            mkfs([option.as_ref(), "-o".as_ref(), image.as_path(), &root]).good();
            fs::read(image).unwrap()
        };
        assert!(make("first") == make("second"), "{option}");
    }
}

#[test]
fn refused() {
    let folder = Folder::new();
    let root = folder.path("root");
    fs::create_dir(&root).unwrap();
    mkfs([&root]).fails(16, "is a directory; use -o IMAGE");
    let inside = root.join("image");
    let run = mkfs(["-o".as_ref(), inside.as_path(), &root]);
    run.fails(16, "is where the output is to be");
    let socket = root.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let image = folder.path("image");
    mkfs(["-o".as_ref(), image.as_path(), &root]).fails(16, "socket: is a socket");
    assert_eq!(folder.names(), ["root"]);
}
