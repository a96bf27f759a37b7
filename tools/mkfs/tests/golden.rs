// SPDX-License-Identifier: GPL-2.0

//! The format does not change by accident: an image of each version, kept as it was made.

mod support;

use std::fs;
use std::path::PathBuf;

use support::walk::Image;
use support::{assert_same_files, list_tar, mkfs_in_place, read_image, Folder};

fn golden(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/golden").join(name)
}

#[test]
fn version_1_is_read() {
    let image = fs::read(golden("version-1.image")).unwrap();
    let expected = list_tar(&golden("version-1.tar"));
    assert_same_files(&Image::new(&image).files(), &expected);
    assert_same_files(
        &read_image(&[&golden("version-1.image")])["files"],
        &expected,
    );
}

#[test]
fn version_1_is_written() {
    let folder = Folder::new();
    let archive = fs::read(golden("version-1.tar")).unwrap();
    let image = mkfs_in_place(&folder.write("made.tar", &archive));
    assert!(image == fs::read(golden("version-1.image")).unwrap());
}
