// SPDX-License-Identifier: GPL-2.0

//! The index of a tree: all its blocks, in memory.

use std::path::Path;

use layout::{
    Directory, Extent, Inode, InodeRecord, Kind, Region, RegionKind, Superblock, Symlink,
    BLOCK_SIZE, SUMS_PER_BLOCK, SUM_COVERED, SUM_SIZE, S_IFCHR, S_IFMT,
};
use uuid::Uuid;

use crate::leaves::{Leaves, SEEDS};
use crate::numbering::Numbering;
use crate::options::Options;
use crate::tree::{Content, Tree};
use crate::{Error, BLOCK};

/// Namespace of the UUIDs that are derived from an index.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2f4e_35b1_4cf2_9d0b_7a53_1e8d_c4a7);

/// Half of the range of a short inode's time.
const HALF_TIME_RANGE: i64 = 1 << 31;

/// All blocks of an index.
pub struct Index {
    superblock: Superblock,
    /// The regions, padded to blocks, in their order.
    regions: [Vec<u8>; 5],
}

/// The records of inodes and what they point to.
struct Records {
    inodes: Vec<[u8; 32]>,
    extras: Vec<[u8; 64]>,
    heap: Vec<u8>,
}

impl Index {
    /// Lays out the index of a tree. The tar has `tar_length` bytes; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Collisions`] and [`Error::TooLarge`].
    pub fn new(
        tree: &Tree,
        tar_length: u64,
        options: &Options,
        path: &Path,
    ) -> Result<Self, Error> {
        let numbering = Numbering::new(tree);
        let leaves = Leaves::new(tree, &numbering).ok_or_else(|| Error::Collisions {
            path: path.into(),
            seeds: SEEDS,
        })?;
        let time_base = time_base(tree, &numbering);
        let records = Records::new(tree, &numbering, &leaves.directories, time_base);
        let too_large = |error| Error::TooLarge {
            path: path.into(),
            error,
        };

        let region = |kind, first_block, records: usize| {
            // CAST: `usize` is at most 64 bits wide.
            Region::new(kind, first_block, records as u64).map_err(too_large)
        };
        let inodes = region(RegionKind::Inodes, 0, records.inodes.len())?;
        let extras = region(RegionKind::Extras, inodes.end(), records.extras.len())?;
        let leaf_region = region(RegionKind::Leaves, extras.end(), leaves.bytes.len())?;
        let heap = region(RegionKind::Heap, leaf_region.end(), records.heap.len())?;
        // CAST: `usize` has at least 32 bits here.
        let sums = region(RegionKind::Sums, heap.end(), heap.end() as usize)?;

        let mut regions = [
            records.inodes.into_flattened(),
            records.extras.into_flattened(),
            leaves.bytes,
            records.heap,
        ];
        for region in &mut regions {
            region.resize(region.len().next_multiple_of(BLOCK_SIZE), 0);
        }
        let sum_bytes = self::sums(&regions);
        let superblock = Superblock {
            features_compat: 0,
            features_ro_compat: 0,
            features_incompat: 0,
            hash_seed: leaves.seed,
            uuid: options
                .uuid
                .unwrap_or_else(|| derive_uuid(&sum_bytes, tar_length))
                .into_bytes(),
            label: options.label.0,
            tar_length,
            index_offset: 0,
            // The superblock is the block after the regions.
            index_blocks: u64::from(sums.end()).saturating_add(1),
            time_base,
            created: newest(tree, &numbering),
            tar_sha256: None,
            inodes,
            extras,
            leaves: leaf_region,
            heap,
            sums,
        };
        let [inodes, extras, leaves, heap] = regions;
        Ok(Self {
            superblock,
            regions: [inodes, extras, leaves, heap, sum_bytes],
        })
    }

    /// Number of inodes.
    pub fn inodes(&self) -> u32 {
        self.superblock.inode_count()
    }

    /// Number of blocks, the superblock included.
    pub fn blocks(&self) -> u64 {
        self.superblock.index_blocks
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.blocks().saturating_mul(BLOCK)
    }

    /// Returns all blocks but the superblock, region by region.
    pub fn regions(&self) -> impl Iterator<Item = &[u8]> {
        self.regions.iter().map(Vec::as_slice)
    }

    /// Returns the superblock for an index at byte `offset` of the image.
    pub fn superblock(&self, offset: u64) -> [u8; BLOCK_SIZE] {
        let superblock = Superblock {
            index_offset: offset,
            ..self.superblock.clone()
        };
        superblock.encode(crc32)
    }
}

impl Records {
    fn new(tree: &Tree, numbering: &Numbering, directories: &[Directory], time_base: i64) -> Self {
        let mut records = Self {
            inodes: Vec::new(),
            extras: Vec::new(),
            heap: Vec::new(),
        };
        let mut directories = directories.iter();
        for (inode, number) in numbering.inodes().iter().zip(layout::ROOT_INO..) {
            let node = tree.node(inode.node);
            let kind = match node.content {
                Content::Regular { size, sector } => Kind::Regular(Extent { size, sector }),
                Content::Symlink(text) => Kind::Symlink(records.push_target(tree.text(text))),
                Content::Device { major, minor } if node.mode & S_IFMT == S_IFCHR => {
                    Kind::CharDevice { major, minor }
                }
                Content::Device { major, minor } => Kind::BlockDevice { major, minor },
                Content::Fifo => Kind::Fifo,
                Content::Directory(_) => match directories.next() {
                    Some(directory) => Kind::Directory(*directory),
                    None => break,
                },
            };
            let inode = Inode {
                mode: node.mode,
                nlink: inode.links,
                uid: node.uid,
                gid: node.gid,
                mtime_sec: node.mtime_sec,
                mtime_nsec: node.mtime_nsec,
                header: node.header,
                kind,
            };
            records.push(number, &inode, time_base);
        }
        records
    }

    fn push(&mut self, number: u32, inode: &Inode, time_base: i64) {
        if let Some(record) = InodeRecord::encode(inode, time_base) {
            self.inodes.push(record);
            return;
        }
        // CAST: there are no more wide inodes than inodes.
        let wide = self.extras.len() as u32;
        let reference = InodeRecord::encode_reference(inode.mode, wide);
        self.inodes.push(reference);
        self.extras.push(InodeRecord::encode_wide(number, inode));
    }

    /// Adds the target of a symbolic link, which does not cross a block.
    fn push_target(&mut self, target: &[u8]) -> Symlink {
        let used = self.heap.len() % BLOCK_SIZE;
        if used.saturating_add(target.len()) > BLOCK_SIZE {
            self.heap
                .resize(self.heap.len().next_multiple_of(BLOCK_SIZE), 0);
        }
        let position = self.heap.len();
        self.heap.extend_from_slice(target);
        Symlink {
            // CAST: `usize` is at most 64 bits wide; a target has at most SYMLINK_MAX bytes.
            position: position as u64,
            length: target.len() as u16,
        }
    }
}

/// Returns the sums region for the blocks of these regions.
fn sums(regions: &[Vec<u8>]) -> Vec<u8> {
    let blocks = regions.iter().flat_map(|region| region.chunks(BLOCK_SIZE));
    let sums: Vec<[u8; SUM_SIZE]> = blocks.map(|block| crc32(&[block]).to_le_bytes()).collect();
    let mut bytes = Vec::new();
    for sums in sums.chunks(SUMS_PER_BLOCK) {
        let mut covered = sums.as_flattened().to_vec();
        covered.resize(SUM_COVERED, 0);
        let own = crc32(&[&covered]);
        bytes.extend_from_slice(&covered);
        bytes.extend_from_slice(&own.to_le_bytes());
    }
    bytes
}

/// Returns a time base that most short inodes can count from: far enough before the median.
fn time_base(tree: &Tree, numbering: &Numbering) -> i64 {
    let mut times: Vec<i64> = mtimes(tree, numbering).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    median.saturating_sub(HALF_TIME_RANGE)
}

fn newest(tree: &Tree, numbering: &Numbering) -> i64 {
    mtimes(tree, numbering).max().unwrap_or(0)
}

fn mtimes<'a>(tree: &'a Tree, numbering: &'a Numbering) -> impl Iterator<Item = i64> + 'a {
    let inodes = numbering.inodes().iter();
    inodes.map(|inode| tree.node(inode.node).mtime_sec)
}

/// Derives a UUID from the checksums of the whole index and the archive's length, so that the same
/// archive gets the same one.
fn derive_uuid(sums: &[u8], tar_length: u64) -> Uuid {
    Uuid::new_v5(&NAMESPACE, &[sums, &tar_length.to_le_bytes()].concat())
}

/// Computes the CRC-32 over the concatenation of the slices.
pub(crate) fn crc32(slices: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slices.iter().for_each(|slice| hasher.update(slice));
    hasher.finalize()
}
