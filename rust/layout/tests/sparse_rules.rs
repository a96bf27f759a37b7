// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Each rule of sparse files, broken once in one that keeps all others.

mod support;

use layout::*;
use support::{roomy, superblock, Counts, TAR_LENGTH};

const SPARSE: Sparse = Sparse {
    size: 1000,
    first: 3,
    extents: 2,
};

/// Decodes the wide record of an inode of this type with these fields.
fn inode(mode: u16, size: u64, first: u64, extents: u32) -> Result<Kind, Error> {
    let inode = Inode {
        mode,
        nlink: 2,
        uid: 0,
        gid: 0,
        mtime_sec: 0,
        mtime_nsec: 0,
        header: Some(0),
        xattrs: None,
        kind: Kind::Fifo,
    };
    let mut record = InodeRecord::encode_wide(7, &inode);
    record[..8].copy_from_slice(&size.to_le_bytes());
    record[8..16].copy_from_slice(&first.to_le_bytes());
    record[60..].copy_from_slice(&extents.to_le_bytes());
    let inode = InodeRecord::decode_wide(7, mode, &record, 0, &roomy());
    inode.map(|inode| inode.kind)
}

#[test]
fn sizes() {
    let size = |size| inode(S_IFREG, size, 3, 2);
    let wrong = |size| Err(Error::SparseSize { ino: 7, size });
    assert_eq!(size(1000), Ok(Kind::Sparse(SPARSE)));
    assert!(size(1).is_ok() && size((1 << 63) - 1).is_ok());
    assert_eq!(size(0), wrong(0));
    assert_eq!(size(1 << 63), wrong(1 << 63));
}

#[test]
fn numbers_of_extents() {
    let place = |first, extents| inode(S_IFREG, 1000, first, extents);
    let records = 1 << 20;
    let outside = |first, extents| {
        Err(Error::SparseExtents {
            ino: 7,
            first,
            extents,
            records,
        })
    };
    assert!(place(records - 2, 2).is_ok() && place(0, 1 << 20).is_ok());
    assert_eq!(place(records - 1, 2), outside(records - 1, 2));
    assert_eq!(place(u64::MAX, 2), outside(u64::MAX, 2));
    assert_eq!(place(1, 1 << 20), outside(1, 1 << 20));
    assert_eq!(place(0, u32::MAX - 1), outside(0, u32::MAX - 1));
}

#[test]
fn one_hole() {
    let hole = Sparse {
        size: 1000,
        first: 0,
        extents: 0,
    };
    assert_eq!(inode(S_IFREG, 1000, 0, u32::MAX), Ok(Kind::Sparse(hole)));
    let error = inode(S_IFREG, 1000, 1, u32::MAX);
    assert!(matches!(error, Err(Error::SparseExtents { first: 1, .. })));
    assert_eq!(
        roomy().extent_position(&hole, 0),
        Err(Error::NoExtent {
            index: 0,
            extents: 0
        })
    );
}

#[test]
fn only_regular_files() {
    for mode in [S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK] {
        assert!(inode(mode, 0, 0, 0).is_ok());
        assert_eq!(inode(mode, 0, 0, 1), Err(Error::InodeNotZero { ino: 7 }));
    }
    for mode in [S_IFLNK, S_IFDIR] {
        assert_eq!(inode(mode, 1, 1, 1), Err(Error::InodeNotZero { ino: 7 }));
    }
}

#[test]
fn positions() {
    let counts = Counts {
        inodes: 1,
        extents: 400,
        ..Counts::default()
    };
    let sb = superblock(counts).0;
    let at = |index| {
        let sparse = Sparse {
            size: 1,
            first: 100,
            extents: 300,
        };
        let position = sb.extent_position(&sparse, index);
        position.map(|position| (position.block, position.offset))
    };
    // One block of inodes stands before; a block has 170 extents.
    assert_eq!(at(0), Ok((1, 2400)));
    assert_eq!(at(69), Ok((1, 169 * 24)));
    assert_eq!(at(70), Ok((2, 0)));
    assert_eq!(at(299), Ok((3, 59 * 24)));
    let error = Error::NoExtent {
        index: 300,
        extents: 300,
    };
    assert_eq!(at(300), Err(error));
}

#[test]
fn extents() {
    let decode = |logical, length, position| {
        let record = SparseExtent {
            logical,
            length,
            position,
        }
        .encode();
        SparseExtent::decode(7, &SPARSE, &record, 0, &roomy())
    };
    let wrong = |logical, length, position| {
        Err(Error::SparseExtent {
            ino: 7,
            logical,
            length,
            position,
        })
    };
    assert!(decode(0, 1000, TAR_LENGTH - 1000).is_ok());
    assert!(decode(999, 1, 1).is_ok());
    assert_eq!(decode(0, 0, 0), wrong(0, 0, 0));
    assert_eq!(decode(0, 1001, 0), wrong(0, 1001, 0));
    assert_eq!(decode(1000, 1, 0), wrong(1000, 1, 0));
    assert_eq!(decode(u64::MAX, 2, 0), wrong(u64::MAX, 2, 0));
    assert_eq!(decode(0, 2, TAR_LENGTH - 1), wrong(0, 2, TAR_LENGTH - 1));
    assert_eq!(decode(0, 2, u64::MAX), wrong(0, 2, u64::MAX));
    let short = SparseExtent::decode(7, &SPARSE, &[0; 30], 7, &roomy());
    assert_eq!(short, Err(Error::OutOfBlock { offset: 7 }));
}

#[test]
fn order() {
    let extent = |logical, length| SparseExtent {
        logical,
        length,
        position: 0,
    };
    let previous = extent(10, 5);
    assert_eq!(previous.end(), 15);
    assert!(extent(15, 1).follows(&previous) && extent(99, 1).follows(&previous));
    for logical in [0, 9, 10, 14] {
        assert!(!extent(logical, 1).follows(&previous), "{logical}");
    }
}
