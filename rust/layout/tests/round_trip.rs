// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What is encoded is decoded to the same.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use layout::*;
use proptest::prelude::*;
use support::{crc32, roomy, superblock, Counts, TAR_LENGTH};

fn superblocks() -> impl Strategy<Value = (Superblock, u64)> {
    let counts = (1u32.., any::<[u32; 5]>());
    let fields = (
        any::<[u32; 3]>(),
        any::<[u8; 16]>(),
        "[a-zé]{0,32}",
        any::<[i64; 2]>(),
    );
    let tar = (any::<Option<[u8; 32]>>(), 0..TAR_LENGTH, any::<bool>());
    (counts, fields, tar).prop_map(|(counts, fields, tar)| {
        let (inodes, [extras, leaves, heap, xattrs, extents]) = counts;
        let counts = Counts {
            inodes,
            extras: extras % inodes,
            leaves,
            heap,
            xattrs,
            extents,
            ..Counts::default()
        };
        let (mut superblock, mut bytes) = superblock(counts);
        let (numbers, uuid, label, times) = fields;
        superblock.label[..label.len()].copy_from_slice(label.as_bytes());
        superblock.uuid = uuid;
        superblock.features_compat = numbers[0] & !1;
        superblock.features_ro_compat = numbers[1];
        superblock.hash_seed = numbers[2];
        [superblock.time_base, superblock.created] = times;
        (superblock.tar_sha256, superblock.tar_length) = (tar.0, tar.1);
        if tar.2 {
            bytes -= superblock.index_offset;
            superblock.index_offset = 0;
        }
        (superblock, bytes)
    })
}

fn kinds(ino: u32) -> impl Strategy<Value = (u16, Kind)> {
    let regular = (1..TAR_LENGTH, any::<u64>()).prop_map(|(size, place)| {
        let sector = place % ((TAR_LENGTH - size) / 512 + 1);
        (S_IFREG, Kind::Regular(Extent { size, sector }))
    });
    let sparse =
        (1..1u64 << 63, 0..=1u32 << 20, any::<u32>()).prop_map(|(size, extents, place)| {
            let first = match extents {
                0 => 0,
                _ => u64::from(place) % ((1 << 20) - u64::from(extents) + 1),
            };
            let sparse = Sparse {
                size,
                first,
                extents,
            };
            (S_IFREG, Kind::Sparse(sparse))
        });
    let empty = Just((S_IFREG, Kind::Regular(Extent { size: 0, sector: 0 })));
    let parent = if ino == 1 { 1..=1 } else { 1..=ino - 1 };
    let directory = (parent, 0..4u32, 0u64..1 << 17).prop_map(|(parent, leaves, first)| {
        let first = match leaves {
            0 => 0,
            1 => first * 4,
            _ => first * 4092,
        };
        (
            S_IFDIR,
            Kind::Directory(Directory {
                parent,
                leaves,
                first,
            }),
        )
    });
    let symlink = (1..=4095u16, 0u64..1 << 17, any::<u16>()).prop_map(|(length, block, byte)| {
        let position = block * 4092 + u64::from(byte) % 4092;
        (S_IFLNK, Kind::Symlink(Symlink { position, length }))
    });
    let device = (0..1u32 << 12, 0..1u32 << 20, any::<bool>());
    let device = device.prop_map(|(major, minor, is_block)| match is_block {
        true => (S_IFBLK, Kind::BlockDevice { major, minor }),
        false => (S_IFCHR, Kind::CharDevice { major, minor }),
    });
    let directory = directory.boxed();
    if ino == ROOT_INO {
        return directory;
    }
    let others = [(S_IFIFO, Kind::Fifo), (S_IFSOCK, Kind::Socket)];
    prop_oneof![
        regular,
        sparse,
        empty,
        directory,
        symlink,
        device,
        prop::sample::select(others.to_vec())
    ]
    .boxed()
}

/// Numbers that fit into the short record, and some that do not.
fn small_or_large() -> impl Strategy<Value = u32> {
    prop_oneof![0..1u32 << 16, any::<u32>()]
}

fn inodes() -> impl Strategy<Value = (u32, Inode)> {
    let ino = prop_oneof![Just(ROOT_INO), 2..1u32 << 30];
    let times = (
        prop_oneof![-1000..1i64 << 31, any::<i64>()],
        0..1_000_000_000u32,
    );
    let header = prop::option::of(0..TAR_LENGTH / 512);
    let xattrs = prop::option::weighted(0.2, (0u64..1 << 28).prop_map(|unit| unit * 4));
    let numbers = (
        0..0o10000u16,
        small_or_large(),
        small_or_large(),
        small_or_large(),
    );
    (
        ino.prop_flat_map(|ino| (Just(ino), kinds(ino))),
        times,
        header,
        xattrs,
        numbers,
    )
        .prop_map(
            |((ino, (file_type, kind)), (mtime_sec, mtime_nsec), header, xattrs, numbers)| {
                let (permissions, nlink, uid, gid) = numbers;
                let is_directory = file_type == S_IFDIR;
                let inode = Inode {
                    mode: file_type | permissions,
                    nlink: nlink.max(if is_directory { 2 } else { 1 }),
                    uid,
                    gid,
                    mtime_sec,
                    // Half of the directories have short records.
                    mtime_nsec: if is_directory && uid % 2 == 0 {
                        0
                    } else {
                        mtime_nsec
                    },
                    header,
                    xattrs: xattrs.map(|position| Xattrs { position }),
                    kind,
                };
                (ino, inode)
            },
        )
}

/// The entries of a leaf, in their order.
fn entries() -> impl Strategy<Value = Vec<(u32, Vec<u8>, u32, u8)>> {
    let byte = any::<u8>().prop_filter("no name has it", |byte| !matches!(byte, 0 | b'/'));
    let name = prop::collection::vec(byte, 1..=60)
        .prop_filter("no name", |name| !matches!(&name[..], b"." | b".."));
    let types = prop::sample::select(&[1u8, 2, 4, 6, 8, 10, 12][..]);
    // Few hashes, so that some are equal.
    prop::collection::vec((0..40u32, name, 1..1u32 << 30, types), 1..50).prop_map(|entries| {
        let mut names = BTreeSet::new();
        let mut entries: Vec<_> = entries
            .into_iter()
            .filter(|entry| names.insert(entry.1.clone()))
            .collect();
        entries.sort();
        entries
    })
}

/// Extended attributes in their order: namespace and name, length and place of the value.
fn xattrs() -> impl Strategy<Value = BTreeMap<(Namespace, Vec<u8>), (u32, u32)>> {
    let namespaces = [Namespace::User, Namespace::Trusted, Namespace::Security];
    let byte = any::<u8>().prop_filter("no name has it", |byte| *byte != 0);
    let name = prop::collection::vec(byte, 1..=20);
    let named = (prop::sample::select(namespaces.to_vec()), name);
    let acl = prop::sample::select(vec![Namespace::AclAccess, Namespace::AclDefault]);
    let key = prop_oneof![4 => named, 1 => acl.prop_map(|acl| (acl, Vec::new()))];
    let value = (0..=XATTR_SIZE_MAX, 0u32..1 << 29);
    prop::collection::btree_map(key, value, 1..40)
}

proptest! {
    #[test]
    fn superblock_round_trip((superblock, bytes) in superblocks()) {
        let block = superblock.encode(crc32);
        prop_assert_eq!(Superblock::decode(&block, crc32, bytes), Ok(superblock));
    }

    #[test]
    fn damaged_superblock((superblock, bytes) in superblocks(), bit in 0..4096 * 8usize) {
        let mut block = superblock.encode(crc32);
        block[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Superblock::decode(&block, crc32, bytes).is_err());
    }

    #[test]
    fn inode_round_trip((ino, inode) in inodes()) {
        let sb = roomy();
        if let Some(record) = InodeRecord::encode(&inode, sb.time_base) {
            let decoded = InodeRecord::decode(ino, &record, 0, &sb);
            prop_assert_eq!(decoded, Ok(Record::Complete(inode)));
        }
        let reference = InodeRecord::encode_reference(inode.mode, 5);
        let wide = Record::Wide { mode: inode.mode, index: 5 };
        prop_assert_eq!(InodeRecord::decode(ino, &reference, 0, &sb), Ok(wide));
        let record = InodeRecord::encode_wide(ino, &inode);
        let decoded = InodeRecord::decode_wide(ino, inode.mode, &record, 0, &sb);
        prop_assert_eq!(decoded, Ok(inode));
    }

    /// Short records are for what fits, and for all of it.
    #[test]
    fn short_where_it_fits((_, inode) in inodes()) {
        let base = roomy().time_base;
        let is_directory = matches!(inode.kind, Kind::Directory(_));
        let data_fits = match inode.kind {
            Kind::Regular(extent) => extent.size <= 0xffff_ffff && extent.sector <= 0xffff_ffff,
            Kind::Sparse(_) => false,
            _ => true,
        };
        let fits = data_fits
            && inode.xattrs.is_none()
            && [inode.nlink, inode.uid, inode.gid].iter().all(|&number| number <= 0xffff)
            && inode.header.is_none_or(|sector| sector < 0xffff_ffff)
            && (base..=base + 0xffff_ffff).contains(&inode.mtime_sec)
            && !(is_directory && inode.mtime_nsec > 0);
        prop_assert_eq!(InodeRecord::encode(&inode, base).is_some(), fits);
    }

    #[test]
    fn leaf_round_trip(entries in entries(), offset in 0..64usize) {
        let sb = roomy();
        let directory = Directory { parent: 1, leaves: 1, first: 0 };
        let entries: Vec<_> = entries
            .iter()
            .map(|(hash, name, ino, file_type)| {
                Entry { ino: *ino, name, file_type: *file_type, hash: *hash }
            })
            .collect();
        let mut block = [0xaa; 4096];
        let used = Leaf::encode(&mut block[offset..], entries.iter().copied());
        let names = entries.iter().map(|entry| entry.name.len()).sum();
        prop_assert_eq!(used, Some(leaf_bytes(entries.len(), names)));
        let leaf = Leaf::decode(&block, offset, &directory, &sb).unwrap();
        prop_assert_eq!(leaf.len(), entries.len());
        for (index, entry) in entries.iter().enumerate() {
            prop_assert_eq!(leaf.entry(index), Ok(*entry));
            prop_assert_eq!(leaf.find(entry.hash, entry.name), Ok(Some(*entry)));
            prop_assert_eq!(leaf.find(entry.hash + 1, entry.name), Ok(None));
        }
        prop_assert_eq!(leaf.find(3, b"."), Ok(None));
    }

    #[test]
    fn extent_round_trip(
        (logical, length) in (0..1u64 << 50, 1..1u64 << 40),
        position in 0..TAR_LENGTH - (1 << 40),
    ) {
        let extent = SparseExtent { logical, length, position };
        let sparse = Sparse { size: logical + length, first: 0, extents: 1 };
        let decoded = SparseExtent::decode(2, &sparse, &extent.encode(), 0, &roomy());
        prop_assert_eq!(decoded, Ok(extent));
    }

    #[test]
    fn set_round_trip(xattrs in xattrs(), offset in 0..64usize, missing in 1..100usize) {
        let entries: Vec<_> = xattrs
            .iter()
            .map(|((namespace, name), (value_length, value_position))| XattrEntry {
                namespace: *namespace,
                name,
                value_length: *value_length,
                value_position: if *value_length == 0 { 0 } else { *value_position },
            })
            .collect();
        let mut block = [0xaa; 4096];
        let used = XattrSet::encode(&mut block[offset..], entries.iter().copied()).unwrap();
        let names = entries.iter().map(|entry| entry.name.len()).sum();
        prop_assert_eq!(used, xattr_set_bytes(entries.len(), names));
        let set = XattrSet::decode(&block, offset, &roomy()).unwrap();
        prop_assert_eq!(set.len(), entries.len());
        for (index, entry) in entries.iter().enumerate() {
            prop_assert_eq!(set.entry(index), Ok(*entry));
            prop_assert_eq!(set.find(entry.namespace, entry.name), Ok(Some(*entry)));
        }
        prop_assert_eq!(set.find(Namespace::User, b"no such name"), Ok(None));
        let mut short = vec![0; used.saturating_sub(missing)];
        prop_assert_eq!(XattrSet::encode(&mut short, entries.iter().copied()), None);
    }

    /// A leaf that does not fit is not written.
    #[test]
    fn leaf_without_room(entries in entries(), missing in 1..100usize) {
        let entries = entries.iter().map(|(hash, name, ino, file_type)| {
            Entry { ino: *ino, name, file_type: *file_type, hash: *hash }
        });
        let entries: Vec<_> = entries.collect();
        let names = entries.iter().map(|entry| entry.name.len()).sum();
        let room = leaf_bytes(entries.len(), names).saturating_sub(missing);
        let mut block = vec![0; room];
        prop_assert_eq!(Leaf::encode(&mut block, entries.iter().copied()), None);
    }

    /// Hashes are spread over leaves in their order, and none is without a leaf.
    #[test]
    fn leaves_by_hash(a in any::<u32>(), b in any::<u32>(), leaves in 1..1u32 << 20) {
        prop_assert!(leaf_of(a, leaves) < leaves);
        prop_assert!(leaf_of(a.min(b), leaves) <= leaf_of(a.max(b), leaves));
    }
}
