// SPDX-License-Identifier: GPL-2.0

//! `dump.tarfs`: what it shows is what Python finds in the archive, what it extracts is what GNU tar
//! archived.

#[allow(dead_code)]
#[path = "../../../tests/image.rs"]
mod image;
mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::Image;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::header::{archive, directory, file, hard_link, pax, symlink as symlink_to};
use support::{broken_rules, list_tar, mkfs, mkfs_in_place, python, tar, Folder, Run};
use tarfs_tools::dump::walk::Walk;
use tarfs_tools::dump::{describe, extract};
use tarfs_tools::progress::Progress;

const NOT_INDEXED: i32 = 1;
const DAMAGED: i32 = 4;
const FAILED: i32 = 8;
const USAGE: i32 = 16;

/// A user without rights.
const NOBODY: u32 = 65534;

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dump-tarfs"))
}

fn dump<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    command().args(arguments).output().unwrap().into()
}

/// A name or value in JSON as the characters that its bytes are.
fn latin1(value: &Value) -> String {
    match value {
        Value::String(text) => text.bytes().map(char::from).collect(),
        Value::Array(bytes) => bytes
            .iter()
            .map(|byte| char::from(byte.as_u64().unwrap() as u8))
            .collect(),
        other => panic!("{other} is no name"),
    }
}

/// Makes an image of a tree as GNU tar archives it.
fn image_of(folder: &Folder, tree: &Path) -> PathBuf {
    let path = folder.path("tree.tar");
    let arguments = [
        "--format=posix",
        "--xattrs",
        "--xattrs-include=*",
        "--sparse",
        "-cf",
    ];
    let mut arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(|a| a.as_ref()).collect();
    arguments.extend([
        path.as_os_str(),
        "-C".as_ref(),
        tree.as_os_str(),
        ".".as_ref(),
    ]);
    tar(arguments).good();
    mkfs_in_place(&path);
    path
}

fn list_tree(path: &Path) -> Value {
    serde_json::from_str(&python("list_tree.py", &[path])).unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Every file as the list in JSON has it, against Python's reading of the archive.
#[test]
fn the_tree_is_that_of_the_archive() {
    let folder = Folder::new();
    let path = folder.sample();
    let expected = list_tar(&path);
    mkfs_in_place(&path);
    let listed = dump(["tree".as_ref(), "--json".as_ref(), path.as_path()]).good();
    let mut seen = std::collections::BTreeSet::new();
    for line in listed.stdout.lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        let name = match latin1(&found["path"]) {
            name if name.is_empty() => ".".to_string(),
            name => name,
        };
        let expected = &expected[&name];
        for (key, other) in [
            ("type", "type"),
            ("mode", "mode"),
            ("links", "nlink"),
            ("uid", "uid"),
            ("gid", "gid"),
            ("header", "header"),
        ] {
            assert_eq!(found[key], expected[other], "{key} of {name:?}");
        }
        let mtime = &found["mtime"];
        assert_eq!(mtime["seconds"], expected["mtime"][0], "{name:?}");
        assert_eq!(mtime["nanoseconds"], expected["mtime"][1], "{name:?}");
        match found["type"].as_str().unwrap() {
            "regular" => assert_eq!(found["size"], expected["size"], "{name:?}"),
            "symlink" => assert_eq!(
                latin1(&found["target"]),
                expected["target"].as_str().unwrap()
            ),
            "char" | "block" => {
                assert_eq!(found["device"]["major"], expected["device"][0], "{name:?}");
                assert_eq!(found["device"]["minor"], expected["device"][1], "{name:?}");
            }
            _ => {}
        }
        let empty = serde_json::Map::new();
        let xattrs = expected["xattrs"].as_object().unwrap_or(&empty);
        let found_xattrs = found["xattrs"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(found_xattrs.len(), xattrs.len(), "{name:?}");
        for xattr in found_xattrs {
            let value = latin1(&xattr["value"]);
            let hex: String = value.chars().map(|c| format!("{:02x}", c as u32)).collect();
            assert_eq!(xattrs[&latin1(&xattr["name"])], hex.as_str(), "{name:?}");
        }
        seen.insert(name);
    }
    let names: std::collections::BTreeSet<_> =
        expected.as_object().unwrap().keys().cloned().collect();
    assert_eq!(seen, names);

    let files = expected.as_object().unwrap();
    let ascii = files.iter().filter(|(name, _)| name.is_ascii());
    let regular = ascii.filter(|(_, record)| record["type"] == "regular");
    for (name, record) in regular.filter(|(name, _)| !name.starts_with("many/")) {
        let output = command().arg("cat").arg(&path).arg(name).output().unwrap();
        let sum = Sha256::digest(&output.stdout);
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(record["sha256"], sum.as_str(), "{name:?}");
    }
}

#[test]
fn extracted_as_archived() {
    let folder = Folder::new();
    let (tree, out) = (folder.path("tree"), folder.path("out"));
    python("make_tree.py", &[&tree]);
    let image = image_of(&folder, &tree);
    let run = dump(["extract".as_ref(), "--json".as_ref(), image.as_path(), &out]).good();
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let left_out: Vec<_> = summary["left_out"].as_object().unwrap().values().collect();
    if is_root() {
        assert!(left_out.iter().all(|count| **count == 0), "{summary}");
    }
    let (found, expected) = (list_tree(&out), list_tree(&tree));
    assert_eq!(found["links"], expected["links"]);
    for (name, record) in expected["files"].as_object().unwrap() {
        assert_eq!(&found["files"][name], record, "{name:?}");
    }
    assert_eq!(found, expected);

    // A part of it, into a directory that is there; its parents are made.
    let part = folder.path("part");
    fs::create_dir(&part).unwrap();
    dump([
        "extract".as_ref(),
        image.as_path(),
        &part,
        Path::new("a/b"),
        Path::new("/z-hard"),
    ])
    .good();
    let found = list_tree(&part);
    let names: Vec<_> = found["files"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            ".",
            "a",
            "a/b",
            "a/b/c",
            "a/b/hard",
            "a/b/symlink",
            "z-hard"
        ]
    );
    assert_eq!(found["links"], serde_json::json!([["a/b/hard", "z-hard"]]));
}

/// Somebody who is not root gets the files, and is told what they lack.
#[test]
fn extracted_by_nobody() {
    if !is_root() {
        return;
    }
    let folder = Folder::new();
    let (tree, base) = (folder.path("tree"), folder.path("base"));
    python("make_tree.py", &[&tree]);
    let image = image_of(&folder, &tree);
    fs::create_dir(&base).unwrap();
    for path in [base.parent().unwrap(), &base] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let out = base.join("out");
    // The program itself may be where nobody can go.
    let program = folder.path("dump.tarfs");
    // Copied by another process: no program that another test starts meanwhile has it open to write.
    let copied = Command::new("cp")
        .args([env!("CARGO_BIN_EXE_dump-tarfs").as_ref(), program.as_path()])
        .status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(program);
    command.args(["extract".as_ref(), "--json".as_ref(), image.as_path(), &out]);
    let run = Run::from(command.uid(NOBODY).gid(NOBODY).output().unwrap()).good();
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = list_tree(&tree);
    let files = expected["files"].as_object().unwrap();
    // Two devices; a capability, and a mark that no one may set on a fifo.
    let inodes = files.len() - 2;
    let left_out = serde_json::json!({
        "devices": 2, "owners": inodes - 2, "set_ids": 2, "xattrs": 2,
    });
    assert_eq!(summary["left_out"], left_out);
    let found = list_tree(&out);
    assert_eq!(found["links"], expected["links"]);
    for (name, record) in files {
        let found = &found["files"][name];
        if name == "null" || name == "big" {
            assert_eq!(found, &Value::Null);
            continue;
        }
        for key in ["type", "size", "sha256", "target", "mtime", "has_holes"] {
            assert_eq!(found[key], record[key], "{key} of {name:?}");
        }
        let mode = record["mode"].as_u64().unwrap() & !0o6000;
        assert_eq!(found["mode"], mode, "{name:?}");
        assert_eq!(found["uid"], NOBODY);
    }
}

/// No file outside the directory is touched, and none that is there is written to.
#[test]
fn nothing_outside() {
    let folder = Folder::new();
    let image = folder.write(
        "image",
        &archive(&[file("dir/file", b"new"), file("other", b"")]),
    );
    mkfs_in_place(&image);
    let (out, outside) = (folder.path("out"), folder.path("outside"));
    fs::create_dir(&out).unwrap();
    fs::create_dir(&outside).unwrap();
    symlink(&outside, out.join("dir")).unwrap();
    dump(["extract".as_ref(), image.as_path(), &out]).fails(FAILED, "dir: cannot open");
    dump([
        "extract".as_ref(),
        image.as_path(),
        &out,
        Path::new("dir/file"),
    ])
    .fails(FAILED, "cannot open");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);

    fs::remove_file(out.join("dir")).unwrap();
    fs::create_dir(out.join("dir")).unwrap();
    let victim = folder.write("victim", b"old");
    symlink(&victim, out.join("dir/file")).unwrap();
    dump(["extract".as_ref(), image.as_path(), &out]).fails(FAILED, "file: cannot make");
    assert_eq!(fs::read(&victim).unwrap(), b"old");
}

/// Directories that name each other or one thing twice have an end.
#[test]
fn damaged_trees() {
    let folder = Folder::new();
    let members = [file("a/b/c", b""), file("x/y", b"")];
    let good = {
        let path = folder.write("good", &archive(&members));
        mkfs_in_place(&path)
    };
    type Damage = (fn(&mut Image), &'static str);
    let damages: [Damage; 3] = [
        (
            |image| {
                let (a, b) = (image.ino("a"), image.ino("a/b"));
                let entry = image.entry(b, "c");
                image.put(entry + 4, &a.to_le_bytes());
            },
            "parent is inode 1, but it is an entry of directory",
        ),
        (
            |image| {
                let entry = image.entry(1, "x");
                let a = image.ino("a");
                image.put(entry + 4, &a.to_le_bytes());
            },
            "a directory with two names",
        ),
        (
            |image| {
                let leaf = image.leaf(1);
                let name = leaf + image.u16(image.entry(1, "x") + 8) as usize;
                image.put(name, b"/");
            },
            "entry",
        ),
    ];
    for (damage, message) in damages {
        let mut image = Image(good.clone());
        damage(&mut image);
        image.repair();
        let path = folder.write("image", &image.0);
        dump(["tree".as_ref(), path.as_path()]).fails(DAMAGED, message);
        let out = folder.path("out");
        dump(["extract".as_ref(), path.as_path(), &out]).fails(DAMAGED, message);
        fs::remove_dir_all(out).unwrap();
    }
    // A directory with the many leaves of another.
    let mut shared = Image(mkfs_in_place(&folder.sample()));
    let (many, types) = (shared.ino("many"), shared.ino("types"));
    let (many, types) = (shared.inode(many), shared.inode(types));
    let leaves: [u8; 8] = shared.0[many + 12..many + 20].try_into().unwrap();
    shared.put(types + 12, &leaves);
    shared.repair();
    let path = folder.write("image", &shared.0);
    dump(["tree".as_ref(), "-q".as_ref(), path.as_path()]).fails(DAMAGED, "share leaves");

    // A checksum that is wrong is an error, whatever the block says.
    let mut image = Image(good);
    let at = image.inode(1);
    image.put(at + 4, &[1]);
    let path = folder.write("image", &image.0);
    dump(["tree".as_ref(), path.as_path()]).fails(DAMAGED, "CRC-32");
}

#[test]
fn superblocks_and_archives() {
    let folder = Folder::new();
    let original = folder.sample();
    let (image, index) = (folder.path("image"), folder.path("index"));
    mkfs(
        ["--label", "Größe", "-o"]
            .map(AsRef::as_ref)
            .into_iter()
            .chain([image.as_os_str(), original.as_os_str()]),
    )
    .good();
    mkfs(["--index-only".as_ref(), index.as_path(), &original]).good();
    let shown = dump(["super".as_ref(), "--json".as_ref(), image.as_path()]).good();
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let expected = support::read_image(&[&image]);
    assert_eq!(shown["label"], "Größe");
    assert_eq!(shown["tar_length"], expected["tar_length"]);
    assert_eq!(shown["created"], expected["created"]);
    let uuid = shown["uuid"].as_str().unwrap().replace('-', "");
    assert_eq!(uuid, expected["uuid"].as_str().unwrap());

    let copy = folder.path("copy.tar");
    let to_tar = |image: &Path, copy: &Path| dump(["to-tar".as_ref(), "-o".as_ref(), copy, image]);
    to_tar(&image, &copy).good();
    assert!(fs::read(&copy).unwrap() == fs::read(&original).unwrap());
    to_tar(&image, &copy).fails(FAILED, "cannot make");
    to_tar(&index, &folder.path("other")).fails(USAGE, "name it with --layer");

    let with_layer = |action: &str| {
        let arguments = [action.as_ref(), "--layer".as_ref(), original.as_os_str()];
        let name = std::ffi::OsStr::from_bytes(b"types/regular");
        let run = dump(arguments.into_iter().chain([index.as_os_str(), name]));
        run.good().stdout
    };
    assert_eq!(with_layer("cat"), "regular\n");
    assert!(with_layer("stat").contains("mode:     04755 -rwsr-xr-x\n"));
    dump(["tree".as_ref(), index.as_path()]).good();

    dump(["tree".as_ref(), original.as_path()]).fails(NOT_INDEXED, "has no index");
    let stat = |path: &str| dump(["stat".as_ref(), image.as_os_str(), path.as_ref()]);
    stat("no/such").fails(FAILED, "no file \"no/such\" in the image");
    stat("types/../types").fails(FAILED, "no file");
    let cat = dump(["cat".as_ref(), image.as_os_str(), "types".as_ref()]);
    cat.fails(FAILED, "\"types\" is no regular file");
}

/// A small archive with what extraction has to be careful with.
fn small() -> Vec<u8> {
    archive(&[
        directory("dir"),
        file("dir/file", b"contents"),
        symlink_to("dir/link", ".."),
        hard_link("hard", "dir/file"),
        [
            pax("SCHILY.xattr.user.name", b"value"),
            file("with-xattr", b"x"),
        ]
        .concat(),
        directory("empty"),
        symlink_to("up", "../outside"),
    ])
}

proptest! {
    /// Whatever is done to an index whose checksums are then made right: extracting has an end and
    /// writes nowhere else, and so have listing and checking.
    #[test]
    fn damaged_at_random(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = Folder::new();
        let mut image = Image(mkfs_in_place(&folder.write("image", &small())));
        let (index, superblock) = (image.index(), image.superblock());
        for (place, value) in changes {
            // Bytes that say something are rare.
            let used: Vec<usize> = (index..superblock).filter(|&at| image.0[at] != 0).collect();
            image.put(used[place.index(used.len())], &[value]);
        }
        image.repair();
        let path = folder.write("image", &image.0);
        broken_rules(&path, &[]);
        fs::create_dir(folder.path("outside")).unwrap();
        fs::write(folder.path("outside/victim"), b"as it was").unwrap();
        let mut progress = Progress::new(true);
        if let Ok(image) = tarfs_tools::dump::Image::open(&path, &[]) {
            if let Ok(mut walk) = Walk::new(&image, b"") {
                while let Ok(Some(file)) = walk.next_file() {
                    let _ = describe::object(&image, file.path, file.ino, &file.inode);
                }
            }
            let _ = extract::extract(&image, &folder.path("out"), &[], &mut progress);
        }
        prop_assert_eq!(fs::read(folder.path("outside/victim")).unwrap(), b"as it was");
        prop_assert_eq!(fs::read_dir(folder.path("outside")).unwrap().count(), 1);
        prop_assert!(folder.names().iter().all(|name| ["image", "out", "outside"].contains(&&**name)));
    }
}
