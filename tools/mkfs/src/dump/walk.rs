// SPDX-License-Identifier: GPL-2.0

//! From file to file of an image, each directory before what is in it.

use std::collections::HashSet;

use layout::{Directory, Inode, Kind};

use super::Image;
use crate::{Error, PAYLOAD};

/// Bytes that a leaf has at least.
const LEAF_MIN: u64 = 4;

/// A file that a walk has come to.
pub struct Visited<'a> {
    /// Name from the root; empty for the root itself.
    pub path: &'a [u8],
    /// The last component.
    pub name: &'a [u8],
    /// Number of directories that it is below the walk's start.
    pub depth: usize,
    /// Inode number.
    pub ino: u32,
    /// The inode.
    pub inode: Inode,
}

/// A directory whose entries are being visited.
struct Frame {
    ino: u32,
    /// Length of its path.
    path_length: usize,
    /// What is left of its entries.
    entries: std::vec::IntoIter<(u32, Vec<u8>)>,
}

/// Goes through a file and all that is below it, in the order of the inode numbers, which is that of
/// the archive.
pub struct Walk<'a> {
    image: &'a Image,
    path: Vec<u8>,
    /// Length of the path of what the walk came to last, without its last component.
    name_start: usize,
    frames: Vec<Frame>,
    /// Directories that were visited: an image that names one twice would have no end.
    directories: HashSet<u32>,
    start: Option<(u32, Inode)>,
    /// Bytes that the leaves of the directories so far have at least: more than there are means
    /// that they overlap, and that there is no end in sight either.
    leaf_bytes: u64,
}

impl<'a> Walk<'a> {
    /// Starts at the file called `path`.
    ///
    /// # Errors
    ///
    /// Those of [`Image::find`].
    pub fn new(image: &'a Image, path: &[u8]) -> Result<Self, Error> {
        let components = crate::path::components(path);
        let components: Vec<&[u8]> = components.filter_map(Result::ok).collect();
        let name_length = components.last().map_or(0, |name| name.len());
        let start = image.find(path)?;
        let path = components.join(&b"/"[..]);
        Ok(Self {
            image,
            name_start: path.len().saturating_sub(name_length),
            path,
            frames: Vec::new(),
            directories: HashSet::new(),
            start: Some(start),
            leaf_bytes: 0,
        })
    }

    /// Goes to the next file; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] and [`Error::DamagedIndex`] where the index breaks a rule; [`Error::Io`].
    pub fn next_file(&mut self) -> Result<Option<Visited<'_>>, Error> {
        if let Some((ino, inode)) = self.start.take() {
            return self.arrive(0, ino, inode).map(Some);
        }
        let (parent, ino) = loop {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(None);
            };
            self.path.truncate(frame.path_length);
            if let Some((ino, name)) = frame.entries.next() {
                if !self.path.is_empty() {
                    self.path.push(b'/');
                }
                self.name_start = self.path.len();
                self.path.extend_from_slice(&name);
                break (frame.ino, ino);
            }
            self.frames.pop();
        };
        let inode = self.image.index.inode(ino)?;
        if let Kind::Directory(directory) = inode.kind {
            if directory.parent != parent {
                return Err(Error::Index {
                    path: self.image.index.path().into(),
                    error: layout::Error::OtherParent {
                        ino,
                        parent: directory.parent,
                        directory: parent,
                    },
                });
            }
        }
        let depth = self.frames.len();
        self.arrive(depth, ino, inode).map(Some)
    }

    fn arrive(&mut self, depth: usize, ino: u32, inode: Inode) -> Result<Visited<'_>, Error> {
        if let Kind::Directory(directory) = inode.kind {
            if !self.directories.insert(ino) {
                return Err(Error::DamagedIndex {
                    path: self.image.index.path().into(),
                    reason: format!("inode {ino}: a directory with two names"),
                });
            }
            self.count_leaves(&directory)?;
            let mut entries = Vec::new();
            self.image.index.for_each_entry(&directory, |entry| {
                entries.push((entry.ino, entry.name.to_vec()));
                Ok(())
            })?;
            entries.sort_unstable();
            self.frames.push(Frame {
                ino,
                path_length: self.path.len(),
                entries: entries.into_iter(),
            });
        }
        Ok(Visited {
            path: &self.path,
            name: self.path.get(self.name_start..).unwrap_or_default(),
            depth,
            ino,
            inode,
        })
    }

    fn count_leaves(&mut self, directory: &Directory) -> Result<(), Error> {
        // All but the last have a block each.
        let full = u64::from(directory.leaves.saturating_sub(1)).saturating_mul(PAYLOAD);
        let last = u64::from(directory.leaves.min(1)).saturating_mul(LEAF_MIN);
        let bytes = full.saturating_add(last);
        self.leaf_bytes = self.leaf_bytes.saturating_add(bytes);
        if self.leaf_bytes > self.image.index.superblock().leaves.records() {
            return Err(Error::DamagedIndex {
                path: self.image.index.path().into(),
                reason: "directories share leaves".into(),
            });
        }
        Ok(())
    }
}
