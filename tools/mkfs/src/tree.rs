// SPDX-License-Identifier: GPL-2.0

//! The tree that extracting an archive would make.

mod layers;
mod node;

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use layout::{SparseExtent, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG};

pub use node::{Children, Content, Link, LinkId, Node, NodeId, Text};

use crate::arena::Arena;
use crate::message;
use crate::path;
use crate::tar::{Entry, Rule, Sparse, Type, Xattr};
use crate::xattrs::Sets;
use crate::SECTOR;

/// The root directory.
pub const ROOT: NodeId = NodeId::FIRST;

/// Directories that an archive may imply: so many, and more for each entry. Otherwise a small archive
/// with deep names would take any amount of memory.
const IMPLIED_MAX: u64 = 1 << 18;
const IMPLIED_MAX_PER_ENTRY: u64 = 16;

/// Extents of sparse files that an archive may have in all: so many, and more for each entry. They
/// are held in memory.
const EXTENTS_MAX: u64 = 1 << 19;
const EXTENTS_MAX_PER_ENTRY: u64 = 1;

/// Files and names, as the entries added so far leave them.
pub struct Tree {
    nodes: Arena<Node>,
    links: Arena<Link>,
    /// Names and targets, one after the other.
    text: Vec<u8>,
    xattrs: Sets,
    /// The extents of all sparse files.
    extents: Vec<SparseExtent>,
    /// Links by parent and name.
    by_name: HashTable<LinkId>,
    /// Seeded at random, so that no archive can make names collide.
    hasher: foldhash::fast::RandomState,
    /// Number of entries added, and of directories that they implied.
    entries: u64,
    implied: u64,
    /// Number of nodes that the layers below the present one have.
    layer_start: usize,
    /// The directory part of the last name, and the directory: the next name's is mostly the same.
    last_directory: (Vec<u8>, NodeId),
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
            extents: Vec::new(),
            by_name: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
            entries: 0,
            implied: 0,
            layer_start: 0,
            last_directory: (Vec::new(), ROOT),
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
            .filter(|&link| !self.links[link].is_removed)
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
        let range = text.start..text.start.saturating_add(text.length.into());
        self.text.get(range).unwrap_or_default()
    }

    /// Returns the sets of extended attributes; some may be those of nodes that were replaced.
    pub fn xattrs(&self) -> &Sets {
        &self.xattrs
    }

    /// Returns `count` extents from place `first` on.
    pub fn extents(&self, first: u64, count: u32) -> &[SparseExtent] {
        // CAST: `usize` has at least 32 bits, and the places were those of a `Vec`.
        let (first, count) = (first as usize, count as usize);
        let range = first..first.saturating_add(count);
        self.extents.get(range).unwrap_or_default()
    }

    /// Adds an archive's next entry. It replaces an earlier one of its name, except that a
    /// directory only takes the attributes.
    ///
    /// # Errors
    ///
    /// The rule that the entry breaks.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Rule> {
        self.entries = self.entries.saturating_add(1);
        path::check(entry.name)?;
        let (parent, name) = match path::split(entry.name)? {
            Some(split) => (self.directory(split.directory)?, split.last),
            // A name such as `a/.` or `./` is that of a directory, whatever the entry's type.
            None if entry.entry_type == Type::Directory => {
                let directory = self.walk(entry.name)?;
                return self.set_attributes(directory, entry);
            }
            None => return Err(Rule::ReplacesRoot),
        };
        let node = match entry.entry_type {
            Type::Directory => return self.add_directory(parent, name, entry),
            Type::HardLink => self.hard_link_target(entry.target)?,
            Type::Regular => {
                let content = match &entry.sparse {
                    None => regular(entry.size, entry.data_offset),
                    Some(sparse) => self.sparse(sparse)?,
                };
                self.push_node(entry, S_IFREG, content)?
            }
            Type::Symlink => {
                let content = Content::Symlink(self.push_text(entry.target)?);
                self.push_node(entry, S_IFLNK, content)?
            }
            Type::CharDevice => self.push_node(entry, S_IFCHR, device(entry))?,
            Type::BlockDevice => self.push_node(entry, S_IFBLK, device(entry))?,
            Type::Fifo => self.push_node(entry, S_IFIFO, Content::Fifo)?,
        };
        self.put(parent, name, node)
    }

    /// Holds a sparse file's extents. A file without holes is none.
    fn sparse(&mut self, sparse: &Sparse) -> Result<Content, Rule> {
        match *sparse.extents.as_slice() {
            [] if sparse.size == 0 => return Ok(regular(0, 0)),
            [extent] if extent.length == sparse.size => {
                return Ok(regular(extent.length, extent.position))
            }
            _ => {}
        }
        let for_entries = self.entries.saturating_mul(EXTENTS_MAX_PER_ENTRY);
        let max = EXTENTS_MAX.saturating_add(for_entries);
        // CAST: `usize` is at most 64 bits wide.
        let first = self.extents.len() as u64;
        self.extents.extend_from_slice(&sparse.extents);
        match u32::try_from(sparse.extents.len()) {
            Ok(extents) if self.extents.len() as u64 <= max => Ok(Content::Sparse {
                size: sparse.size,
                first,
                extents,
            }),
            _ => Err(Rule::TooManyExtents { max }),
        }
    }

    /// Gives an extended attribute to the directory of this name, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks, or [`Rule::TooManyXattrs`].
    pub fn set_xattr(&mut self, directory: &[u8], xattr: Xattr) -> Result<(), Rule> {
        let node = self.walk(directory)?;
        let set = self.nodes[node].xattrs;
        self.nodes[node].xattrs = self.xattrs.add_to(set, xattr, self.entries)?;
        Ok(())
    }

    /// Makes a directory, or gives the attributes of the entry to the one that is there.
    fn add_directory(
        &mut self,
        parent: NodeId,
        name: &[u8],
        entry: &Entry<'_>,
    ) -> Result<(), Rule> {
        let existing = self.find(parent, name).map(|link| self.links[link].node);
        match existing {
            Some(node) if self.is_directory(node) => self.set_attributes(node, entry),
            _ => {
                let content = Content::Directory(Children::default());
                let node = self.push_node(entry, S_IFDIR, content)?;
                self.put(parent, name, node)
            }
        }
    }

    fn set_attributes(&mut self, directory: NodeId, entry: &Entry<'_>) -> Result<(), Rule> {
        let content = self.nodes[directory].content;
        self.nodes[directory] = self.node_of(entry, S_IFDIR, content)?;
        Ok(())
    }

    /// Gives a name to a file. What the name named before loses it.
    fn put(&mut self, parent: NodeId, name: &[u8], node: NodeId) -> Result<(), Rule> {
        let Some(link) = self.find(parent, name) else {
            return self.push_link(parent, name, node);
        };
        let replaced = self.links[link].node;
        if self.is_directory(replaced) {
            // A layer replaces what is in those below it. Without layers, that is nothing.
            if !self.is_of_lower_layers(replaced) {
                return Err(Rule::ReplacesDirectory);
            }
            self.last_directory = (Vec::new(), ROOT);
        }
        self.links[link].node = node;
        Ok(())
    }

    /// Returns the directory of this name, made where it is not there.
    fn directory(&mut self, name: &[u8]) -> Result<NodeId, Rule> {
        if self.last_directory.0 != name {
            let directory = self.walk(name)?;
            self.last_directory.0.clear();
            self.last_directory.0.extend_from_slice(name);
            self.last_directory.1 = directory;
        }
        Ok(self.last_directory.1)
    }

    /// Goes from directory to directory; makes those that are not there.
    fn walk(&mut self, name: &[u8]) -> Result<NodeId, Rule> {
        let mut directory = ROOT;
        for component in path::components(name) {
            let component = component?;
            directory = match self.find(directory, component) {
                Some(link) => self.links[link].node,
                None => self.imply_directory(directory, component)?,
            };
            if !self.is_directory(directory) {
                return Err(Rule::ParentNotDirectory {
                    parent: message::text(component),
                });
            }
        }
        Ok(directory)
    }

    /// Makes a directory that the archive has not listed.
    fn imply_directory(&mut self, parent: NodeId, name: &[u8]) -> Result<NodeId, Rule> {
        let for_entries = self.entries.saturating_mul(IMPLIED_MAX_PER_ENTRY);
        let max = IMPLIED_MAX.saturating_add(for_entries);
        if self.implied >= max {
            return Err(Rule::TooManyImplied { max });
        }
        self.implied = self.implied.saturating_add(1);
        let made = self.nodes.push(Node::implied());
        let made = made.ok_or(Rule::TooManyFiles)?;
        self.push_link(parent, name, made)?;
        Ok(made)
    }

    fn hard_link_target(&self, target: &[u8]) -> Result<NodeId, Rule> {
        let wrong = |reason: String| Rule::HardLink {
            target: message::text(target),
            reason,
        };
        let node = path::check(target).and_then(|()| self.resolve(target));
        match node.map_err(|rule| wrong(rule.to_string()))? {
            None => Err(wrong("no earlier entry has this name".into())),
            Some(node) if self.is_directory(node) => Err(wrong("it is a directory".into())),
            Some(node) => Ok(node),
        }
    }

    /// Returns the file of this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks.
    pub fn resolve(&self, name: &[u8]) -> Result<Option<NodeId>, Rule> {
        let mut node = ROOT;
        for component in path::components(name) {
            match self.find(node, component?) {
                Some(link) => node = self.links[link].node,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    fn is_directory(&self, node: NodeId) -> bool {
        matches!(self.nodes[node].content, Content::Directory(_))
    }

    fn find(&self, parent: NodeId, name: &[u8]) -> Option<LinkId> {
        self.by_name
            .find(self.hash(parent, name), |&link| {
                self.links[link].parent == parent && self.name(link) == name
            })
            .copied()
    }

    fn hash(&self, parent: NodeId, name: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_usize(parent.place());
        hasher.write(name);
        hasher.finish()
    }

    fn push_node(
        &mut self,
        entry: &Entry<'_>,
        file_type: u16,
        content: Content,
    ) -> Result<NodeId, Rule> {
        let node = self.node_of(entry, file_type, content)?;
        self.nodes.push(node).ok_or(Rule::TooManyFiles)
    }

    /// Makes the file of an entry, without a name yet.
    fn node_of(
        &mut self,
        entry: &Entry<'_>,
        file_type: u16,
        content: Content,
    ) -> Result<Node, Rule> {
        Ok(Node {
            mode: file_type | entry.permissions,
            uid: entry.uid,
            gid: entry.gid,
            mtime_sec: entry.mtime.0,
            mtime_nsec: entry.mtime.1,
            header: Some(sector(entry.offset)),
            xattrs: self.xattrs.add(&entry.xattrs, self.entries)?,
            content,
        })
    }

    /// Adds a name at the end of its directory.
    fn push_link(&mut self, parent: NodeId, name: &[u8], node: NodeId) -> Result<(), Rule> {
        let link = Link {
            name: self.push_text(name)?,
            parent,
            node,
            next: None,
            is_removed: false,
        };
        let link = self.links.push(link).ok_or(Rule::TooManyFiles)?;
        if let Content::Directory(children) = &mut self.nodes[parent].content {
            match children.last.replace(link) {
                Some(last) => self.links[last].next = Some(link),
                None => children.first = Some(link),
            }
        }
        let hash = self.hash(parent, name);
        // The table needs the hashes of what it holds when it grows.
        let mut table = std::mem::take(&mut self.by_name);
        table.insert_unique(hash, link, |&other| {
            self.hash(self.links[other].parent, self.name(other))
        });
        self.by_name = table;
        Ok(())
    }

    fn push_text(&mut self, text: &[u8]) -> Result<Text, Rule> {
        let start = self.text.len();
        let length =
            u16::try_from(text.len()).map_err(|_| Rule::NameTooLong { length: text.len() })?;
        self.text.extend_from_slice(text);
        Ok(Text { start, length })
    }
}

/// A regular file of `size` bytes of data at byte `offset` of the archive.
fn regular(size: u64, offset: u64) -> Content {
    let sector = if size == 0 { 0 } else { sector(offset) };
    Content::Regular { size, sector }
}

fn device(entry: &Entry<'_>) -> Content {
    let (major, minor) = entry.device;
    Content::Device { major, minor }
}

/// Returns the sector of a byte of the archive, which headers and data start at.
fn sector(offset: u64) -> u64 {
    offset / SECTOR
}
