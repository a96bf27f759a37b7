// SPDX-License-Identifier: GPL-2.0

//! An image is still a tar archive, and the archive can be had back.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::header::{archive, file};
use support::walk::{superblock, Image};
use support::{assert_same_files, list_tar, mkfs, mkfs_in_place, tar, Folder, Run};

/// An archive that GNU tar extracts without being root, and the image of it.
fn archive_and_image(folder: &Folder) -> (String, String) {
    let root = folder.path("root");
    fs::create_dir_all(root.join("directory")).unwrap();
    fs::write(root.join("directory/file"), vec![7; 10_000]).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::hard_link(root.join("empty"), root.join("linked")).unwrap();
    std::os::unix::fs::symlink("directory/file", root.join("link")).unwrap();
    let (archive, image) = (folder.path("made.tar"), folder.path("image"));
    let (archive, image) = (archive.to_str().unwrap(), image.to_str().unwrap());
    tar(["-cf", archive, "-C", root.to_str().unwrap(), "."]).good();
    mkfs(["-o", image, archive]).good();
    (archive.into(), image.into())
}

#[test]
fn tar_lists_the_image_as_the_archive() {
    let folder = Folder::new();
    let (archive, image) = archive_and_image(&folder);
    let listed = tar(["-tvf", &image]).good();
    assert_eq!(listed.stdout, tar(["-tvf", &archive]).good().stdout);
    assert_eq!(listed.stderr, "");
}

#[test]
fn tar_extracts_the_image_as_the_archive() {
    let folder = Folder::new();
    let (_, image) = archive_and_image(&folder);
    let extracted = folder.path("extracted");
    fs::create_dir(&extracted).unwrap();
    let run = tar(["-xf", &image, "-C", extracted.to_str().unwrap()]).good();
    assert_eq!(run.stderr, "");
    let diff = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .args([folder.path("root"), extracted])
        .output();
    assert_eq!(Run::from(diff.unwrap()).good().stdout, "");
}

#[test]
fn the_index_is_the_last_member() {
    let folder = Folder::new();
    let (archive, image) = archive_and_image(&folder);
    let listed = tar(["--ignore-zeros", "-tf", &image]).good();
    let original = tar(["-tf", &archive]).good().stdout;
    assert_eq!(listed.stdout, format!("{original}.tarfs-index\n"));
    assert_eq!(listed.stderr, "");
}

#[test]
fn truncation_gives_the_archive_back() {
    let folder = Folder::new();
    for (name, members) in [
        ("sample", fs::read(folder.sample()).unwrap()),
        ("no-mark", file("a", b"contents")),
        ("empty", vec![0; 1024]),
        ("odd", [archive(&[file("a", b"")]), vec![1; 3]].concat()),
    ] {
        let path = folder.write(name, &members);
        let image = mkfs_in_place(&path);
        let length = superblock(&image).tar_length as usize;
        assert!(image[..length] == members, "{name}");
        assert_eq!(image.len() % 4096, 0, "{name}");
    }
}

/// `I` is the next multiple of 4096 that leaves room for the header and the mark, wherever the
/// archive ends.
#[test]
fn the_index_starts_at_the_next_block() {
    let folder = Folder::new();
    for sectors in 0..9 {
        let contents = vec![b'x'; sectors * 512];
        let path = folder.write("made.tar", &file("a", &contents));
        let end = 512 + contents.len() as u64;
        let image = mkfs_in_place(&path);
        let index = superblock(&image).index_offset;
        assert_eq!(index, (end + 1024 + 512).next_multiple_of(4096));
    }
}

/// The archive may be read-only for an index beside it.
#[test]
fn an_index_of_its_own() {
    let folder = Folder::new();
    let sample = folder.sample();
    let before = fs::read(&sample).unwrap();
    let index = folder.path("index");
    mkfs(["--index-only".as_ref(), index.as_path(), &sample]).good();
    assert!(fs::read(&sample).unwrap() == before);
    let index = fs::read(&index).unwrap();
    let image = Image::with_archive(&index, &before);
    assert_same_files(&image.files(), &list_tar(&sample));
}

/// The index goes to where the old file was, as a new file with the usual permissions.
#[test]
fn output_replaces_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let sample = folder.sample();
    let old = folder.write("index", b"old");
    let usual = fs::metadata(&old).unwrap().permissions().mode();
    mkfs(["--index-only".as_ref(), old.as_path(), &sample]).good();
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode(), usual);
    assert_eq!(folder.names(), ["index", "sample.tar"]);
    assert!(fs::read(&old).unwrap().len() > 3);
}

#[test]
fn output_beside_the_current_directory() {
    let folder = Folder::new();
    let sample = folder.sample();
    let run = support::mkfs_command()
        .args(["-o", "image"])
        .arg(&sample)
        .current_dir(sample.parent().unwrap())
        .output();
    Run::from(run.unwrap()).good();
    assert!(Path::new(&folder.path("image")).exists());
}
