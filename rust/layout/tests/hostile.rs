// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Whatever the bytes: no panic, and what is accepted keeps to the rules.

mod support;

use layout::*;
use proptest::prelude::*;
use support::{crc32, roomy, superblock, Counts, TAR_LENGTH};

/// Places in `length` bytes, and what stands there.
fn changes(length: usize) -> impl Strategy<Value = Vec<(usize, u8)>> {
    let byte = prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xff)];
    prop::collection::vec((0..length, byte), 1..12)
}

fn apply(bytes: &mut [u8], changes: &[(usize, u8)]) {
    for (at, byte) in changes {
        bytes[*at] = *byte;
    }
}

/// A number as hostile images have them: small, near a power of two, or anything.
fn number() -> impl Strategy<Value = u64> {
    let near =
        (0..64u32, -2..=2i64).prop_map(|(bit, near)| (1u64 << bit).wrapping_add_signed(near));
    prop_oneof![0..20u64, near, any::<u64>()]
}

fn check_regions(sb: &Superblock, bytes: u64) {
    let regions = [
        sb.inodes,
        sb.extras,
        sb.leaves,
        sb.heap,
        sb.xattrs,
        sb.extents,
        sb.layers,
        sb.data_sums,
    ];
    let blocks: u64 = regions
        .iter()
        .map(|region| u64::from(region.blocks()))
        .sum();
    assert_eq!(blocks + 1, sb.index_blocks);
    assert_eq!(sb.index_offset + sb.index_blocks * 4096, bytes);
    assert!(sb.index_offset == 0 || sb.tar_length + 512 <= sb.index_offset);
    assert_eq!(u64::from(sb.inode_count()), sb.inodes.records());
    let last = sb.inode_position(sb.inode_count()).unwrap();
    assert!(last.block < sb.inodes.end() && last.offset + 32 <= 4092);
}

fn check_inode(ino: u32, inode: &Inode, sb: &Superblock) {
    if let Some(xattrs) = inode.xattrs {
        let position = sb.xattr_position(&xattrs).unwrap();
        assert!(position.block < sb.xattrs.end() && position.offset % 4 == 0);
    }
    assert!(inode.mtime_nsec < 1_000_000_000 && inode.nlink >= 1);
    match inode.kind {
        Kind::Regular(extent) => assert!(extent.sector * 512 + extent.size <= TAR_LENGTH),
        Kind::Sparse(sparse) => {
            assert!(sparse.size > 0 && sparse.size < 1 << 63);
            for index in (0..sparse.extents)
                .take(3)
                .chain(sparse.extents.checked_sub(1))
            {
                let position = sb.extent_position(&sparse, index).unwrap();
                assert!(position.block < sb.extents.end() && position.offset + 24 <= 4080);
            }
            assert!(sb.extent_position(&sparse, sparse.extents).is_err());
        }
        Kind::Directory(directory) => {
            assert!(directory.parent < ino || ino == ROOT_INO && directory.parent == ROOT_INO);
            for leaf in 0..directory.leaves.min(3) {
                let position = sb.leaf_position(&directory, leaf).unwrap();
                assert!(position.block < sb.leaves.end() && position.offset < 4092);
            }
        }
        Kind::Symlink(symlink) => {
            let mut read = 0;
            while let Some((position, length)) = sb.target_piece(&symlink, read).unwrap() {
                assert!(position.block < sb.heap.end() && position.offset + length <= 4092);
                assert!(length > 0);
                read += length as u16;
            }
            assert_eq!(read, symlink.length);
        }
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            assert!(major < 1 << 12 && minor < 1 << 20);
        }
        Kind::Fifo | Kind::Socket => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The checksum is taken as right, so that all other rules are reached.
    #[test]
    fn superblock_of_anything(
        changes in changes(320),
        field in 0..26usize,
        value in number(),
        bytes in prop_oneof![Just(None), number().prop_map(Some)],
    ) {
        let counts = Counts { inodes: 1000, extras: 10, leaves: 9000, heap: 100, xattrs: 50, extents: 7, layers: 0, data_sums: 0 };
        let (superblock, right) = superblock(counts);
        let mut block = superblock.encode(crc32);
        block[112 + field * 8..][..8].copy_from_slice(&value.to_le_bytes());
        apply(&mut block[16..], &changes);
        let stored = u32::from_le_bytes([block[12], block[13], block[14], block[15]]);
        let bytes = bytes.unwrap_or(right);
        if let Ok(superblock) = Superblock::decode(&block, |_| stored, bytes) {
            check_regions(&superblock, bytes);
            prop_assert_eq!(superblock.encode(|_| stored), block);
        }
    }

    /// A record that is accepted is the one that is written for the inode.
    #[test]
    fn inode_of_anything(ino in 1..1u32 << 30, mode in any::<u16>(), words in any::<[u32; 6]>(), small in any::<[bool; 7]>()) {
        let sb = roomy();
        let mut record = [0; 32];
        record[..2].copy_from_slice(&mode.to_le_bytes());
        record[2] = 2;
        for (i, word) in words.iter().enumerate() {
            let word = if small[i] { word % 5 } else { *word };
            record[8 + i * 4..][..4].copy_from_slice(&word.to_le_bytes());
        }
        match InodeRecord::decode(ino, &record, 0, &sb) {
            Ok(Record::Complete(inode)) => {
                check_inode(ino, &inode, &sb);
                prop_assert_eq!(InodeRecord::encode(&inode, sb.time_base), Some(record));
            }
            Ok(Record::Wide { mode, index }) => {
                prop_assert!(sb.wide_position(index).is_ok());
                prop_assert_eq!(InodeRecord::encode_reference(mode, index), record);
            }
            Err(_) => {}
        }
    }

    #[test]
    fn wide_inode_of_anything(
        ino in 1..1u32 << 30,
        mode in any::<u16>(),
        numbers in [number(), number(), number(), number()],
        words in any::<[u32; 5]>(),
        last_words in [prop_oneof![0..4u32, Just(u32::MAX), any::<u32>()], prop_oneof![0..4u32, Just(u32::MAX), any::<u32>()]],
        small in any::<bool>(),
    ) {
        let sb = roomy();
        let mut record = [0; 64];
        for (i, number) in numbers.iter().enumerate() {
            record[i * 8..][..8].copy_from_slice(&number.to_le_bytes());
        }
        for (i, word) in words.iter().enumerate() {
            let word = if small { word % 5 } else { *word };
            record[32 + i * 4..][..4].copy_from_slice(&word.to_le_bytes());
        }
        record[52..56].copy_from_slice(&ino.to_le_bytes());
        record[56..60].copy_from_slice(&last_words[0].to_le_bytes());
        record[60..64].copy_from_slice(&last_words[1].to_le_bytes());
        if let Ok(inode) = InodeRecord::decode_wide(ino, mode, &record, 0, &sb) {
            check_inode(ino, &inode, &sb);
            prop_assert_eq!(InodeRecord::encode_wide(ino, &inode), record);
        }
    }

    #[test]
    fn leaf_of_anything(
        count in 0..20usize,
        changes in changes(260),
        offset in 0..5000usize,
        leaves in 1..3u32,
        random in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let sb = superblock(Counts { inodes: 30, leaves: 4096, ..Counts::default() }).0;
        let directory = Directory { parent: 1, leaves, first: 0 };
        let names: Vec<_> = (0..count).map(|i| format!("{i:03}")).collect();
        let entries = names.iter().zip(1..).map(|(name, ino)| Entry {
            ino,
            name: name.as_bytes(),
            file_type: 8,
            hash: ino,
        });
        let entries: Vec<_> = entries.collect();
        let mut block = [0; 4096];
        Leaf::encode(&mut block, entries.iter().copied()).unwrap();
        apply(&mut block, &changes);
        look(&block, 0, &directory, &sb);
        look(&block, offset, &directory, &sb);
        look(&random, offset % 300, &directory, &sb);
    }

    #[test]
    fn extent_of_anything(numbers in [number(), number(), number()], size in 1..u64::MAX >> 1) {
        let sb = roomy();
        let sparse = Sparse { size, first: 0, extents: 1 };
        let record: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        if let Ok(extent) = SparseExtent::decode(2, &sparse, &record, 0, &sb) {
            prop_assert!(extent.length > 0 && extent.logical + extent.length <= size);
            prop_assert!(extent.position + extent.length <= TAR_LENGTH);
            prop_assert_eq!(&extent.encode()[..], record);
        }
    }

    #[test]
    fn set_of_anything(
        count in 1..20usize,
        changes in changes(330),
        offset in 0..5000usize,
        random in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let sb = superblock(Counts { inodes: 1, xattrs: 70_000, ..Counts::default() }).0;
        let names: Vec<_> = (0..count).map(|i| format!("{i:03}")).collect();
        let entries = names.iter().zip(1..).map(|(name, position)| XattrEntry {
            namespace: Namespace::User,
            name: name.as_bytes(),
            value_length: 3,
            value_position: position,
        });
        let entries: Vec<_> = entries.collect();
        let mut block = [0; 4096];
        XattrSet::encode(&mut block, entries.iter().copied()).unwrap();
        apply(&mut block, &changes);
        look_at_set(&block, 0, &sb);
        look_at_set(&block, offset, &sb);
        look_at_set(&random, offset % 300, &sb);
    }

    #[test]
    fn target_of_anything(target in prop::collection::vec(any::<u8>(), 0..300)) {
        let symlink = Symlink { position: 0, length: 1 };
        prop_assert_eq!(symlink.check_target(&target).is_err(), target.contains(&0));
    }
}

/// Reads all of a leaf, and looks for each name that it has.
fn look(block: &[u8], offset: usize, directory: &Directory, sb: &Superblock) {
    let Ok(leaf) = Leaf::decode(block, offset, directory, sb) else {
        return;
    };
    assert!(!leaf.is_empty() || directory.leaves > 1);
    for index in 0..leaf.len() {
        if let Ok(entry) = leaf.entry(index) {
            assert!((1..=255).contains(&entry.name.len()));
            assert!((1..=sb.inode_count()).contains(&entry.ino));
            assert!(!entry.name.contains(&0) && !entry.name.contains(&b'/'));
            // The order may be wrong, so that it is not found; what is found is it.
            if let Ok(Some(found)) = leaf.find(entry.hash, entry.name) {
                assert_eq!((found.name, found.hash), (entry.name, entry.hash));
            }
        }
    }
    assert!(leaf.entry(leaf.len()).is_err());
}

/// Reads all of a set of extended attributes, and goes through each value.
fn look_at_set(block: &[u8], offset: usize, sb: &Superblock) {
    let Ok(set) = XattrSet::decode(block, offset, sb) else {
        return;
    };
    for index in 0..set.len() {
        let Ok(entry) = set.entry(index) else {
            continue;
        };
        let full = [entry.namespace.prefix().as_bytes(), entry.name].concat();
        assert_eq!(Namespace::split(&full), Some((entry.namespace, entry.name)));
        let mut read = 0;
        while let Some((position, length)) = sb.xattr_value(&entry, read).unwrap() {
            assert!(position.block < sb.xattrs.end() && position.offset + length <= 4092);
            assert!(length > 0);
            read += length as u32;
        }
        assert_eq!(read, entry.value_length);
        // In a set that is in order so far, what is found is it.
        if (0..index).all(|before| set.entry(before).is_ok()) {
            assert_eq!(set.find(entry.namespace, entry.name), Ok(Some(entry)));
        }
    }
    assert!(set.entry(set.len()).is_err());
}
