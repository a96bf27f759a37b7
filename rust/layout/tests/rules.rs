// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Each rule of the records, broken once in something that keeps all others.

mod support;

use layout::*;
use support::{roomy, superblock, Counts, TAR_LENGTH};

const COUNTS: Counts = Counts {
    inodes: 300,
    extras: 3,
    leaves: 5000,
    heap: 100,
    xattrs: 0,
    extents: 0,
    layers: 0,
    data_sums: 0,
};

/// A regular file that fits into the short record.
fn regular() -> Inode {
    Inode {
        mode: S_IFREG | 0o644,
        nlink: 1,
        uid: 0,
        gid: 0,
        mtime_sec: 0,
        mtime_nsec: 0,
        header: Some(0),
        xattrs: None,
        kind: Kind::Regular(Extent {
            size: 100,
            sector: 1,
        }),
    }
}

fn of_kind(mode: u16, kind: Kind) -> Inode {
    Inode {
        mode,
        kind,
        nlink: 2,
        ..regular()
    }
}

/// Decodes the record of inode 7 with these bytes at `at`, short and wide.
fn short(inode: Inode, at: usize, bytes: &[u8]) -> Result<Record, Error> {
    let sb = roomy();
    let mut record = InodeRecord::encode(&inode, sb.time_base).unwrap();
    record[at..at + bytes.len()].copy_from_slice(bytes);
    InodeRecord::decode(7, &record, 0, &sb)
}

fn wide(inode: Inode, at: usize, bytes: &[u8]) -> Result<Inode, Error> {
    let mut record = InodeRecord::encode_wide(7, &inode);
    record[at..at + bytes.len()].copy_from_slice(bytes);
    InodeRecord::decode_wide(7, inode.mode, &record, 0, &roomy())
}

#[test]
fn inode_fields() {
    let ino = 7;
    assert_eq!(short(regular(), 0, &[]), Ok(Record::Complete(regular())));
    let mode = 0o644;
    assert_eq!(
        short(regular(), 0, &[0xa4, 0x01]),
        Err(Error::FileType { ino, mode })
    );
    assert_eq!(
        short(regular(), 2, &[0, 0]),
        Err(Error::Links { ino, links: 0 })
    );
    let nanoseconds = 1_000_000_000u32;
    let nsec = short(regular(), 24, &nanoseconds.to_le_bytes());
    assert_eq!(nsec, Err(Error::Nanoseconds { ino, nanoseconds }));
    let nsec = wide(regular(), 32, &nanoseconds.to_le_bytes());
    assert_eq!(nsec, Err(Error::Nanoseconds { ino, nanoseconds }));
    let sector = TAR_LENGTH / 512;
    let header = Err(Error::Header {
        ino,
        sector,
        tar_length: TAR_LENGTH,
    });
    assert_eq!(wide(regular(), 16, &sector.to_le_bytes()), header);
    assert!(wide(regular(), 16, &(sector - 1).to_le_bytes()).is_ok());
    assert_eq!(wide(regular(), 16, &[0xff; 8]).unwrap().header, None);
}

#[test]
fn inode_times() {
    let mut sb = roomy();
    sb.time_base = i64::MAX - 5;
    let inode = Inode {
        mtime_sec: i64::MAX,
        ..regular()
    };
    let mut record = InodeRecord::encode(&inode, sb.time_base).unwrap();
    assert!(InodeRecord::decode(7, &record, 0, &sb).is_ok());
    record[8] += 1;
    let error = InodeRecord::decode(7, &record, 0, &sb);
    assert_eq!(error, Err(Error::Mtime { ino: 7, mtime: 6 }));
}

#[test]
fn root_is_a_directory() {
    let record = InodeRecord::encode(&regular(), roomy().time_base).unwrap();
    let error = InodeRecord::decode(1, &record, 0, &roomy());
    assert_eq!(
        error,
        Err(Error::RootType {
            mode: S_IFREG | 0o644
        })
    );
}

#[test]
fn wide_references() {
    let sb = superblock(COUNTS).0;
    let decode = |record: &[u8]| InodeRecord::decode(7, record, 0, &sb);
    let good = InodeRecord::encode_reference(S_IFREG, 2);
    assert_eq!(
        decode(&good),
        Ok(Record::Wide {
            mode: S_IFREG,
            index: 2
        })
    );
    let beyond = InodeRecord::encode_reference(S_IFREG, 3);
    assert_eq!(
        decode(&beyond),
        Err(Error::NoWideInode {
            index: 3,
            wide_inodes: 3
        })
    );
    for at in 2..28 {
        let mut bad = good;
        bad[at] = 1;
        assert_eq!(
            decode(&bad),
            Err(Error::InodeNotZero { ino: 7 }),
            "byte {at}"
        );
    }
    let owner = wide(regular(), 52, &8u32.to_le_bytes());
    assert_eq!(owner, Err(Error::WideOwner { ino: 7, owner: 8 }));
    assert_eq!(
        wide(regular(), 48, &[1]),
        Err(Error::InodeNotZero { ino: 7 })
    );
}

#[test]
fn extents() {
    let (ino, tar_length) = (7, TAR_LENGTH);
    let data = |size: u64, sector: u64| {
        let fields = [size.to_le_bytes(), sector.to_le_bytes()].concat();
        wide(regular(), 0, &fields)
    };
    let beyond = |size, sector| {
        Err(Error::Extent {
            ino,
            sector,
            size,
            tar_length,
        })
    };
    let last = TAR_LENGTH / 512 - 1;
    assert!(data(512, last).is_ok());
    assert!(data(TAR_LENGTH, 0).is_ok());
    assert_eq!(data(513, last), beyond(513, last));
    assert_eq!(data(u64::MAX, 1), beyond(u64::MAX, 1));
    assert_eq!(data(1, u64::MAX), beyond(1, u64::MAX));
    assert_eq!(data(0, 1), beyond(0, 1));
}

#[test]
fn directories() {
    let (ino, mode) = (7, S_IFDIR | 0o755);
    let good = Directory {
        parent: 6,
        leaves: 2,
        first: 4092,
    };
    let good = of_kind(mode, Kind::Directory(good));
    assert_eq!(short(good, 0, &[]), Ok(Record::Complete(good)));
    assert_eq!(short(good, 2, &[1, 0]), Err(Error::Links { ino, links: 1 }));
    for parent in [0, 7, 8, u32::MAX] {
        let error = short(good, 24, &parent.to_le_bytes());
        assert_eq!(error, Err(Error::Parent { ino, parent }));
    }
    let place = |leaves: u64, data: u64| {
        let fields = [leaves.to_le_bytes(), data.to_le_bytes()].concat();
        wide(good, 0, &fields)
    };
    let outside = |leaves, data| Err(Error::Leaves { ino, leaves, data });
    // The region has 2^30 bytes, so 2^28 units of 4 bytes and 262,401 leaves at 4092 bytes' distance.
    assert!(place(0, 0).is_ok() && place(1, 1).is_ok() && place(1, (1 << 28) - 1).is_ok());
    assert!(place(262_401, 0).is_ok());
    assert_eq!(place(0, 1), outside(0, 1));
    assert_eq!(place(2, 1), outside(2, 1));
    assert_eq!(place(1, 1 << 28), outside(1, 1 << 28));
    assert_eq!(place(262_402, 0), outside(262_402, 0));
    assert_eq!(place(1 << 32, 0), outside(1 << 32, 0));
    assert_eq!(place(1, u64::MAX), outside(1, u64::MAX));
    let root = |parent| {
        let root = Directory {
            parent,
            leaves: 0,
            first: 0,
        };
        let root = of_kind(mode, Kind::Directory(root));
        let record = InodeRecord::encode(&root, roomy().time_base).unwrap();
        InodeRecord::decode(1, &record, 0, &roomy())
    };
    assert!(root(1).is_ok());
    assert_eq!(root(2), Err(Error::Parent { ino: 1, parent: 2 }));
    assert_eq!(root(0), Err(Error::Parent { ino: 1, parent: 0 }));
}

#[test]
fn symlinks() {
    let ino = 7;
    let good = Kind::Symlink(Symlink {
        position: 1,
        length: 4095,
    });
    let good = of_kind(S_IFLNK | 0o777, good);
    assert!(short(good, 0, &[]).is_ok());
    let place = |size: u64, position: u64| {
        let fields = [size.to_le_bytes(), position.to_le_bytes()].concat();
        wide(good, 0, &fields)
    };
    for length in [0, 4096, 1 << 16, (1 << 16) + 1, u64::MAX] {
        assert_eq!(place(length, 0), Err(Error::TargetLength { ino, length }));
    }
    let outside = |length, position| {
        Err(Error::TargetPosition {
            ino,
            position,
            length,
        })
    };
    assert!(place(1, (1 << 30) - 1).is_ok());
    assert!(place(4095, 2).is_ok());
    assert_eq!(
        place(4095, (1 << 30) - 4094),
        outside(4095, (1 << 30) - 4094)
    );
    assert_eq!(place(1, 1 << 30), outside(1, 1 << 30));
    assert_eq!(place(1, u64::MAX), outside(1, u64::MAX));
    let symlink = Symlink {
        position: 9,
        length: 3,
    };
    assert_eq!(symlink.check_target(b"abc"), Ok(()));
    assert_eq!(
        symlink.check_target(b"a\0b"),
        Err(Error::TargetNul { position: 9, at: 1 })
    );
}

#[test]
fn special_files() {
    let device = Kind::CharDevice {
        major: 4095,
        minor: 1_048_575,
    };
    let device = of_kind(S_IFCHR | 0o600, device);
    assert_eq!(short(device, 0, &[]), Ok(Record::Complete(device)));
    assert_eq!(short(device, 12, &[1]), Err(Error::InodeNotZero { ino: 7 }));
    assert_eq!(wide(device, 12, &[1]), Err(Error::InodeNotZero { ino: 7 }));
    for (mode, kind) in [(S_IFIFO, Kind::Fifo), (S_IFSOCK, Kind::Socket)] {
        let inode = of_kind(mode, kind);
        assert_eq!(short(inode, 0, &[]), Ok(Record::Complete(inode)));
        assert_eq!(short(inode, 12, &[1]), Err(Error::InodeNotZero { ino: 7 }));
        assert_eq!(short(inode, 16, &[1]), Err(Error::InodeNotZero { ino: 7 }));
    }
}

/// A leaf with the entries `a` and `bb`, and these bytes at `at`.
fn leaf_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let entry = |hash, name| Entry {
        ino: hash - 4,
        name,
        file_type: 8,
        hash,
    };
    let mut block = vec![0; 40];
    let entries: [Entry<'_>; 2] = [entry(5, b"a"), entry(6, b"bb")];
    assert_eq!(Leaf::encode(&mut block, entries.into_iter()), Some(31));
    block[at..at + bytes.len()].copy_from_slice(bytes);
    block
}

const ONE_LEAF: Directory = Directory {
    parent: 1,
    leaves: 1,
    first: 0,
};

#[test]
fn leaves() {
    let decode = |block: &[u8], offset| {
        let leaf = Leaf::decode(block, offset, &ONE_LEAF, &roomy());
        leaf.map(|leaf| leaf.len())
    };
    let wrong = |offset, entries, used| {
        Err(Error::LeafLength {
            offset,
            entries,
            used,
        })
    };
    assert_eq!(decode(&leaf_with(0, &[]), 0), Ok(2));
    assert_eq!(decode(&leaf_with(2, &[41, 0]), 0), wrong(0, 2, 41));
    assert_eq!(decode(&leaf_with(2, &[27, 0]), 0), wrong(0, 2, 27));
    assert_eq!(decode(&leaf_with(2, &[3, 0]), 0), wrong(0, 2, 3));
    assert_eq!(decode(&leaf_with(0, &[3, 0]), 0), wrong(0, 3, 31));
    assert_eq!(
        decode(&leaf_with(0, &[0xff, 0xff]), 0),
        wrong(0, 0xffff, 31)
    );
    assert_eq!(
        decode(&leaf_with(0, &[0, 0]), 0),
        Err(Error::LeafEmpty { offset: 0 })
    );
    assert_eq!(
        decode(&leaf_with(0, &[]), 37),
        Err(Error::OutOfBlock { offset: 37 })
    );
    assert_eq!(
        decode(&leaf_with(0, &[]), 50),
        Err(Error::OutOfBlock { offset: 50 })
    );
    let two_leaves = Directory {
        leaves: 2,
        ..ONE_LEAF
    };
    let empty = leaf_with(0, &[0, 0]);
    assert!(Leaf::decode(&empty, 0, &two_leaves, &roomy()).is_ok());
}

#[test]
fn leaf_entries() {
    let sb = superblock(COUNTS).0;
    let check = |at, bytes: &[u8], error| {
        let block = leaf_with(at, bytes);
        let leaf = Leaf::decode(&block, 0, &ONE_LEAF, &sb).unwrap();
        assert_eq!(leaf.entry(1), Err(error));
        assert!(leaf.entry(0).is_ok());
        if at != 29 {
            assert_eq!(leaf.find(6, b"bb"), Err(error));
        }
    };
    // Entry 1 is at byte 16: hash, inode number, position, length, type.
    let index = 1;
    let inodes = 300;
    check(
        20,
        &[0],
        Error::EntryInode {
            index,
            ino: 0,
            inodes,
        },
    );
    let highest = leaf_with(20, &[0x2c, 1]);
    let highest = Leaf::decode(&highest, 0, &ONE_LEAF, &sb).unwrap();
    assert_eq!(highest.entry(0).map(|entry| entry.ino), Ok(1));
    assert_eq!(highest.entry(1).map(|entry| entry.ino), Ok(300));
    check(
        20,
        &[0x2d, 1],
        Error::EntryInode {
            index,
            ino: 301,
            inodes,
        },
    );
    for file_type in [0, 3, 5, 7, 9, 11, 13, 14, 15, 16 + 8, 255] {
        check(27, &[file_type], Error::EntryType { index, file_type });
    }
    let position = |position, length| Error::EntryPosition {
        index,
        position,
        length,
    };
    check(24, &[27], position(27, 2));
    check(24, &[0], position(0, 2));
    check(24, &[30], position(30, 2));
    check(24, &[0xff, 0xff], position(0xffff, 2));
    check(26, &[3], position(29, 3));
    check(26, &[0], position(29, 0));
    for name in [b"b/", b"\0b", b".."] {
        check(29, name, Error::EntryName { index, length: 2 });
    }
    let block = leaf_with(28, b".");
    let leaf = Leaf::decode(&block, 0, &ONE_LEAF, &sb).unwrap();
    assert_eq!(
        leaf.entry(0),
        Err(Error::EntryName {
            index: 0,
            length: 1
        })
    );
    assert_eq!(
        leaf.entry(2),
        Err(Error::NoEntry {
            index: 2,
            entries: 2
        })
    );
}

#[test]
fn types_of_entries() {
    for (mode, file_type) in [
        (S_IFIFO, 1),
        (S_IFCHR, 2),
        (S_IFDIR, 4),
        (S_IFBLK, 6),
        (S_IFREG, 8),
        (S_IFLNK, 10),
        (S_IFSOCK, 12),
    ] {
        assert_eq!(d_type(mode | 0o7777), file_type);
    }
}

#[test]
fn positions() {
    let sb = superblock(COUNTS).0;
    assert_eq!(
        sb.inode_position(1),
        Ok(Position {
            block: 0,
            offset: 0
        })
    );
    assert_eq!(
        sb.inode_position(128),
        Ok(Position {
            block: 1,
            offset: 0
        })
    );
    assert_eq!(
        sb.inode_position(300),
        Ok(Position {
            block: 2,
            offset: 45 * 32
        })
    );
    for ino in [0, 301, u32::MAX] {
        assert_eq!(
            sb.inode_position(ino),
            Err(Error::NoInode { ino, inodes: 300 })
        );
    }
    assert_eq!(
        sb.wide_position(2),
        Ok(Position {
            block: 3,
            offset: 128
        })
    );
    let error = Error::NoWideInode {
        index: 3,
        wide_inodes: 3,
    };
    assert_eq!(sb.wide_position(3), Err(error));
    let directory = Directory {
        parent: 1,
        leaves: 2,
        first: 0,
    };
    assert_eq!(
        sb.leaf_position(&directory, 1),
        Ok(Position {
            block: 5,
            offset: 0
        })
    );
    let error = Error::NoLeaf { leaf: 2, leaves: 2 };
    assert_eq!(sb.leaf_position(&directory, 2), Err(error));
    let symlink = |position, length| Symlink { position, length };
    assert_eq!(
        sb.target_piece(&symlink(98, 2), 1),
        Ok(Some((
            Position {
                block: 6,
                offset: 99
            },
            1
        )))
    );
    assert_eq!(sb.target_piece(&symlink(98, 2), 2), Ok(None));
    assert!(matches!(
        sb.target_piece(&symlink(100, 1), 0),
        Err(Error::NoTarget { .. })
    ));
    // Across blocks: the first has 4092 bytes.
    let piece = |offset| {
        let piece = roomy().target_piece(&symlink(4090, 4095), offset).unwrap();
        piece.map(|(position, length)| (position.offset, length))
    };
    assert_eq!(piece(0), Some((4090, 2)));
    assert_eq!(piece(2), Some((0, 4092)));
    assert_eq!(piece(4094), Some((0, 1)));
    assert_eq!(piece(4095), None);
}

#[test]
fn a_block_ends_in_its_sum() {
    let mut block = [0; 4096];
    block[4092..].copy_from_slice(&[2, 3, 4, 5]);
    assert_eq!(check_sum(9, 0x0504_0302, &block), Ok(()));
    let error = Error::BlockSum {
        block: 9,
        stored: 0x0504_0302,
        computed: 0,
    };
    assert_eq!(check_sum(9, 0, &block), Err(error));
    assert_eq!(
        check_sum(9, 0, &block[..4095]),
        Err(Error::OutOfBlock { offset: 4092 })
    );
}

#[test]
fn messages() {
    let error = Error::RegionStart {
        region: "leaves",
        found: 12,
        expected: 10,
    };
    assert_eq!(
        error.to_string(),
        "region leaves: starts at block 12, expected 10"
    );
    let error = Error::NotTarfs {
        magic: *b"notTarfs",
    };
    assert!(error.to_string().contains("0x6e6f745461726673"), "{error}");
}
