// SPDX-License-Identifier: GPL-2.0

//! Regular files of an image with sums of data: read through the cache of the device, whose pages
//! are checked once, and copied.

use crate::{
    file::{self, TarFile},
    super_block::Tarfs,
};
use kernel::prelude::*;
use vfs::{AddressSpaceOperations, Extent, ExtentMap, INode, LockedFolio, Readahead};

/// What a regular file with sums does.
pub(crate) struct CheckedFile;

impl AddressSpaceOperations for CheckedFile {
    type FileSystem = Tarfs;

    fn read_folio(inode: &INode<Tarfs>, folio: LockedFolio) -> Result {
        if inode.super_block().data().verifies() {
            file::copy(inode, folio)
        } else {
            TarFile::read_folio(inode, folio)
        }
    }

    fn readahead(inode: &INode<Tarfs>, folios: &mut Readahead<'_>) {
        if inode.super_block().data().verifies() {
            file::copy_all(inode, folios);
        } else {
            TarFile::readahead(inode, folios);
        }
    }
}

impl ExtentMap for CheckedFile {
    type FileSystem = Tarfs;
    // What goes past the page cache is not checked.
    const DIRECT_IO: bool = false;

    fn extent(inode: &INode<Tarfs>, position: u64) -> Result<Extent<'_>> {
        TarFile::extent(inode, position)
    }
}
