// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The superblock: the last block of an image.

use zerocopy::{transmute, transmute_ref};

use crate::{raw, Error, Region, RegionKind, BLOCK, BLOCK_SIZE, LAYERS_MAX, SECTOR};

/// The first bytes of a superblock.
pub const MAGIC: [u8; 8] = *b"TarFsIdx";

/// The version of the format that this crate reads and writes.
pub const VERSION: u32 = 1;

/// Compatible feature: the archive's SHA-256 is recorded.
const COMPAT_SHA256: u32 = 0x1;

/// Incompatible features that a reader of this version knows.
const KNOWN_INCOMPAT: u32 = 0;

/// Place of the CRC-32 in the superblock, in bytes.
const SUM_AT: usize = 12;

/// A validated superblock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Compatible features, without those that another field here expresses.
    pub features_compat: u32,
    /// Read-only compatible features; a reader has no use for them.
    pub features_ro_compat: u32,
    /// Incompatible features: none in version 1.
    pub features_incompat: u32,
    /// Seed of [`crate::name_hash`] for this image.
    pub hash_seed: u32,
    /// UUID of the image.
    pub uuid: [u8; 16],
    /// Label: UTF-8, padded with NUL.
    pub label: [u8; 64],
    /// Length of the archive, in bytes. Data and headers lie below it.
    pub tar_length: u64,
    /// Byte of the image at which index block 0 starts; 0 for an index of its own.
    pub index_offset: u64,
    /// Number of index blocks, the superblock's included.
    pub index_blocks: u64,
    /// What the inodes' times count from, in seconds since 1970.
    pub time_base: i64,
    /// Time of creation, in seconds since 1970.
    pub created: i64,
    /// SHA-256 of the archive, where it was recorded.
    pub tar_sha256: Option<[u8; 32]>,
    /// The inodes.
    pub inodes: Region,
    /// The wide inodes.
    pub extras: Region,
    /// The directories' leaves.
    pub leaves: Region,
    /// The symbolic links' targets.
    pub heap: Region,
    /// The extended attributes.
    pub xattrs: Region,
    /// The extents of sparse files.
    pub extents: Region,
    /// The archives, where there are several behind the index; empty where there is one.
    pub layers: Region,
    /// The checksums of the archive's blocks; empty where they were not recorded.
    pub data_sums: Region,
}

impl Superblock {
    /// Checks the last block of an image of `image_bytes` bytes (of the index's own file or device
    /// where the archive is elsewhere).
    ///
    /// `crc32` computes the CRC-32 of zlib over the concatenation of the slices.
    ///
    /// # Errors
    ///
    /// The first broken rule, in this order: magic, version, checksum, incompatible features, then
    /// the fields.
    pub fn decode(
        block: &[u8; BLOCK_SIZE],
        crc32: impl Fn(&[&[u8]]) -> u32,
        image_bytes: u64,
    ) -> Result<Self, Error> {
        let raw: &raw::Superblock = transmute_ref!(block);
        if raw.magic != MAGIC {
            return Err(Error::NotTarfs { magic: raw.magic });
        }
        if raw.version.get() != VERSION {
            return Err(Error::Version {
                found: raw.version.get(),
            });
        }
        let (stored, computed) = (raw.sum.get(), sum(block, crc32));
        if stored != computed {
            return Err(Error::SuperblockSum { stored, computed });
        }
        let unknown = raw.features_incompat.get() & !KNOWN_INCOMPAT;
        if unknown != 0 {
            return Err(Error::Features { unknown });
        }
        let superblock = Self::decode_fields(raw)?;
        superblock.check_place(image_bytes)?;
        Ok(superblock)
    }

    fn decode_fields(raw: &raw::Superblock) -> Result<Self, Error> {
        let features_compat = raw.features_compat.get();
        let has_sha256 = features_compat & COMPAT_SHA256 != 0;
        if !is_zero(&raw.zero) {
            return Err(Error::SuperblockNotZero { from: 184, to: 192 });
        }
        if !is_zero(&raw.rest) {
            return Err(Error::SuperblockNotZero {
                from: 320,
                to: BLOCK_SIZE,
            });
        }
        if !has_sha256 && !is_zero(&raw.tar_sha256) {
            return Err(Error::SuperblockNotZero { from: 152, to: 184 });
        }
        check_label(&raw.label)?;

        let [inodes, extras, leaves, heap, xattrs, extents, layers, data_sums] = &raw.regions;
        let inodes = Region::decode(inodes, RegionKind::Inodes, 0)?;
        let extras = Region::decode(extras, RegionKind::Extras, inodes.end())?;
        let leaves = Region::decode(leaves, RegionKind::Leaves, extras.end())?;
        let heap = Region::decode(heap, RegionKind::Heap, leaves.end())?;
        let xattrs = Region::decode(xattrs, RegionKind::Xattrs, heap.end())?;
        let extents = Region::decode(extents, RegionKind::Extents, xattrs.end())?;
        let layers = Region::decode(layers, RegionKind::Layers, extents.end())?;
        let data_sums = Region::decode(data_sums, RegionKind::DataSums, layers.end())?;
        let superblock = Self {
            features_compat: features_compat & !COMPAT_SHA256,
            features_ro_compat: raw.features_ro_compat.get(),
            features_incompat: raw.features_incompat.get(),
            hash_seed: raw.hash_seed.get(),
            uuid: raw.uuid,
            label: raw.label,
            tar_length: raw.tar_length.get(),
            index_offset: raw.index_offset.get(),
            index_blocks: raw.index_blocks.get(),
            time_base: raw.time_base.get(),
            created: raw.created.get(),
            tar_sha256: has_sha256.then_some(raw.tar_sha256),
            inodes,
            extras,
            leaves,
            heap,
            xattrs,
            extents,
            layers,
            data_sums,
        };
        superblock.check_counts()?;
        Ok(superblock)
    }

    /// Checks the counts against each other.
    fn check_counts(&self) -> Result<(), Error> {
        let inodes = self.inodes.records();
        if !(1..=u64::from(u32::MAX)).contains(&inodes) {
            return Err(Error::InodeCount { inodes });
        }
        if self.extras.records() > inodes {
            return Err(Error::WideInodeCount {
                wide_inodes: self.extras.records(),
                inodes,
            });
        }
        let expected = u64::from(self.data_sums.end()).saturating_add(1);
        if self.index_blocks != expected {
            return Err(Error::IndexBlocks {
                found: self.index_blocks,
                expected,
            });
        }
        if i64::try_from(self.tar_length).is_err() {
            return Err(Error::TarLength {
                length: self.tar_length,
            });
        }
        let layers = self.layers.records();
        if layers > u64::from(LAYERS_MAX) || (layers > 0 && self.index_offset != 0) {
            return Err(Error::LayerCount { layers });
        }
        let expected = self.tar_length.div_ceil(BLOCK);
        let sums = self.data_sums.records();
        if sums != 0 && sums != expected {
            return Err(Error::DataSumCount { sums, expected });
        }
        Ok(())
    }

    /// Checks where the archive and the index are in an image of `image_bytes` bytes.
    fn check_place(&self, image_bytes: u64) -> Result<(), Error> {
        let offset = self.index_offset;
        if offset % BLOCK != 0 {
            return Err(Error::IndexAlignment { offset });
        }
        let header_end = self.tar_length.saturating_add(SECTOR);
        if offset != 0 && offset < header_end {
            return Err(Error::IndexOverlap {
                offset,
                tar_length: self.tar_length,
            });
        }
        let end = self.index_blocks.checked_mul(BLOCK);
        if end.and_then(|length| length.checked_add(offset)) != Some(image_bytes) {
            return Err(Error::ImageSize {
                offset,
                blocks: self.index_blocks,
                image_bytes,
            });
        }
        Ok(())
    }

    /// Returns the block. Its checksum is computed by `crc32`, as for [`Superblock::decode`].
    pub fn encode(&self, crc32: impl Fn(&[&[u8]]) -> u32) -> [u8; BLOCK_SIZE] {
        let sha256_feature = if self.tar_sha256.is_some() {
            COMPAT_SHA256
        } else {
            0
        };
        let mut raw = raw::Superblock {
            magic: MAGIC,
            version: VERSION.into(),
            sum: 0.into(),
            features_compat: (self.features_compat | sha256_feature).into(),
            features_ro_compat: self.features_ro_compat.into(),
            features_incompat: self.features_incompat.into(),
            hash_seed: self.hash_seed.into(),
            uuid: self.uuid,
            label: self.label,
            tar_length: self.tar_length.into(),
            index_offset: self.index_offset.into(),
            index_blocks: self.index_blocks.into(),
            time_base: self.time_base.into(),
            created: self.created.into(),
            tar_sha256: self.tar_sha256.unwrap_or_default(),
            zero: [0; 8],
            regions: [
                self.inodes.encode(),
                self.extras.encode(),
                self.leaves.encode(),
                self.heap.encode(),
                self.xattrs.encode(),
                self.extents.encode(),
                self.layers.encode(),
                self.data_sums.encode(),
            ],
            rest: [0; raw::SUPERBLOCK_REST],
        };
        raw.sum = sum(transmute_ref!(&raw), crc32).into();
        transmute!(raw)
    }
}

/// Computes a superblock's CRC-32, with the bytes that hold it taken as zero.
fn sum(block: &[u8; BLOCK_SIZE], crc32: impl Fn(&[&[u8]]) -> u32) -> u32 {
    let (before, rest) = block.split_at(SUM_AT);
    let (_, after) = rest.split_at(crate::SUM_SIZE);
    crc32(&[before, &[0; crate::SUM_SIZE], after])
}

fn check_label(label: &[u8]) -> Result<(), Error> {
    let text = label.split(|&byte| byte == 0).next().unwrap_or_default();
    let padding = label.get(text.len()..).unwrap_or_default();
    if core::str::from_utf8(text).is_err() || !is_zero(padding) {
        return Err(Error::Label);
    }
    Ok(())
}

/// Eight bytes at a time: most of a superblock is zero, and a mount looks at all of it.
fn is_zero(bytes: &[u8]) -> bool {
    let words = bytes.chunks_exact(8);
    let rest_is_zero = words.remainder().iter().all(|&byte| byte == 0);
    let any_bit = words
        .filter_map(|word| word.first_chunk().copied().map(u64::from_ne_bytes))
        .fold(0, |found, word| found | word);
    rest_is_zero && any_bit == 0
}
