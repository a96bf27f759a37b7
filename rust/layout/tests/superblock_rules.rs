// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Each rule of the superblock, broken once in one that keeps all others.

mod support;

use layout::*;
use support::{crc32, superblock, Counts, TAR_LENGTH};

const COUNTS: Counts = Counts {
    inodes: 300,
    extras: 3,
    leaves: 5000,
    heap: 100,
    xattrs: 5000,
    extents: 171,
    layers: 0,
    data_sums: 0,
};

/// Decodes a superblock with these bytes at `at`, whose checksum is right.
fn with_bytes(at: usize, bytes: &[u8]) -> Error {
    let (superblock, image_bytes) = superblock(COUNTS);
    let mut block = superblock.encode(crc32);
    block[at..at + bytes.len()].copy_from_slice(bytes);
    let sum = crc32(&[&block[..12], &[0; 4], &block[16..]]);
    block[12..16].copy_from_slice(&sum.to_le_bytes());
    Superblock::decode(&block, crc32, image_bytes).unwrap_err()
}

fn with_u32(at: usize, value: u32) -> Error {
    with_bytes(at, &value.to_le_bytes())
}

fn with_u64(at: usize, value: u64) -> Error {
    with_bytes(at, &value.to_le_bytes())
}

/// Where the descriptor of region `number` starts.
fn region(number: usize) -> usize {
    192 + 16 * number
}

#[test]
fn superblock_is_good() {
    let (superblock, image_bytes) = superblock(COUNTS);
    let block = superblock.encode(crc32);
    assert_eq!(
        Superblock::decode(&block, crc32, image_bytes),
        Ok(superblock)
    );
}

#[test]
fn superblock_identity() {
    assert_eq!(
        with_bytes(0, b"tarFsIdx"),
        Error::NotTarfs {
            magic: *b"tarFsIdx"
        }
    );
    assert_eq!(with_u32(8, 2), Error::Version { found: 2 });
    assert_eq!(with_u32(24, 0x10), Error::Features { unknown: 0x10 });
    assert!(with_u32(8, 2).is_unsupported() && with_u32(24, 1).is_unsupported());
    assert!(!with_bytes(0, b"x").is_unsupported());
    let (superblock, image_bytes) = superblock(COUNTS);
    let mut block = superblock.encode(crc32);
    block[12] ^= 1;
    let error = Superblock::decode(&block, crc32, image_bytes).unwrap_err();
    assert!(matches!(error, Error::SuperblockSum { stored, computed } if stored == computed ^ 1));
    assert!(!error.is_unsupported());
}

/// Features that a reader may ignore are kept, not refused.
#[test]
fn superblock_compatible_features() {
    let (mut superblock, image_bytes) = superblock(COUNTS);
    superblock.features_compat = 0xffff_fffe;
    superblock.features_ro_compat = u32::MAX;
    let block = superblock.encode(crc32);
    assert_eq!(
        Superblock::decode(&block, crc32, image_bytes),
        Ok(superblock)
    );
}

#[test]
fn superblock_zeros() {
    assert_eq!(
        with_bytes(152, &[1]),
        Error::SuperblockNotZero { from: 152, to: 184 }
    );
    assert_eq!(
        with_bytes(191, &[1]),
        Error::SuperblockNotZero { from: 184, to: 192 }
    );
    assert_eq!(
        with_bytes(320, &[1]),
        Error::SuperblockNotZero {
            from: 320,
            to: 4096
        }
    );
    assert_eq!(
        with_bytes(4095, &[1]),
        Error::SuperblockNotZero {
            from: 320,
            to: 4096
        }
    );
}

#[test]
fn superblock_label() {
    assert_eq!(with_bytes(48, b"\xff"), Error::Label);
    assert_eq!(with_bytes(48, b"a\0b"), Error::Label);
    assert_eq!(with_bytes(111, b"x"), Error::Label);
}

#[test]
fn superblock_regions() {
    let start = |name, found, expected| Error::RegionStart {
        region: name,
        found,
        expected,
    };
    let blocks = |name, found, needed| Error::RegionBlocks {
        region: name,
        found,
        needed,
    };
    // inodes: 3 blocks; extras: 1; leaves: 2; heap: 1; xattrs: 2; extents: 2; layers: 0; data sums: 0.
    assert_eq!(with_u32(region(0), 1), start("inodes", 1, 0));
    assert_eq!(with_u32(region(1), 2), start("extras", 2, 3));
    assert_eq!(with_u32(region(2), 5), start("leaves", 5, 4));
    assert_eq!(with_u32(region(3), 5), start("heap", 5, 6));
    assert_eq!(with_u32(region(4), 8), start("xattrs", 8, 7));
    assert_eq!(with_u32(region(5), 8), start("extents", 8, 9));
    assert_eq!(with_u32(region(6), 0), start("layers", 0, 11));
    assert_eq!(with_u32(region(7), 0), start("data sums", 0, 11));
    assert_eq!(with_u32(region(0) + 4, 4), blocks("inodes", 4, 3));
    assert_eq!(with_u32(region(5) + 4, 1), blocks("extents", 1, 2));
    assert_eq!(with_u32(region(6) + 4, 1), blocks("layers", 1, 0));
    assert_eq!(with_u64(region(2) + 8, 4092), blocks("leaves", 2, 1));
    assert_eq!(with_u64(region(4) + 8, 4092), blocks("xattrs", 2, 1));
    assert_eq!(with_u64(region(5) + 8, 170), blocks("extents", 2, 1));
    let too_large = Error::RegionTooLarge {
        region: "heap",
        records: 1 << 44,
    };
    assert_eq!(with_u64(region(3) + 8, 1 << 44), too_large);
}

/// As many wide inodes as inodes, and an index right behind the archive's last sector.
#[test]
fn superblock_limits() {
    let (mut superblock, image_bytes) = superblock(Counts {
        extras: 300,
        ..COUNTS
    });
    superblock.tar_length = superblock.index_offset - 512;
    let block = superblock.encode(crc32);
    assert_eq!(
        Superblock::decode(&block, crc32, image_bytes),
        Ok(superblock)
    );
}

#[test]
fn superblock_counts() {
    let none = [0u8; 16];
    assert_eq!(
        with_u64(128, 8),
        Error::IndexBlocks {
            found: 8,
            expected: 12
        }
    );
    assert_eq!(with_u64(112, 1 << 63), Error::TarLength { length: 1 << 63 });
    let mut regions = Vec::new();
    for (first, blocks, records) in [
        (0u32, 0u32, 0u64),
        (0, 1, 3),
        (1, 2, 5000),
        (3, 1, 100),
        (4, 2, 5000),
        (6, 2, 171),
        (8, 0, 0),
        (8, 0, 0),
    ] {
        regions.extend_from_slice(&first.to_le_bytes());
        regions.extend_from_slice(&blocks.to_le_bytes());
        regions.extend_from_slice(&records.to_le_bytes());
    }
    assert_eq!(regions[..16], none);
    assert_eq!(
        with_bytes(region(0), &regions),
        Error::InodeCount { inodes: 0 }
    );
    let many = Counts {
        extras: 301,
        ..COUNTS
    };
    let (superblock, image_bytes) = superblock(many);
    let error = Superblock::decode(&superblock.encode(crc32), crc32, image_bytes);
    assert_eq!(
        error,
        Err(Error::WideInodeCount {
            wide_inodes: 301,
            inodes: 300
        })
    );
}

#[test]
fn superblock_place() {
    let offset = TAR_LENGTH + 4096;
    assert_eq!(
        with_u64(120, offset + 1),
        Error::IndexAlignment { offset: offset + 1 }
    );
    let overlap = Error::IndexOverlap {
        offset: TAR_LENGTH,
        tar_length: TAR_LENGTH,
    };
    assert_eq!(with_u64(120, TAR_LENGTH), overlap);
    assert!(matches!(
        with_u64(120, offset + 4096),
        Error::ImageSize { .. }
    ));
    let (superblock, image_bytes) = superblock(COUNTS);
    let block = superblock.encode(crc32);
    for wrong in [image_bytes - 4096, image_bytes + 512, 0, u64::MAX] {
        let error = Superblock::decode(&block, crc32, wrong).unwrap_err();
        assert!(matches!(error, Error::ImageSize { .. }));
    }
}
