// SPDX-License-Identifier: GPL-2.0

//! The index of a tree: laid out first, then written block by block.

use std::path::Path;

use layout::{Inode, InodeRecord, Kind, Region, RegionKind, Superblock};
use uuid::Uuid;

use crate::archives::Archives;
use crate::blocks::BlockWriter;
use crate::data_sums;
use crate::inodes::Inodes;
use crate::leaves::{Leaves, SEEDS};
use crate::numbering::Numbering;
use crate::options::Options;
use crate::tree::{Content, Tree};
use crate::xattrs::XattrRegion;
use crate::{Error, BLOCK};

/// Namespace of the UUIDs that are derived from an index.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2f4e_35b1_4cf2_9d0b_7a53_1e8d_c4a7);

/// Half of the range of a short inode's time.
const HALF_TIME_RANGE: i64 = 1 << 31;

/// An index, laid out: every number in it is known, but for the checksums.
pub struct Index<'a> {
    tree: &'a Tree,
    archives: &'a Archives,
    numbering: Numbering,
    leaves: Leaves,
    xattrs: XattrRegion,
    /// For an index of its own, and without a UUID.
    superblock: Superblock,
    uuid: Option<Uuid>,
}

impl<'a> Index<'a> {
    /// Lays out the index of the tree that archives make; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Collisions`] and [`Error::TooLarge`].
    pub fn new(
        tree: &'a Tree,
        archives: &'a Archives,
        options: &Options,
        path: &Path,
    ) -> Result<Self, Error> {
        let tar_length = archives.end();
        let numbering = Numbering::new(tree);
        // Before the names of the leaves are in memory, too.
        let time_base = time_base(tree, &numbering);
        let leaves = Leaves::new(tree, &numbering).ok_or_else(|| Error::Collisions {
            path: path.into(),
            seeds: SEEDS,
        })?;
        let too_large = |error| Error::TooLarge {
            path: path.into(),
            error,
        };
        let xattrs = XattrRegion::new(tree, &numbering).map_err(too_large)?;
        let mut inodes = Inodes::new(tree, &numbering, &leaves.directories, &xattrs);
        let is_wide = |inode: &Inode| InodeRecord::encode(inode, time_base).is_none();
        let wide = inodes.by_ref().filter(|(_, inode)| is_wide(inode)).count();
        let heap_length = inodes.heap_length();
        let extent_count = inodes.extent_count();

        let region =
            |kind, first_block, records| Region::new(kind, first_block, records).map_err(too_large);
        // CAST: `usize` is at most 64 bits wide.
        let count = numbering.inodes().len() as u64;
        let inodes = region(RegionKind::Inodes, 0, count)?;
        let extras = region(RegionKind::Extras, inodes.end(), wide as u64)?;
        let leaf_region = region(RegionKind::Leaves, extras.end(), leaves.length())?;
        let heap = region(RegionKind::Heap, leaf_region.end(), heap_length)?;
        let xattr_region = region(RegionKind::Xattrs, heap.end(), xattrs.length())?;
        let extents = region(RegionKind::Extents, xattr_region.end(), extent_count)?;
        let data_sums = match options.data_sums {
            true => tar_length.div_ceil(BLOCK),
            false => 0,
        };
        // CAST: at most a few hundred.
        let layers = archives.layers().len() as u64;
        let layers = region(RegionKind::Layers, extents.end(), layers)?;
        let data_sums = region(RegionKind::DataSums, layers.end(), data_sums)?;
        let superblock = Superblock {
            features_compat: options.read.features(),
            features_ro_compat: 0,
            features_incompat: 0,
            hash_seed: leaves.seed,
            uuid: [0; 16],
            label: options.label.0,
            tar_length,
            index_offset: 0,
            // The superblock is the block after the regions.
            index_blocks: u64::from(data_sums.end()).saturating_add(1),
            time_base,
            created: mtimes(tree, &numbering).max().unwrap_or(0),
            tar_sha256: archives.only().and_then(|archive| archive.sha256),
            inodes,
            extras,
            leaves: leaf_region,
            heap,
            xattrs: xattr_region,
            extents,
            layers,
            data_sums,
        };
        Ok(Self {
            tree,
            archives,
            numbering,
            leaves,
            xattrs,
            superblock,
            uuid: options.uuid,
        })
    }

    /// Number of inodes.
    pub fn inode_count(&self) -> u32 {
        self.superblock.inode_count()
    }

    /// Length of the archives in their space, in bytes.
    pub fn tar_length(&self) -> u64 {
        self.superblock.tar_length
    }

    /// Number of blocks, the superblock included.
    pub fn blocks(&self) -> u64 {
        self.superblock.index_blocks
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.blocks().saturating_mul(BLOCK)
    }

    /// Writes all blocks but the superblock to `sink`, a megabyte or so at a time. Returns the
    /// superblock of an index at byte `offset` of the image. Where the archives' data is read for
    /// its checksums, `watch` gets the number of bytes that were.
    ///
    /// # Errors
    ///
    /// Those of `sink` and `watch`; those of reading the archives.
    pub fn write(
        &self,
        offset: u64,
        watch: &mut dyn FnMut(u64) -> Result<(), Error>,
        sink: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Superblock, Error> {
        let mut out = BlockWriter::new(sink);
        let time_base = self.superblock.time_base;

        let mut wide: u32 = 0;
        for (_, inode) in self.inodes() {
            let record = InodeRecord::encode(&inode, time_base).unwrap_or_else(|| {
                let reference = InodeRecord::encode_reference(inode.mode, wide);
                wide = wide.saturating_add(1);
                reference
            });
            out.write_record(&record)?;
        }
        out.end_region()?;

        for (number, inode) in self.inodes() {
            if InodeRecord::encode(&inode, time_base).is_none() {
                out.write_record(&InodeRecord::encode_wide(number, &inode))?;
            }
        }
        out.end_region()?;

        self.leaves.write(self.tree, &self.numbering, &mut out)?;

        for ((_, inode), numbered) in self.inodes().zip(self.numbering.inodes()) {
            let content = self.tree.node(numbered.node).content;
            if let (Kind::Symlink(symlink), Content::Symlink(target)) = (inode.kind, content) {
                out.fill_to(symlink.position)?;
                out.write(self.tree.text(target))?;
            }
        }
        out.end_region()?;

        self.xattrs.write(self.tree, &mut out)?;
        self.write_extents(&mut out)?;
        for layer in self.archives.layers() {
            out.write_record(&layer.encode())?;
        }
        out.end_region()?;
        let read = self.write_data_sums(&mut out, watch)?;

        let sums = out.finish()?;
        let uuid = self
            .uuid
            .unwrap_or_else(|| derive_uuid(&sums, self.superblock.tar_length));
        Ok(Superblock {
            index_offset: offset,
            uuid: uuid.into_bytes(),
            tar_sha256: read.or(self.superblock.tar_sha256),
            ..self.superblock.clone()
        })
    }

    fn write_extents<F>(&self, out: &mut BlockWriter<F>) -> Result<(), Error>
    where
        F: FnMut(&[u8]) -> Result<(), Error>,
    {
        let contents = self.numbering.inodes().iter();
        let contents = contents.map(|inode| self.tree.node(inode.node).content);
        let extents = contents.flat_map(|content| match content {
            Content::Sparse(id) => self.tree.extents(self.tree.sparse(id)),
            _ => &[],
        });
        for extent in extents {
            out.write_record(&extent.encode())?;
        }
        out.end_region()
    }

    /// Writes the checksums of the archives' data, if it is to have some; then returns the SHA-256 of
    /// the only archive, for which the data streams by.
    fn write_data_sums<F>(
        &self,
        out: &mut BlockWriter<F>,
        watch: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Option<[u8; 32]>, Error>
    where
        F: FnMut(&[u8]) -> Result<(), Error>,
    {
        if self.superblock.data_sums.records() == 0 {
            return Ok(None);
        }
        let is_one = self.archives.only().is_some();
        let write = |_, sum: u32| out.write_record(&sum.to_le_bytes());
        let digests = data_sums::read(self.archives, is_one, write, watch)?;
        out.end_region()?;
        Ok(digests.first().copied())
    }

    fn inodes(&self) -> Inodes<'_> {
        Inodes::new(
            self.tree,
            &self.numbering,
            &self.leaves.directories,
            &self.xattrs,
        )
    }
}

/// Returns a time base that most short inodes can count from: far enough before the median.
fn time_base(tree: &Tree, numbering: &Numbering) -> i64 {
    let mut times: Vec<i64> = mtimes(tree, numbering).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    median.saturating_sub(HALF_TIME_RANGE)
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
