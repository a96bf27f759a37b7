// SPDX-License-Identifier: GPL-2.0
//! What a tree of files is made of.

use std::collections::BTreeMap;

use crate::error::Result;

use super::fields::bad;

/// Paths, relative to the root ("" is the root itself), and what is there.
pub type Manifest = BTreeMap<Vec<u8>, Entry>;

/// One path's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub file_type: FileType,
    /// The permission bits, with set-user-id, set-group-id and sticky: below 0o10000.
    pub permissions: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The number of links.
    pub links: u64,
    /// The time of the last change of contents, in nanoseconds since 1970; none where a tar does
    /// not say (a directory that only its children's names imply).
    pub mtime: Option<i128>,
    /// The size in bytes, of regular files and symbolic links.
    pub size: Option<u64>,
    /// Major and minor number, of devices.
    pub device: Option<(u32, u32)>,
    /// Where a symbolic link leads.
    pub target: Option<Vec<u8>>,
    /// SHA-256 of the contents in hexadecimal digits, of regular files.
    pub sha256: Option<String>,
    /// The bytewise first of the paths that lead to the same inode.
    pub first_path: Vec<u8>,
}

/// What an entry is, in the order in which a person wants to read of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl FileType {
    /// The type with the letter that find and manifest.py give it.
    pub(super) fn from_letter(letter: &str) -> Result<Self> {
        Ok(match letter {
            "f" => Self::Regular,
            "d" => Self::Directory,
            "l" => Self::Symlink,
            "c" => Self::CharDevice,
            "b" => Self::BlockDevice,
            "p" => Self::Fifo,
            "s" => Self::Socket,
            _ => return Err(bad("type", letter)),
        })
    }

    /// The type in a mode as `st_mode` has it.
    pub(super) fn from_mode(mode: u32) -> Result<Self> {
        Ok(match mode & 0o170_000 {
            0o100_000 => Self::Regular,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o020_000 => Self::CharDevice,
            0o060_000 => Self::BlockDevice,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            _ => return Err(bad("mode", &format!("{mode:o}"))),
        })
    }

    /// Its name, for one and for many.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Regular => ("file", "files"),
            Self::Directory => ("directory", "directories"),
            Self::Symlink => ("symbolic link", "symbolic links"),
            Self::CharDevice => ("character device", "character devices"),
            Self::BlockDevice => ("block device", "block devices"),
            Self::Fifo => ("named pipe", "named pipes"),
            Self::Socket => ("socket", "sockets"),
        }
    }
}

/// Gives each entry the first path of its inode, from the inodes' numbers.
pub(super) fn link_up(manifest: &mut Manifest, inodes: &BTreeMap<Vec<u8>, u64>) {
    let mut first: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for (path, entry) in manifest {
        if let Some(number) = inodes.get(path) {
            entry.first_path = first.entry(*number).or_insert_with(|| path.clone()).clone();
        }
    }
}
