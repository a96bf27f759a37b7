// SPDX-License-Identifier: GPL-2.0

//! Inode numbers.
//!
//! A directory's children get consecutive numbers, directories are expanded depth first: what is
//! close together in the tree is close together in the index, and a directory's number is above
//! its parent's.

use crate::tree::{Content, LinkId, NodeId, Tree, ROOT};

/// The inodes of an image, in the order of their numbers.
pub struct Numbering {
    inodes: Vec<Inode>,
    /// By node: its inode number, or 0 where nothing names it any more.
    numbers: Vec<u32>,
}

/// A numbered node.
pub struct Inode {
    /// The node.
    pub node: NodeId,
    /// Number of links.
    pub links: u32,
    /// Inode number of the parent of a directory; 0 of other files.
    pub parent: u32,
}

impl Numbering {
    /// Numbers what the root directory leads to.
    pub fn new(tree: &Tree) -> Self {
        let mut numbering = Self {
            inodes: Vec::with_capacity(tree.node_count()),
            numbers: vec![0; tree.node_count()],
        };
        numbering.push(ROOT, layout::ROOT_INO, true);
        let mut to_expand = vec![ROOT];
        let mut subdirectories = Vec::new();
        while let Some(directory) = to_expand.pop() {
            let number = numbering.number(directory);
            for (_, node) in tree.children(directory) {
                let is_directory = matches!(tree.node(node).content, Content::Directory(_));
                if is_directory {
                    subdirectories.push(node);
                    numbering.add_link(number);
                }
                match numbering.number(node) {
                    0 => numbering.push(node, number, is_directory),
                    known => numbering.add_link(known),
                }
            }
            to_expand.extend(subdirectories.drain(..).rev());
        }
        numbering
    }

    /// The inodes; number 1 is the first.
    pub fn inodes(&self) -> &[Inode] {
        &self.inodes
    }

    /// Returns the inode number of a node, 0 where it has none.
    pub fn number(&self, node: NodeId) -> u32 {
        self.numbers.get(node.place()).copied().unwrap_or(0)
    }

    /// Returns the inode number of what a name names.
    pub fn number_of(&self, tree: &Tree, link: LinkId) -> u32 {
        self.number(tree.target(link))
    }

    /// Gives a node the next number. A directory has a link from its parent and one from itself.
    fn push(&mut self, node: NodeId, parent: u32, is_directory: bool) {
        self.inodes.push(Inode {
            node,
            links: if is_directory { 2 } else { 1 },
            parent: if is_directory { parent } else { 0 },
        });
        if let Some(number) = self.numbers.get_mut(node.place()) {
            // CAST: an arena has fewer than 2^32 nodes, and none is numbered twice.
            *number = self.inodes.len() as u32;
        }
    }

    fn add_link(&mut self, number: u32) {
        // CAST: `usize` has at least 32 bits here.
        let place = (number as usize).checked_sub(1);
        if let Some(inode) = place.and_then(|place| self.inodes.get_mut(place)) {
            inode.links = inode.links.saturating_add(1);
        }
    }
}
