// SPDX-License-Identifier: GPL-2.0

//! The leaf region: directories' entries by hash.
//!
//! A directory gets the fewest leaves that hold its names, each name in the leaf that its hash
//! says. Where names with close hashes would need far more, another hash seed is tried for the
//! whole image.

use layout::{d_type, leaf_bytes, leaf_of, name_hash, Directory, Entry, Leaf, BLOCK_SIZE};

use crate::numbering::Numbering;
use crate::tree::{Content, LinkId, NodeId, Tree};

/// Seeds to try. An archive whose names collide under all of them is not made by accident.
pub const SEEDS: u32 = 64;

/// How many times the leaves that its bytes need a directory may have. Of the longest names a leaf
/// holds 15 only, so that among many leaves some get far more than the mean.
const LEAVES_FACTOR: u32 = 16;

/// Alignment of a leaf.
const ALIGNMENT: usize = 4;

/// Blocks in whose free space a leaf is tried.
const OPEN_BLOCKS: usize = 8;

/// The leaf region and where each directory is in it.
pub struct Leaves {
    /// The seed of the hashes.
    pub seed: u32,
    /// The region's bytes.
    pub bytes: Vec<u8>,
    /// The directories, in the order of their inode numbers.
    pub directories: Vec<Directory>,
    /// The blocks with free space, and the bytes in use at their start.
    open: Vec<(usize, usize)>,
}

/// A name to be placed.
#[derive(Clone, Copy)]
struct Name {
    hash: u32,
    link: LinkId,
    length: u8,
}

/// The names of a directory crowd too few leaves.
struct Crowded;

impl Leaves {
    /// Places all directories. `None` where no seed spreads the names.
    pub fn new(tree: &Tree, numbering: &Numbering) -> Option<Self> {
        (0..SEEDS).find_map(|seed| Self::with_seed(tree, numbering, seed).ok())
    }

    fn with_seed(tree: &Tree, numbering: &Numbering, seed: u32) -> Result<Self, Crowded> {
        let mut leaves = Self {
            seed,
            bytes: Vec::new(),
            directories: Vec::new(),
            open: Vec::new(),
        };
        let mut names = Vec::new();
        for inode in numbering.inodes() {
            if !matches!(tree.node(inode.node).content, Content::Directory(_)) {
                continue;
            }
            sorted_names(tree, inode.node, seed, &mut names);
            let count = leaf_count(&names).ok_or(Crowded)?;
            let first = leaves.place(tree, numbering, &names, count)?;
            leaves.directories.push(Directory {
                parent: inode.parent,
                leaves: count,
                // CAST: `usize` is at most 64 bits wide.
                first: first as u64,
            });
        }
        Ok(leaves)
    }

    /// Writes a directory's `count` leaves; returns the place of the first.
    fn place(
        &mut self,
        tree: &Tree,
        numbering: &Numbering,
        names: &[Name],
        count: u32,
    ) -> Result<usize, Crowded> {
        let first = match count {
            0 => return Ok(0),
            1 => self.reserve(leaf_size(names)),
            // CAST: `usize` has at least 32 bits here.
            _ => self.reserve_blocks(count as usize),
        };
        let mut place = first;
        let mut rest = names;
        for leaf in 0..count {
            let length = rest.partition_point(|name| leaf_of(name.hash, count) <= leaf);
            let (names, after) = rest.split_at_checked(length).ok_or(Crowded)?;
            let entries = names.iter().map(|name| {
                let node = tree.target(name.link);
                Entry {
                    ino: numbering.number(node),
                    name: tree.name(name.link),
                    file_type: d_type(tree.node(node).mode),
                    hash: name.hash,
                }
            });
            let out = self.bytes.get_mut(place..).ok_or(Crowded)?;
            let used = Leaf::encode(out, entries).ok_or(Crowded)?;
            if count > 1 {
                self.open_block(place, used);
            }
            place = place.saturating_add(BLOCK_SIZE);
            rest = after;
        }
        Ok(first)
    }

    /// Finds a place for a leaf of `size` bytes, at most a block: in the fullest block that has
    /// room among those that were begun last, so that neighbours in the tree stay neighbours.
    fn reserve(&mut self, size: usize) -> usize {
        let size = size.next_multiple_of(ALIGNMENT);
        let fitting = self
            .open
            .iter_mut()
            .filter(|(_, used)| used.saturating_add(size) <= BLOCK_SIZE)
            .max_by_key(|(_, used)| *used);
        if let Some((block, used)) = fitting {
            let place = block.saturating_add(*used);
            *used = used.saturating_add(size);
            return place;
        }
        let block = self.reserve_blocks(1);
        self.open_block(block, size);
        block
    }

    /// Adds blocks to the region; returns the place of the first.
    fn reserve_blocks(&mut self, count: usize) -> usize {
        let place = self.bytes.len();
        let length = place.saturating_add(count.saturating_mul(BLOCK_SIZE));
        self.bytes.resize(length, 0);
        place
    }

    /// Lets later leaves into the block at `place`, whose first `used` bytes are taken.
    fn open_block(&mut self, place: usize, used: usize) {
        if self.open.len() == OPEN_BLOCKS {
            self.open.remove(0);
        }
        self.open.push((place, used.next_multiple_of(ALIGNMENT)));
    }
}

/// Puts a directory's names into the order of a leaf.
fn sorted_names(tree: &Tree, directory: NodeId, seed: u32, names: &mut Vec<Name>) {
    names.clear();
    names.extend(tree.children(directory).map(|(link, _)| {
        let name = tree.name(link);
        Name {
            hash: name_hash(seed, name),
            link,
            // CAST: a name has at most 255 bytes.
            length: name.len() as u8,
        }
    }));
    names.sort_unstable_by(|a, b| {
        let by_hash = a.hash.cmp(&b.hash);
        by_hash.then_with(|| tree.name(a.link).cmp(tree.name(b.link)))
    });
}

/// Size of a leaf of these names, in bytes.
fn leaf_size(names: &[Name]) -> usize {
    let text = names.iter().map(|name| usize::from(name.length)).sum();
    leaf_bytes(names.len(), text)
}

/// Returns the number of leaves to give to a directory; `None` where the names crowd some of them.
fn leaf_count(names: &[Name]) -> Option<u32> {
    if names.is_empty() {
        return Some(0);
    }
    let least = u32::try_from(leaf_size(names).div_ceil(BLOCK_SIZE)).ok()?;
    let most = least.checked_mul(LEAVES_FACTOR)?;
    // Each try costs a pass over the names: steps of a sixteenth bound their number.
    std::iter::successors(Some(least), |&count| {
        count.checked_add(count / 16)?.checked_add(1)
    })
    .take_while(|&count| count <= most)
    .find(|&count| fits(names, count))
}

/// Whether each of `count` leaves holds the names that belong into it.
fn fits(names: &[Name], count: u32) -> bool {
    names
        .chunk_by(|a, b| leaf_of(a.hash, count) == leaf_of(b.hash, count))
        .all(|names| leaf_size(names) <= BLOCK_SIZE)
}
