// SPDX-License-Identifier: GPL-2.0

//! Archives that are refused.

use std::fs;

use super::header::{archive, file};
use super::{mkfs, Folder};

/// Exit status for an archive that is sound, but has something that an image cannot hold.
pub const REFUSED: i32 = 2;
/// Exit status for a damaged archive.
pub const DAMAGED: i32 = 4;

/// Panics unless this archive fails so, in each form, and nothing is left behind.
pub fn fails(bytes: &[u8], status: i32, text: &str) {
    let folder = Folder::new();
    let path = folder.write("bad.tar", bytes);
    mkfs([&path]).fails(status, text);
    mkfs(["-o".as_ref(), folder.path("image").as_path(), &path]).fails(status, text);
    mkfs([
        "--index-only".as_ref(),
        folder.path("index").as_path(),
        &path,
    ])
    .fails(status, text);
    assert!(fs::read(&path).unwrap() == bytes, "the archive has changed");
    assert_eq!(folder.names(), ["bad.tar"]);
}

/// As `fails`, for an archive with a good file before these members.
pub fn members_fail(members: &[Vec<u8>], status: i32, text: &str) {
    let members = [vec![file("good", b"contents")], members.to_vec()].concat();
    fails(&archive(&members), status, text);
}
