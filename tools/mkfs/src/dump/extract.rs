// SPDX-License-Identifier: GPL-2.0

//! Making files from an image.
//!
//! Nothing is written outside the directory, whatever the image says: each name is one component
//! below a directory that is open and that was reached without a symbolic link, and each file is
//! new.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use layout::{Inode, Kind, S_IFMT};
use rustix::fs::{makedev, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::Target;
use super::walk::{Visited, Walk};
use super::{describe, Image};
use crate::progress::Progress;
use crate::{path, Error};

pub use super::attributes::LeftOut;

/// How directories are opened.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// How files are made.
const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Permissions of directories above those that were asked for.
const PARENT: Mode = Mode::from_raw_mode(0o755);

/// What was extracted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extracted {
    /// Number of names.
    pub files: u64,
    /// Bytes of regular files, without holes.
    pub bytes: u64,
    /// What the files have not got.
    pub left_out: LeftOut,
}

/// A directory whose files are being made. It gets its attributes last: making files changes its
/// time, and may need more permissions than it will have.
struct Open {
    directory: OwnedFd,
    path: PathBuf,
    /// `None` for one that keeps the attributes that it has.
    inode: Option<Inode>,
}

struct Extraction<'a> {
    image: &'a Image,
    /// The directory to extract into.
    root: OwnedFd,
    path: &'a Path,
    open: Vec<Open>,
    /// First names of files that have more than one.
    names: HashMap<u32, Vec<u8>>,
    extracted: Extracted,
}

/// Extracts the files called `names` and all below them into a directory, which is made where it is
/// not there; without names, everything.
///
/// # Errors
///
/// [`Error::Io`], also where a file is there already; [`Error::NotFound`]; [`Error::Index`] and
/// [`Error::DamagedIndex`]. What was extracted until then stays.
pub fn extract(
    image: &Image,
    directory: &Path,
    names: &[Vec<u8>],
    progress: &mut Progress,
) -> Result<Extracted, Error> {
    image.archives()?;
    // Fifos and devices get their permissions when they are made.
    rustix::process::umask(Mode::empty());
    match rustix::fs::mkdir(directory, PARENT) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(Error::io("make", directory)(error.into())),
    }
    // The directory itself may be named by a symbolic link.
    let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
    let root = rustix::fs::open(directory, flags, Mode::empty())
        .map_err(|error| Error::io("open", directory)(error.into()))?;
    let mut extraction = Extraction {
        image,
        root,
        path: directory,
        open: Vec::new(),
        names: HashMap::new(),
        extracted: Extracted::default(),
    };
    if names.is_empty() {
        extraction.below(b"", progress)?;
    }
    for name in names {
        extraction.below(name, progress)?;
    }
    Ok(extraction.extracted)
}

impl Extraction<'_> {
    /// Extracts the file called `name` and all below it.
    fn below(&mut self, name: &[u8], progress: &mut Progress) -> Result<(), Error> {
        let mut walk = Walk::new(self.image, name)?;
        let components = path::components(name).collect::<Result<Vec<_>, _>>();
        let components = components.unwrap_or_default();
        let above = components.split_last().map_or(&[][..], |(_, above)| above);
        let parent = self.parent(above, true)?;
        let total = self.image.index().superblock().tar_length;
        while let Some(visited) = walk.next_file()? {
            self.close(visited.depth)?;
            self.file(&parent, &visited)?;
            self.extracted.files = self.extracted.files.saturating_add(1);
            progress.report("extracted", self.extracted.bytes, total);
        }
        self.close(0)
    }

    /// Opens a directory below the root, component by component.
    fn parent(&self, components: &[&[u8]], is_made: bool) -> Result<OwnedFd, Error> {
        let mut path = self.path.to_path_buf();
        let failed = |error: Errno| Error::io("open", self.path)(error.into());
        let mut directory = self
            .root
            .try_clone()
            .map_err(Error::io("open", self.path))?;
        for component in components {
            path.push(std::ffi::OsStr::from_bytes(component));
            if is_made {
                match rustix::fs::mkdirat(&directory, *component, PARENT) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(Error::io("make", &path)(error.into())),
                }
            }
            directory = rustix::fs::openat(&directory, *component, DIRECTORY, Mode::empty())
                .map_err(failed)?;
        }
        Ok(directory)
    }

    /// Finishes the directories that are `depth` deep and deeper.
    fn close(&mut self, depth: usize) -> Result<(), Error> {
        while self.open.len() > depth {
            let Some(open) = self.open.pop() else {
                break;
            };
            if let Some(inode) = open.inode {
                let target = Target::Open(open.directory.as_fd());
                self.set(&target, &inode, &open.path)?;
            }
        }
        Ok(())
    }

    /// Makes a file. What the walk started at is in `parent`, all else in the last open directory.
    fn file(&mut self, parent: &OwnedFd, visited: &Visited<'_>) -> Result<(), Error> {
        let path = self.path.join(std::ffi::OsStr::from_bytes(visited.path));
        let parent = self.open.last().map_or(parent, |open| &open.directory);
        let parent = parent.try_clone().map_err(Error::io("open", &path))?;
        let Visited {
            name, ino, inode, ..
        } = *visited;
        let failed = |error: Errno| Error::io("make", &path)(error.into());
        if let Kind::Directory(_) = inode.kind {
            let open = self.directory(&parent, visited, path)?;
            self.open.push(open);
            return Ok(());
        }
        if inode.nlink > 1 {
            if let Some(first) = self.names.get(&ino) {
                let components: Vec<&[u8]> = first.split(|&byte| byte == b'/').collect();
                let (last, above) = components.split_last().unwrap_or((&name, &[]));
                let directory = self.parent(above, false)?;
                return rustix::fs::linkat(&directory, *last, &parent, name, AtFlags::empty())
                    .map_err(failed);
            }
        }
        let permissions = Mode::from_raw_mode((inode.mode & !S_IFMT).into());
        let special =
            |file_type, device| rustix::fs::mknodat(&parent, name, file_type, permissions, device);
        let made = match inode.kind {
            Kind::Regular(_) | Kind::Sparse(_) => {
                let private = Mode::from_raw_mode(0o600);
                let file = rustix::fs::openat(&parent, name, NEW, private).map_err(failed)?;
                let file = File::from(file);
                self.contents(&file, &path, ino, &inode)?;
                self.set(&Target::Open(file.as_fd()), &inode, &path)?;
                self.remember(visited);
                return Ok(());
            }
            Kind::Symlink(symlink) => {
                let target = self.image.index().target(&symlink)?;
                rustix::fs::symlinkat(target, &parent, name)
            }
            Kind::CharDevice { major, minor } => {
                special(FileType::CharacterDevice, makedev(major, minor))
            }
            Kind::BlockDevice { major, minor } => {
                special(FileType::BlockDevice, makedev(major, minor))
            }
            Kind::Fifo => special(FileType::Fifo, 0),
            Kind::Socket | Kind::Directory(_) => special(FileType::Socket, 0),
        };
        match (inode.kind, made) {
            (Kind::CharDevice { .. } | Kind::BlockDevice { .. }, Err(Errno::PERM)) => {
                let devices = &mut self.extracted.left_out.devices;
                *devices = devices.saturating_add(1);
                return Ok(());
            }
            (_, made) => made.map_err(failed)?,
        }
        self.set(&Target::Named(parent.as_fd(), name), &inode, &path)?;
        self.remember(visited);
        Ok(())
    }

    /// Makes a directory, or takes the one that is there.
    fn directory(
        &self,
        parent: &OwnedFd,
        visited: &Visited<'_>,
        path: PathBuf,
    ) -> Result<Open, Error> {
        let open = |directory, inode| Open {
            directory,
            path: path.clone(),
            inode,
        };
        if visited.name.is_empty() {
            let root = parent.try_clone().map_err(Error::io("open", &path))?;
            // An archive that does not list its root says nothing about it.
            let listed = visited.inode.header.map(|_| visited.inode);
            return Ok(open(root, listed));
        }
        let private = Mode::from_raw_mode(0o700);
        match rustix::fs::mkdirat(parent, visited.name, private) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Error::io("make", &path)(error.into())),
        }
        let directory = rustix::fs::openat(parent, visited.name, DIRECTORY, Mode::empty())
            .map_err(|error| Error::io("open", &path)(error.into()))?;
        Ok(open(directory, Some(visited.inode)))
    }

    /// Writes a regular file's data.
    fn contents(&mut self, file: &File, path: &Path, ino: u32, inode: &Inode) -> Result<(), Error> {
        if matches!(inode.kind, Kind::Sparse(_)) {
            file.set_len(describe::size(inode))
                .map_err(Error::io("set the length of", path))?;
        }
        let image = self.image;
        image.read_data(ino, inode, |position, bytes| {
            // CAST: `usize` is at most 64 bits wide.
            self.extracted.bytes = self.extracted.bytes.saturating_add(bytes.len() as u64);
            file.write_all_at(bytes, position)
                .map_err(Error::io("write", path))
        })
    }

    fn set(&mut self, target: &Target<'_>, inode: &Inode, path: &Path) -> Result<(), Error> {
        let xattrs = match inode.xattrs {
            Some(xattrs) => self.image.index().xattrs(&xattrs)?,
            None => Vec::new(),
        };
        target
            .set(inode, &xattrs, &mut self.extracted.left_out)
            .map_err(|error| Error::io("set its attributes", path)(error.into()))
    }

    /// Keeps a name for the hard links that follow.
    fn remember(&mut self, visited: &Visited<'_>) {
        if visited.inode.nlink > 1 {
            self.names.insert(visited.ino, visited.path.to_vec());
        }
    }
}
