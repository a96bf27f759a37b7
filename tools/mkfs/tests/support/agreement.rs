// SPDX-License-Identifier: GPL-2.0

//! What is in an image is what Python's tar reader finds in the archive.

use std::fs;
use std::path::Path;

use super::walk::Image;
use super::{assert_same_files, list_tar, mkfs, mkfs_in_place, read_image, Folder};

/// Makes an image of the archive in each of the three ways, and compares with what Python finds in
/// the archive. The image is read through the layout crate, and by read_image.py.
pub fn check(folder: &Folder, archive: &Path) {
    let expected = list_tar(archive);
    let (copy, index) = (folder.path("copy"), folder.path("index"));
    let tar = fs::read(archive).unwrap();
    mkfs(["-o".as_ref(), copy.as_path(), archive]).good();
    mkfs(["--index-only".as_ref(), index.as_path(), archive]).good();
    assert!(fs::read(archive).unwrap() == tar, "the archive has changed");
    let image = mkfs_in_place(archive);
    assert!(fs::read(&copy).unwrap() == image, "a copy is another image");

    assert_same_files(&Image::new(&image).files(), &expected);
    let index_bytes = fs::read(&index).unwrap();
    let index_files = Image::with_archive(&index_bytes, &tar).files();
    assert_same_files(&index_files, &expected);
    assert_same_files(&read_image(&[archive])["files"], &expected);
    assert_same_files(&read_image(&[&index, archive])["files"], &expected);
}
