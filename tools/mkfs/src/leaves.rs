// SPDX-License-Identifier: GPL-2.0

//! The leaf region: directories' entries by hash.
//!
//! A directory gets the fewest leaves that hold its names, each name in the leaf that its hash
//! says. Where names with close hashes would need far more, another hash seed is tried for the
//! whole image.

use layout::{d_type, leaf_bytes, leaf_of, name_hash, Directory, Entry, Leaf, PAYLOAD_SIZE};

use crate::blocks::BlockWriter;
use crate::numbering::Numbering;
use crate::packer::Packer;
use crate::tree::{Content, LinkId, NodeId, Tree};
use crate::{Error, PAYLOAD};

/// Seeds to try. An archive whose names collide under all of them is not made by accident.
pub const SEEDS: u32 = 64;

/// How many times the leaves that its bytes need a directory may have. Of the longest names a leaf
/// holds 15 only, so that among many leaves some get far more than the mean.
const LEAVES_FACTOR: u32 = 16;

/// What the leaf region will hold.
pub struct Leaves {
    /// The seed of the hashes.
    pub seed: u32,
    /// The directories, in the order of their inode numbers.
    pub directories: Vec<Directory>,
    /// Their names: those of one leaf stand together, in its order.
    names: Vec<Name>,
    /// The leaves, in the order of their places.
    leaves: Vec<Planned>,
    packer: Packer,
}

/// A name with what it is ordered by.
#[derive(Clone, Copy)]
struct Name {
    hash: u32,
    link: LinkId,
}

/// A leaf and its place.
struct Planned {
    /// Byte of the region.
    place: u64,
    /// The first of its names, and the one after its last.
    names: (usize, usize),
}

/// The names of a directory crowd too few leaves.
struct Crowded;

impl Leaves {
    /// Places the leaves of all directories. `None` where no seed spreads the names.
    pub fn new(tree: &Tree, numbering: &Numbering) -> Option<Self> {
        (0..SEEDS).find_map(|seed| Self::with_seed(tree, numbering, seed).ok())
    }

    /// Length of the region in bytes.
    pub fn length(&self) -> u64 {
        self.packer.length()
    }

    /// Writes the region.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write<F>(
        &self,
        tree: &Tree,
        numbering: &Numbering,
        out: &mut BlockWriter<F>,
    ) -> Result<(), Error>
    where
        F: FnMut(&[u8]) -> Result<(), Error>,
    {
        let mut bytes = [0; PAYLOAD_SIZE];
        for leaf in &self.leaves {
            let names = self.names.get(leaf.names.0..leaf.names.1);
            let entries = names.unwrap_or_default().iter().map(|name| {
                let node = tree.target(name.link);
                Entry {
                    ino: numbering.number(node),
                    name: tree.name(name.link),
                    file_type: d_type(tree.node(node).mode),
                    hash: name.hash,
                }
            });
            // The plan gives each leaf what fits into a block.
            let used = Leaf::encode(&mut bytes, entries).unwrap_or(0);
            out.fill_to(leaf.place)?;
            out.write(bytes.get(..used).unwrap_or_default())?;
        }
        out.end_region()
    }

    fn with_seed(tree: &Tree, numbering: &Numbering, seed: u32) -> Result<Self, Crowded> {
        let mut leaves = Self {
            seed,
            directories: Vec::new(),
            names: Vec::new(),
            leaves: Vec::new(),
            packer: Packer::default(),
        };
        for inode in numbering.inodes() {
            if matches!(tree.node(inode.node).content, Content::Directory(_)) {
                leaves.add_directory(tree, inode.node, inode.parent)?;
            }
        }
        leaves.leaves.sort_unstable_by_key(|leaf| leaf.place);
        Ok(leaves)
    }

    fn add_directory(&mut self, tree: &Tree, node: NodeId, parent: u32) -> Result<(), Crowded> {
        let start = self.names.len();
        self.names.extend(names(tree, node, self.seed));
        let names = self.names.get_mut(start..).unwrap_or_default();
        names.sort_unstable_by(|a, b| {
            let by_hash = a.hash.cmp(&b.hash);
            by_hash.then_with(|| tree.name(a.link).cmp(tree.name(b.link)))
        });
        let count = leaf_count(tree, names).ok_or(Crowded)?;
        let first = match count {
            0 => 0,
            1 => self.packer.place(leaf_size(tree, names)),
            _ => self.packer.place_blocks(count),
        };
        let mut place = first;
        let mut begin = start;
        for leaf in 0..count {
            let rest = self.names.get(begin..).unwrap_or_default();
            let length = rest.partition_point(|name| leaf_of(name.hash, count) <= leaf);
            let (names, _) = rest.split_at(length);
            if count > 1 {
                self.packer.open(place, leaf_size(tree, names));
            }
            let end = begin.saturating_add(length);
            self.leaves.push(Planned {
                place,
                names: (begin, end),
            });
            begin = end;
            place = place.saturating_add(PAYLOAD);
        }
        self.directories.push(Directory {
            parent,
            leaves: count,
            first,
        });
        Ok(())
    }
}

/// Returns a directory's names, in the order of the tree.
fn names(tree: &Tree, directory: NodeId, seed: u32) -> impl Iterator<Item = Name> + '_ {
    tree.children(directory).map(move |(link, _)| {
        let hash = name_hash(seed, tree.name(link));
        Name { hash, link }
    })
}

/// Size of a leaf of these names, in bytes.
fn leaf_size(tree: &Tree, names: &[Name]) -> usize {
    let text = names.iter().map(|name| tree.name(name.link).len()).sum();
    leaf_bytes(names.len(), text)
}

/// Returns the number of leaves to give to a directory; `None` where the names crowd some of them.
fn leaf_count(tree: &Tree, names: &[Name]) -> Option<u32> {
    if names.is_empty() {
        return Some(0);
    }
    let least = u32::try_from(leaf_size(tree, names).div_ceil(PAYLOAD_SIZE)).ok()?;
    let most = least.checked_mul(LEAVES_FACTOR)?;
    // Each try costs a pass over the names: steps of a sixteenth bound their number.
    std::iter::successors(Some(least), |&count| {
        count.checked_add(count / 16)?.checked_add(1)
    })
    .take_while(|&count| count <= most)
    .find(|&count| fits(tree, names, count))
}

/// Whether each of `count` leaves holds the names that belong into it.
fn fits(tree: &Tree, names: &[Name], count: u32) -> bool {
    names
        .chunk_by(|a, b| leaf_of(a.hash, count) == leaf_of(b.hash, count))
        .all(|names| leaf_size(tree, names) <= PAYLOAD_SIZE)
}
