// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The format's records as they lie on disk: little-endian, without alignment, not yet checked.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Error;

/// What follows the fields that the superblock's format names.
pub(crate) const SUPERBLOCK_REST: usize = crate::BLOCK_SIZE - 320;

/// Number of region descriptors in the superblock.
pub(crate) const REGIONS: usize = 8;

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Superblock {
    pub(crate) magic: [u8; 8],
    pub(crate) version: U32,
    pub(crate) sum: U32,
    pub(crate) features_compat: U32,
    pub(crate) features_ro_compat: U32,
    pub(crate) features_incompat: U32,
    pub(crate) hash_seed: U32,
    pub(crate) uuid: [u8; 16],
    pub(crate) label: [u8; 64],
    pub(crate) tar_length: U64,
    pub(crate) index_offset: U64,
    pub(crate) index_blocks: U64,
    pub(crate) time_base: I64,
    pub(crate) created: I64,
    pub(crate) tar_sha256: [u8; 32],
    pub(crate) zero: [u8; 8],
    pub(crate) regions: [Region; REGIONS],
    pub(crate) rest: [u8; SUPERBLOCK_REST],
}

#[derive(Clone, Copy, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Region {
    pub(crate) first_block: U32,
    pub(crate) blocks: U32,
    pub(crate) records: U64,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Inode {
    pub(crate) mode: U16,
    pub(crate) nlink: U16,
    pub(crate) uid: U16,
    pub(crate) gid: U16,
    pub(crate) mtime: U32,
    pub(crate) size: U32,
    pub(crate) data: U32,
    pub(crate) header: U32,
    pub(crate) parent_or_nsec: U32,
    pub(crate) wide: U32,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct WideInode {
    pub(crate) size: U64,
    pub(crate) data: U64,
    pub(crate) header: U64,
    pub(crate) mtime_sec: I64,
    pub(crate) mtime_nsec: U32,
    pub(crate) uid: U32,
    pub(crate) gid: U32,
    pub(crate) nlink: U32,
    pub(crate) parent: U32,
    pub(crate) owner: U32,
    pub(crate) xattrs: U32,
    pub(crate) extents: U32,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LeafHeader {
    pub(crate) entries: U16,
    pub(crate) used: U16,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LeafEntry {
    pub(crate) hash: U32,
    pub(crate) ino: U32,
    pub(crate) name_position: U16,
    pub(crate) name_length: u8,
    pub(crate) file_type: u8,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct XattrSetHeader {
    pub(crate) entries: U16,
    pub(crate) used: U16,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct XattrEntry {
    pub(crate) namespace: u8,
    pub(crate) name_length: u8,
    pub(crate) name_position: U16,
    pub(crate) value_length: U32,
    pub(crate) value_position: U32,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SparseExtent {
    pub(crate) logical: U64,
    pub(crate) length: U64,
    pub(crate) position: U64,
}

#[derive(FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Layer {
    pub(crate) sector: U64,
    pub(crate) length: U64,
    pub(crate) sha256: [u8; 32],
    pub(crate) zero: [u8; 16],
}

/// Returns the record at `offset` of an index block.
pub(crate) fn read<T>(block: &[u8], offset: usize) -> Result<&T, Error>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    block
        .get(offset..)
        .and_then(|rest| T::ref_from_prefix(rest).ok())
        .map(|(record, _)| record)
        .ok_or(Error::OutOfBlock { offset })
}

const _: () = {
    assert!(size_of::<Superblock>() == crate::BLOCK_SIZE);
    assert!(size_of::<Region>() == 16);
    assert!(size_of::<Inode>() == 32);
    assert!(size_of::<WideInode>() == 64);
    assert!(size_of::<LeafHeader>() == 4);
    assert!(size_of::<LeafEntry>() == 12);
    assert!(size_of::<XattrSetHeader>() == 4);
    assert!(size_of::<XattrEntry>() == 12);
    assert!(size_of::<SparseExtent>() == 24);
    assert!(size_of::<Layer>() == 64);
};
