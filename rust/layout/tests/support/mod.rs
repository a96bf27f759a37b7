// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A superblock for the tests.
#![allow(dead_code)]

use layout::{Region, RegionKind, Superblock};

/// Length of the archive of [`superblock`].
pub const TAR_LENGTH: u64 = 1 << 43;

/// What an index holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub inodes: u32,
    pub extras: u32,
    pub leaves: u32,
    pub heap: u32,
    pub xattrs: u32,
    pub extents: u32,
    pub layers: u32,
    pub data_sums: u32,
}

pub fn crc32(slices: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slices.iter().for_each(|slice| hasher.update(slice));
    hasher.finalize()
}

/// The superblock of an index with these counts, and the length of its image.
pub fn superblock(counts: Counts) -> (Superblock, u64) {
    let region = |kind, first, records| Region::new(kind, first, records).unwrap();
    let inodes = region(RegionKind::Inodes, 0, counts.inodes.into());
    let extras = region(RegionKind::Extras, inodes.end(), counts.extras.into());
    let leaves = region(RegionKind::Leaves, extras.end(), counts.leaves.into());
    let heap = region(RegionKind::Heap, leaves.end(), counts.heap.into());
    let xattrs = region(RegionKind::Xattrs, heap.end(), counts.xattrs.into());
    let extents = region(RegionKind::Extents, xattrs.end(), counts.extents.into());
    let layers = region(RegionKind::Layers, extents.end(), counts.layers.into());
    let data_sums = region(RegionKind::DataSums, layers.end(), counts.data_sums.into());
    let superblock = Superblock {
        features_compat: 0,
        features_ro_compat: 0,
        features_incompat: 0,
        hash_seed: 0,
        uuid: [7; 16],
        label: [0; 64],
        tar_length: TAR_LENGTH,
        index_offset: TAR_LENGTH + 4096,
        index_blocks: u64::from(data_sums.end()) + 1,
        time_base: -1000,
        created: 0,
        tar_sha256: None,
        inodes,
        extras,
        leaves,
        heap,
        xattrs,
        extents,
        layers,
        data_sums,
    };
    let bytes = superblock.index_offset + superblock.index_blocks * 4096;
    (superblock, bytes)
}

/// A superblock that leaves room for all that the tests generate.
pub fn roomy() -> Superblock {
    let counts = Counts {
        inodes: 1 << 30,
        extras: 1 << 20,
        leaves: 1 << 30,
        heap: 1 << 30,
        xattrs: 1 << 30,
        extents: 1 << 20,
        ..Counts::default()
    };
    superblock(counts).0
}
