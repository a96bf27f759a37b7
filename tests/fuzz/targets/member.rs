// SPDX-License-Identifier: GPL-2.0

//! What programs list of an archive, and the files that extracting it would leave.

use std::collections::BTreeMap;

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Regular { size: u64 },
    Directory,
    Symlink { target: Vec<u8> },
    HardLink { target: Vec<u8> },
    CharDevice { major: u32, minor: u32 },
    BlockDevice { major: u32, minor: u32 },
    Fifo,
}

/// What can be said of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub kind: Kind,
    /// 12 bits.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970, and nanoseconds.
    pub mtime: (i64, u32),
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: Vec<u8>,
    pub file: File,
}

/// Files by their names, with a number that those with more names share.
pub type Files = BTreeMap<Vec<u8>, (usize, File)>;

/// The files that members leave.
///
/// # Errors
///
/// What is wrong with them.
pub fn files(members: &[Member]) -> Result<Files, String> {
    let mut files = Files::from([(Vec::new(), (0, implied()))]);
    for (number, member) in (1..).zip(members) {
        let name = normal(&member.name);
        let file = match &member.file.kind {
            Kind::HardLink { target } => files.get(&normal(target)).cloned().ok_or_else(|| {
                format!(
                    "a hard link to {:?}, which there is not",
                    target.escape_ascii()
                )
            })?,
            _ => (number, member.file.clone()),
        };
        for (at, _) in name.iter().enumerate().filter(|(_, &byte)| byte == b'/') {
            // Numbers of those that no member is about.
            let number = usize::MAX - files.len();
            files
                .entry(name[..at].to_vec())
                .or_insert((number, implied()));
        }
        files.insert(name, file);
    }
    Ok(renumbered(files))
}

/// Gives the files numbers in the order of their names.
pub fn renumbered(files: Files) -> Files {
    let mut numbers = BTreeMap::new();
    files
        .into_iter()
        .map(|(name, (number, file))| {
            let next = numbers.len();
            (name, (*numbers.entry(number).or_insert(next), file))
        })
        .collect()
}

/// A directory that no member is about.
fn implied() -> File {
    File {
        kind: Kind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
    }
}

/// A name without what programs drop.
fn normal(name: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = name
        .split(|&byte| byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
        .collect();
    parts.join(&b"/"[..])
}
