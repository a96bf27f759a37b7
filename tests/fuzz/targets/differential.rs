// SPDX-License-Identifier: GPL-2.0

//! `mkfs.tarfs --strict` against GNU tar and Python: whatever an archive's bytes are, it is refused, or
//! its image has the files that both of them list, by type, size, mode, owner, time and target.

use layout::{Kind as Inode, S_IFMT};
use tarfs_tools::dump::walk::Walk;
use tarfs_tools::dump::Image;
use tarfs_tools::exit::Status;
use tarfs_tools::options::{Options, ReadOptions};
use tarfs_tools::Error;

use super::member::{files, renumbered, File, Files, Kind, Member};
use super::memory_file::memory_file;
use super::mkfs::make;
use super::{gnu_tar, python};

/// Makes an image of an archive and compares. Returns how `mkfs.tarfs` ends where there is none.
pub fn run(archive: &[u8]) -> Result<(), Status> {
    let options = Options {
        read: ReadOptions {
            strict: true,
            ..ReadOptions::default()
        },
        ..Options::default()
    };
    let made = make(archive, &options)?;
    let found = Image::open(&made.path, &[]).and_then(|image| files_of(&image));
    let found = found.expect("an image");
    let (_file, path) = memory_file(archive);
    compare("Python", python::list(&path), &found);
    let mut listed = found;
    for (_, file) in listed.values_mut() {
        file.mtime = gnu_tar::listed_time(file.mtime);
    }
    compare("GNU tar", gnu_tar::list(&path), &listed);
    Ok(())
}

/// Panics where a program finds something else.
fn compare(program: &str, listed: Result<Vec<Member>, String>, found: &Files) {
    let listed = listed.and_then(|members| files(&members));
    let listed = listed.unwrap_or_else(|error| panic!("{program} cannot read it: {error}"));
    if listed == *found {
        return;
    }
    let names = listed.keys().chain(found.keys());
    for name in names {
        let (other, ours) = (listed.get(name), found.get(name));
        assert!(
            other == ours,
            "{program} has {}: {other:?}, the image {ours:?}",
            name.escape_ascii()
        );
    }
}

/// The files of an image.
fn files_of(image: &Image) -> Result<Files, Error> {
    let mut files = Files::new();
    let mut walk = Walk::new(image, b"")?;
    while let Some(file) = walk.next_file()? {
        let inode = &file.inode;
        let kind = match inode.kind {
            Inode::Regular(extent) => Kind::Regular { size: extent.size },
            Inode::Sparse(sparse) => Kind::Regular { size: sparse.size },
            Inode::Directory(_) => Kind::Directory,
            Inode::Symlink(symlink) => Kind::Symlink {
                target: image.index().target(&symlink)?,
            },
            Inode::CharDevice { major, minor } => Kind::CharDevice { major, minor },
            Inode::BlockDevice { major, minor } => Kind::BlockDevice { major, minor },
            Inode::Fifo => Kind::Fifo,
            Inode::Socket => panic!("no archive has a socket"),
        };
        let description = File {
            kind,
            mode: inode.mode & !S_IFMT,
            uid: inode.uid,
            gid: inode.gid,
            mtime: (inode.mtime_sec, inode.mtime_nsec),
        };
        files.insert(file.path.to_vec(), (file.ino as usize, description));
    }
    Ok(renumbered(files))
}
