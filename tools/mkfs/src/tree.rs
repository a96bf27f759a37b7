// SPDX-License-Identifier: GPL-2.0

//! The tree that extracting an archive would make.

mod builder;
mod layers;
mod memory;
mod names;
mod node;

use layout::SparseExtent;

pub(crate) use builder::file_type;
pub use builder::Builder;
pub use node::{Children, Content, Link, LinkId, Node, NodeId, Sector, SparseFile, SparseId, Text};

use crate::arena::Arena;
use crate::xattrs::Sets;

/// The root directory.
pub const ROOT: NodeId = NodeId::FIRST;

/// Files and names, as an archive's entries leave them.
pub struct Tree {
    nodes: Arena<Node>,
    links: Arena<Link>,
    /// Names and targets, one after the other.
    text: Vec<u8>,
    xattrs: Sets,
    sparse: Arena<SparseFile>,
    /// The extents of all sparse files.
    extents: Vec<SparseExtent>,
}

impl Default for Tree {
    /// Makes a tree that has an implied root directory only.
    fn default() -> Self {
        let mut nodes = Arena::default();
        nodes.push(Node::implied());
        Self {
            nodes,
            links: Arena::default(),
            text: Vec::new(),
            xattrs: Sets::default(),
            sparse: Arena::default(),
            extents: Vec::new(),
        }
    }
}

impl Tree {
    /// Number of nodes made so far; some may have been replaced.
    pub fn node_count(&self) -> usize {
        self.nodes.count()
    }

    /// Returns a file.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Returns a directory's names and what they name, in the order of their first appearance;
    /// nothing of a file of another type.
    pub fn children(&self, directory: NodeId) -> impl Iterator<Item = (LinkId, NodeId)> + '_ {
        let first = match self.nodes[directory].content {
            Content::Directory(children) => children.first,
            _ => None,
        };
        std::iter::successors(first, |&link| self.links[link].next)
            .filter(|&link| self.links[link].parent.is_some())
            .map(|link| (link, self.links[link].node))
    }

    /// Returns a name.
    pub fn name(&self, link: LinkId) -> &[u8] {
        self.text(self.links[link].name)
    }

    /// Returns the file that a name names.
    pub fn target(&self, link: LinkId) -> NodeId {
        self.links[link].node
    }

    /// Returns a name or a symbolic link's target.
    pub fn text(&self, text: Text) -> &[u8] {
        self.text.get(text.range()).unwrap_or_default()
    }

    /// Returns the sets of extended attributes; some may be those of nodes that were replaced.
    pub fn xattrs(&self) -> &Sets {
        &self.xattrs
    }

    /// Returns a sparse file.
    pub fn sparse(&self, id: SparseId) -> SparseFile {
        self.sparse[id]
    }

    /// Returns the extents of a sparse file.
    pub fn extents(&self, file: SparseFile) -> &[SparseExtent] {
        // CAST: `usize` has at least 32 bits, and the places were those of a `Vec`.
        let (first, count) = (file.first as usize, file.extents as usize);
        let range = first..first.saturating_add(count);
        self.extents.get(range).unwrap_or_default()
    }

    fn is_directory(&self, node: NodeId) -> bool {
        matches!(self.nodes[node].content, Content::Directory(_))
    }
}
