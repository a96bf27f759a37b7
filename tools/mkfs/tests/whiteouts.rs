// SPDX-License-Identifier: GPL-2.0

//! Whiteouts of container images' layers, as the OCI image specification has them, and what they
//! become.

mod support;

use std::fs;

use serde_json::{json, Value};
use support::header::{archive, directory, file, hard_link, Header};
use support::walk::Image;
use support::{mkfs, mkfs_in_place, read_image, Folder};

/// The files of the image that this choice makes.
fn files(choice: &str, members: &[Vec<u8>]) -> Value {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    mkfs([&format!("--whiteouts={choice}"), path.to_str().unwrap()]).good();
    let files = Image::new(&fs::read(&path).unwrap()).files();
    support::assert_same_files(&read_image(&[&path])["files"], &files);
    files
}

fn names(files: &Value) -> Vec<&String> {
    files.as_object().unwrap().keys().collect()
}

/// A layer that hides the files `a` and `d/b`, and all that is below in `o`.
fn layer() -> Vec<Vec<u8>> {
    let mut whiteout = Header::new("./.wh.a", 0);
    whiteout.set(108, b"0000007\0");
    vec![
        directory("./"),
        whiteout.block(),
        directory("d"),
        file("d/.wh.b", b""),
        directory("o"),
        file("o/.wh..wh..opq", b""),
        file("o/new", b"contents"),
        file(".wh..wh.aufs", b""),
        hard_link(".wh..wh.plnk/1.2", "o/new"),
        file("d/x.wh.y", b"no whiteout"),
    ]
}

fn is_whiteout(file: &Value) -> bool {
    // As Documentation/filesystems/overlayfs.rst of the kernel says.
    file["type"] == "char" && file["device"] == json!([0, 0])
}

fn is_opaque(directory: &Value) -> bool {
    directory["xattrs"]["trusted.overlay.opaque"] == "79"
}

#[test]
fn for_overlayfs() {
    let files = files("overlay", &layer());
    let expected = [
        ".",
        ".wh..wh.plnk",
        ".wh..wh.plnk/1.2",
        "a",
        "d",
        "d/b",
        "d/x.wh.y",
        "o",
        "o/new",
    ];
    assert_eq!(names(&files), expected);
    assert!(is_whiteout(&files["a"]) && is_whiteout(&files["d/b"]));
    assert_eq!(
        (&files["a"]["uid"], &files["a"]["header"]),
        (&json!(7), &json!(1))
    );
    assert!(is_opaque(&files["o"]) && !is_opaque(&files["d"]) && !is_opaque(&files["."]));
}

/// What the layer has itself under a name that it hides is there, and nothing of what is below.
#[test]
fn new_files_in_place_of_hidden_ones() {
    let members = [
        file(".wh.file", b""),
        file("file", b"new"),
        directory("directory"),
        file("directory/new", b"new"),
        file(".wh.directory", b""),
        file("implied/.wh..wh..opq", b""),
        directory("implied"),
    ];
    let files = files("overlay", &members);
    let expected = [".", "directory", "directory/new", "file", "implied"];
    assert_eq!(names(&files), expected);
    assert_eq!(files["file"]["type"], "regular");
    assert!(is_opaque(&files["directory"]) && is_opaque(&files["implied"]));
}

/// The root hides all that is below.
#[test]
fn opaque_root() {
    let files = files("overlay", &[file(".wh..wh..opq", b""), file("a", b"")]);
    assert!(is_opaque(&files["."]));
    assert_eq!(names(&files), [".", "a"]);
}

/// A single archive hides nothing of itself.
#[test]
fn applied() {
    let files = files("apply", &layer());
    let expected = [
        ".",
        ".wh..wh.plnk",
        ".wh..wh.plnk/1.2",
        "d",
        "d/x.wh.y",
        "o",
        "o/new",
    ];
    assert_eq!(names(&files), expected);
    assert!(!is_opaque(&files["o"]));
}

#[test]
fn kept() {
    let kept = files("keep", &layer());
    assert_eq!(kept["d/.wh.b"]["type"], "regular");
    assert!(kept[".wh.a"].is_object() && kept["o/.wh..wh..opq"].is_object());
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&layer()));
    assert_eq!(Image::new(&mkfs_in_place(&path)).files(), kept);
}

#[test]
fn whiteouts_of_nothing() {
    for name in [".wh.", "d/.wh..", ".wh..."] {
        let folder = Folder::new();
        let path = folder.write("made.tar", &archive(&[file(name, b"")]));
        let run = mkfs(["--whiteouts=overlay".as_ref(), path.as_path()]);
        run.fails(2, &format!("byte 0: entry {name:?}: a whiteout of nothing"));
    }
}

/// A path below a file cannot be hidden.
#[test]
fn whiteouts_below_files() {
    let folder = Folder::new();
    let members = [file("f", b""), file("f/.wh.x", b"")];
    let path = folder.write("made.tar", &archive(&members));
    let run = mkfs(["--whiteouts=overlay".as_ref(), path.as_path()]);
    run.fails(2, "byte 512: entry \"f/x\": \"f\" is not a directory");
}
