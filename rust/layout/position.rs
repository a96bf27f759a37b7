// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Where in the index each record is.

use crate::{Directory, Error, RegionKind, Sparse, Superblock, Symlink, Xattrs, PAYLOAD, ROOT_INO};

/// A place in the index. No record crosses a block, so the record at a position lies in its block;
/// the targets of symbolic links and the values of extended attributes may, and come in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the index block; block `b` is at byte `index_offset + b * 4096` of the image.
    pub block: u32,
    /// Byte in that block, below 4092.
    pub offset: usize,
}

impl Superblock {
    /// Number of inodes, which is also the highest inode number.
    #[inline]
    pub fn inode_count(&self) -> u32 {
        // Decoding and encoding check that it fits.
        u32::try_from(self.inodes.records()).unwrap_or(u32::MAX)
    }

    /// Where the record of inode `ino` is.
    ///
    /// # Errors
    ///
    /// [`Error::NoInode`] where the image has no such inode.
    #[inline]
    pub fn inode_position(&self, ino: u32) -> Result<Position, Error> {
        u64::from(ino)
            .checked_sub(u64::from(ROOT_INO))
            .and_then(|record| self.inodes.position(RegionKind::Inodes, record))
            .ok_or(Error::NoInode {
                ino,
                inodes: self.inode_count(),
            })
    }

    /// Where wide inode `index` (as in [`crate::Record::Wide`]) is.
    ///
    /// # Errors
    ///
    /// [`Error::NoWideInode`] where the image has no such wide inode.
    #[inline]
    pub fn wide_position(&self, index: u32) -> Result<Position, Error> {
        self.extras
            .position(RegionKind::Extras, u64::from(index))
            .ok_or(Error::NoWideInode {
                index,
                wide_inodes: self.extras.records(),
            })
    }

    /// Where a directory's leaf number `leaf` is.
    ///
    /// # Errors
    ///
    /// [`Error::NoLeaf`] where the directory has no such leaf or it is outside its region.
    #[inline]
    pub fn leaf_position(&self, directory: &Directory, leaf: u32) -> Result<Position, Error> {
        if leaf >= directory.leaves {
            return Err(Error::NoLeaf {
                leaf,
                leaves: directory.leaves,
            });
        }
        // One leaf follows the other at the distance of a block.
        u64::from(leaf)
            .saturating_mul(PAYLOAD)
            .checked_add(directory.first)
            .and_then(|byte| self.leaves.position(RegionKind::Leaves, byte))
            .ok_or(Error::NoLeaf {
                leaf,
                leaves: directory.leaves,
            })
    }

    /// Where in the index the byte at `offset` of a symbolic link's target is, and how many bytes of
    /// the target stand from there on in the same block; `None` at the target's end.
    ///
    /// # Errors
    ///
    /// [`Error::NoTarget`] where it is outside the heap.
    #[inline]
    pub fn target_piece(
        &self,
        symlink: &Symlink,
        offset: u16,
    ) -> Result<Option<(Position, usize)>, Error> {
        let byte = symlink.position.saturating_add(offset.into());
        let left = symlink.length.saturating_sub(offset);
        self.heap
            .piece(RegionKind::Heap, byte, left.into())
            .ok_or(Error::NoTarget {
                position: symlink.position,
                length: symlink.length,
                heap: self.heap.records(),
            })
    }

    /// Where the set of extended attributes of an inode is.
    ///
    /// # Errors
    ///
    /// [`Error::NoXattrs`] where it is outside the xattr region.
    #[inline]
    pub fn xattr_position(&self, xattrs: &Xattrs) -> Result<Position, Error> {
        self.xattrs
            .position(RegionKind::Xattrs, xattrs.position)
            .ok_or(Error::NoXattrs {
                position: xattrs.position,
                xattrs: self.xattrs.records(),
            })
    }

    /// Where extent number `index` of a sparse file is.
    ///
    /// # Errors
    ///
    /// [`Error::NoExtent`] where the file has no such extent.
    #[inline]
    pub fn extent_position(&self, sparse: &Sparse, index: u32) -> Result<Position, Error> {
        Some(index)
            .filter(|&index| index < sparse.extents)
            .and_then(|index| sparse.first.checked_add(index.into()))
            .and_then(|record| self.extents.position(RegionKind::Extents, record))
            .ok_or(Error::NoExtent {
                index,
                extents: sparse.extents,
            })
    }
}
