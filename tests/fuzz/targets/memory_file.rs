// SPDX-License-Identifier: GPL-2.0

//! Files that are in memory only, and have a path all the same.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::fs::MemfdFlags;

/// Makes a file with these contents. The path is good as long as the file is open, for other processes
/// too.
pub fn memory_file(contents: &[u8]) -> (File, PathBuf) {
    let file = rustix::fs::memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("a file in memory");
    let file = File::from(file);
    file.write_all_at(contents, 0).expect("room in memory");
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
    (file, path)
}
