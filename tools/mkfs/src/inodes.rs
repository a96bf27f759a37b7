// SPDX-License-Identifier: GPL-2.0

//! The inodes of an image, as the format has them.

use layout::{Directory, Extent, Inode, Kind, Sparse, Symlink, S_IFCHR, S_IFMT};

use crate::numbering::{self, Numbering};
use crate::tree::{Content, Sector, SparseFile, Text, Tree};
use crate::xattrs::XattrRegion;

/// Goes through the inodes in the order of their numbers, and gives the targets of symbolic links
/// their places in the heap, and the extents of sparse files theirs.
pub struct Inodes<'a> {
    tree: &'a Tree,
    numbered: std::slice::Iter<'a, numbering::Inode>,
    directories: std::slice::Iter<'a, Directory>,
    xattrs: &'a XattrRegion,
    /// Number of the last inode.
    number: u32,
    /// Bytes of the heap in use.
    heap: u64,
    /// Records of the extents region in use.
    extents: u64,
}

impl<'a> Inodes<'a> {
    /// Starts at the root. `directories` are in the order of their inode numbers.
    pub fn new(
        tree: &'a Tree,
        numbering: &'a Numbering,
        directories: &'a [Directory],
        xattrs: &'a XattrRegion,
    ) -> Self {
        Self {
            tree,
            numbered: numbering.inodes().iter(),
            directories: directories.iter(),
            xattrs,
            number: 0,
            heap: 0,
            extents: 0,
        }
    }

    /// Length of the heap that the inodes so far need, in bytes.
    pub fn heap_length(&self) -> u64 {
        self.heap
    }

    /// Number of extents that the inodes so far have.
    pub fn extent_count(&self) -> u64 {
        self.extents
    }

    /// Gives a sparse file's extents the next records.
    fn place_extents(&mut self, size: u64, extents: u32) -> Sparse {
        let first = if extents == 0 { 0 } else { self.extents };
        self.extents = self.extents.saturating_add(extents.into());
        Sparse {
            size,
            first,
            extents,
        }
    }

    /// Gives a target the next place.
    fn place_target(&mut self, target: Text) -> Symlink {
        let length = u64::from(target.length());
        let position = self.heap;
        self.heap = position.saturating_add(length);
        Symlink {
            position,
            length: target.length(),
        }
    }
}

impl Iterator for Inodes<'_> {
    /// The number of an inode, and the inode.
    type Item = (u32, Inode);

    fn next(&mut self) -> Option<Self::Item> {
        let numbered = self.numbered.next()?;
        let node = self.tree.node(numbered.node);
        let kind = match node.content {
            Content::Regular { size, sector } => Kind::Regular(Extent {
                size,
                sector: sector.number(),
            }),
            Content::Sparse(id) => {
                let SparseFile { size, extents, .. } = self.tree.sparse(id);
                Kind::Sparse(self.place_extents(size, extents))
            }
            Content::Directory(_) => Kind::Directory(*self.directories.next()?),
            Content::Symlink(target) => Kind::Symlink(self.place_target(target)),
            Content::Device { major, minor } if node.mode & S_IFMT == S_IFCHR => {
                Kind::CharDevice { major, minor }
            }
            Content::Device { major, minor } => Kind::BlockDevice { major, minor },
            Content::Fifo => Kind::Fifo,
        };
        self.number = self.number.saturating_add(1);
        let inode = Inode {
            mode: node.mode,
            nlink: numbered.links,
            uid: node.uid,
            gid: node.gid,
            mtime_sec: node.mtime_sec,
            mtime_nsec: node.mtime_nsec,
            header: node.header.map(Sector::number),
            xattrs: node.xattrs.and_then(|set| self.xattrs.find(set)),
            kind,
        };
        Some((self.number, inode))
    }
}
