// SPDX-License-Identifier: GPL-2.0

//! Reading an index: from inode numbers and names to what the index says about them.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use layout::{
    check_data_sum, check_sum, leaf_of, name_hash, Directory, Inode, InodeRecord, Layer, Leaf,
    Position, Record, Sparse, SparseExtent, Superblock, Symlink, XattrSet, Xattrs, BLOCK_SIZE,
    PAYLOAD_SIZE,
};

use crate::blocks::crc32;
use crate::image::Existing;
use crate::tar::Xattr;
use crate::{Error, Source, BLOCK};

/// Blocks held in memory: 16 MiB. Each has one place that it can be in.
const CACHED_BLOCKS: usize = 4096;

/// The payload of a block of an index.
pub type Block = [u8; PAYLOAD_SIZE];

/// What to do about the checksums of the blocks that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Refuse a block whose checksum is wrong.
    Verify,
    /// Read on: somebody has verified them and wants to know what else is wrong.
    Ignore,
}

/// An open index, at the end of an image or of its own.
pub struct IndexReader {
    source: Source,
    superblock: Superblock,
    sums: Sums,
    cache: RefCell<Vec<Option<Cached>>>,
}

/// Where a name is in a directory, and what it names.
#[derive(Clone, Copy, Debug)]
pub struct Located {
    /// Number of the inode.
    pub ino: u32,
    /// Number of the leaf among the directory's.
    pub leaf: u32,
    /// Place of the entry in the leaf.
    pub entry: usize,
}

/// A block that was read, and its number.
#[derive(Clone)]
struct Cached {
    number: u32,
    block: Rc<Block>,
}

impl IndexReader {
    /// Opens the index of the file at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::NotIndexed`]; [`Error::Index`]; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let source = Source::new(path, file)?;
        match Existing::read(&source)? {
            Existing::Good(superblock) => Ok(Self::new(source, *superblock, Sums::Verify)),
            Existing::Bad(error) => Err(Error::Index {
                path: path.into(),
                error,
            }),
            Existing::None => Err(Error::NotIndexed { path: path.into() }),
        }
    }

    /// Takes an open file whose superblock was read.
    pub fn new(source: Source, superblock: Superblock, sums: Sums) -> Self {
        Self {
            source,
            superblock,
            sums,
            cache: RefCell::new(vec![None; CACHED_BLOCKS]),
        }
    }

    /// The superblock.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// The file that has the index.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Returns an inode.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] where the index breaks a rule, as for all that follow; [`Error::Io`].
    pub fn inode(&self, ino: u32) -> Result<Inode, Error> {
        let sb = &self.superblock;
        let (block, offset) = self.at(sb.inode_position(ino))?;
        let record = InodeRecord::decode(ino, block.as_slice(), offset, sb);
        match self.rule(record)? {
            Record::Complete(inode) => Ok(inode),
            Record::Wide { mode, index } => {
                let (block, offset) = self.at(sb.wide_position(index))?;
                let inode = InodeRecord::decode_wide(ino, mode, block.as_slice(), offset, sb);
                self.rule(inode)
            }
        }
    }

    /// Returns the number of the wide inode that has an inode's fields, if one does.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn wide_number(&self, ino: u32) -> Result<Option<u32>, Error> {
        let sb = &self.superblock;
        let (block, offset) = self.at(sb.inode_position(ino))?;
        let record = InodeRecord::decode(ino, block.as_slice(), offset, sb);
        Ok(match self.rule(record)? {
            Record::Complete(_) => None,
            Record::Wide { index, .. } => Some(index),
        })
    }

    /// Calls `visit` with leaf number `number` of a directory.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`], and those of `visit`.
    pub fn with_leaf<T>(
        &self,
        directory: &Directory,
        number: u32,
        visit: impl FnOnce(Leaf<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let sb = &self.superblock;
        let (block, offset) = self.at(sb.leaf_position(directory, number))?;
        let leaf = Leaf::decode(block.as_slice(), offset, directory, sb);
        visit(self.rule(leaf)?)
    }

    /// Calls `visit` with each entry of a directory, in the order of the hashes.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::with_leaf`].
    pub fn for_each_entry(
        &self,
        directory: &Directory,
        mut visit: impl FnMut(layout::Entry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for number in 0..directory.leaves {
            self.with_leaf(directory, number, |leaf| {
                (0..leaf.len()).try_for_each(|index| visit(self.rule(leaf.entry(index))?))
            })?;
        }
        Ok(())
    }

    /// Returns the inode number of a name in a directory.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn find(&self, directory: &Directory, name: &[u8]) -> Result<Option<u32>, Error> {
        if directory.leaves == 0 {
            return Ok(None);
        }
        let hash = name_hash(self.superblock.hash_seed, name);
        self.with_leaf(directory, leaf_of(hash, directory.leaves), |leaf| {
            let entry = self.rule(leaf.find(hash, name))?;
            Ok(entry.map(|entry| entry.ino))
        })
    }

    /// Returns where a name is in a directory.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn locate(&self, directory: &Directory, name: &[u8]) -> Result<Option<Located>, Error> {
        if directory.leaves == 0 {
            return Ok(None);
        }
        let hash = name_hash(self.superblock.hash_seed, name);
        let number = leaf_of(hash, directory.leaves);
        self.with_leaf(directory, number, |leaf| {
            let (mut entry, mut end) = (0, leaf.len());
            while entry < end {
                let middle = usize::midpoint(entry, end);
                match self.rule(leaf.entry(middle))?.hash < hash {
                    true => entry = middle.saturating_add(1),
                    false => end = middle,
                }
            }
            while entry < leaf.len() {
                let found = self.rule(leaf.entry(entry))?;
                if found.hash != hash {
                    break;
                }
                if found.name == name {
                    return Ok(Some(Located {
                        ino: found.ino,
                        leaf: number,
                        entry,
                    }));
                }
                entry = entry.saturating_add(1);
            }
            Ok(None)
        })
    }

    /// Returns a symbolic link's target.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn target(&self, symlink: &Symlink) -> Result<Vec<u8>, Error> {
        let mut target = Vec::new();
        // CAST: at most 4095 bytes.
        while let Some((position, length)) =
            self.rule(self.superblock.target_piece(symlink, target.len() as u16))?
        {
            let block = self.block(position.block)?;
            let piece = block
                .get(position.offset..)
                .and_then(|rest| rest.get(..length));
            target.extend_from_slice(piece.unwrap_or_default());
        }
        self.rule(symlink.check_target(&target))?;
        Ok(target)
    }

    /// Goes through the extents of sparse file `ino`, whose order it checks.
    pub fn extents<'a>(
        &'a self,
        ino: u32,
        sparse: &'a Sparse,
    ) -> impl Iterator<Item = Result<SparseExtent, Error>> + 'a {
        let mut previous: Option<SparseExtent> = None;
        (0..sparse.extents).map(move |index| {
            let sb = &self.superblock;
            let (block, offset) = self.at(sb.extent_position(sparse, index))?;
            let extent = SparseExtent::decode(ino, sparse, block.as_slice(), offset, sb);
            let extent = self.rule(extent)?;
            if previous.is_some_and(|previous| !extent.follows(&previous)) {
                return self.rule(Err(layout::Error::ExtentOrder {
                    ino,
                    logical: extent.logical,
                }));
            }
            previous = Some(extent);
            Ok(extent)
        })
    }

    /// Calls `visit` with a set of extended attributes.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`], and those of `visit`.
    pub fn with_xattr_set<T>(
        &self,
        xattrs: &Xattrs,
        visit: impl FnOnce(XattrSet<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let sb = &self.superblock;
        let (block, offset) = self.at(sb.xattr_position(xattrs))?;
        visit(self.rule(XattrSet::decode(block.as_slice(), offset, sb))?)
    }

    /// Returns the extended attributes of a set.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn xattrs(&self, xattrs: &Xattrs) -> Result<Vec<Xattr>, Error> {
        self.with_xattr_set(xattrs, |set| {
            let entry = |index| {
                let entry = self.rule(set.entry(index))?;
                Ok(Xattr {
                    namespace: entry.namespace,
                    name: entry.name.to_vec(),
                    value: self.xattr_value(&entry)?,
                })
            };
            (0..set.len()).map(entry).collect()
        })
    }

    /// Returns the value of an extended attribute.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn xattr_value(&self, entry: &layout::XattrEntry<'_>) -> Result<Vec<u8>, Error> {
        let mut value = Vec::new();
        loop {
            // CAST: a value has at most 65536 bytes.
            let step = self.superblock.xattr_value(entry, value.len() as u32);
            let Some((position, length)) = self.rule(step)? else {
                return Ok(value);
            };
            let block = self.block(position.block)?;
            let part = block.get(position.offset..).unwrap_or_default();
            value.extend_from_slice(part.get(..length).unwrap_or_default());
        }
    }

    /// Compares the CRC-32 computed over block `number` of the archives with its checksum, if it has
    /// one.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn check_data(&self, number: u64, computed: u32) -> Result<(), Error> {
        let Some(position) = self.superblock.data_sum_position(number) else {
            return Ok(());
        };
        let sums = self.block(position.block)?;
        self.rule(check_data_sum(
            number,
            computed,
            sums.as_slice(),
            position.offset,
        ))
    }

    /// Returns the archives behind an index that has several; nothing where it has one.
    ///
    /// # Errors
    ///
    /// As for [`IndexReader::inode`].
    pub fn layers(&self) -> Result<Vec<Layer>, Error> {
        let sb = &self.superblock;
        let mut layers: Vec<Layer> = Vec::new();
        while (layers.len() as u64) < sb.layers.records() {
            // CAST: the superblock's decoder allows a few hundred.
            let number = layers.len() as u32;
            let (block, offset) = self.at(sb.layer_position(number))?;
            let layer = Layer::decode(number, layers.last(), block.as_slice(), offset, sb);
            layers.push(self.rule(layer)?);
        }
        Ok(layers)
    }

    /// Returns index block `number`.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] where its checksum is wrong and is to be verified; [`Error::Io`].
    pub fn block(&self, number: u32) -> Result<Rc<Block>, Error> {
        // CAST: `usize` has at least 32 bits here.
        let place = number as usize % CACHED_BLOCKS;
        if let Some(Some(cached)) = self.cache.borrow().get(place) {
            if cached.number == number {
                return Ok(Rc::clone(&cached.block));
            }
        }
        let (block, checked) = self.read_block(number)?;
        if self.sums == Sums::Verify {
            self.rule(checked)?;
        }
        let block = Rc::new(block);
        if let Some(slot) = self.cache.borrow_mut().get_mut(place) {
            *slot = Some(Cached {
                number,
                block: Rc::clone(&block),
            });
        }
        Ok(block)
    }

    /// Reads a block and compares it with its checksum; inside, the result.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn check_sum(&self, number: u32) -> Result<Result<(), layout::Error>, Error> {
        Ok(self.read_block(number)?.1)
    }

    /// Reads the payload of a block, and compares it with the checksum behind it.
    fn read_block(&self, number: u32) -> Result<(Block, Result<(), layout::Error>), Error> {
        let mut block = [0; BLOCK_SIZE];
        let position = u64::from(number).saturating_mul(BLOCK);
        let position = position.saturating_add(self.superblock.index_offset);
        self.source.read_exact_at(&mut block, position)?;
        let mut payload = [0; PAYLOAD_SIZE];
        payload.copy_from_slice(block.split_at(PAYLOAD_SIZE).0);
        Ok((payload, check_sum(number, crc32(&[&payload]), &block)))
    }

    fn at(&self, position: Result<Position, layout::Error>) -> Result<(Rc<Block>, usize), Error> {
        let position = self.rule(position)?;
        Ok((self.block(position.block)?, position.offset))
    }

    /// Names the file in the error for a broken rule.
    fn rule<T>(&self, result: Result<T, layout::Error>) -> Result<T, Error> {
        result.map_err(|error| Error::Index {
            path: self.path().into(),
            error,
        })
    }
}
