// SPDX-License-Identifier: GPL-2.0

//! Making the tree, entry by entry.

use layout::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG};

use super::memory::Memory;
use super::names::{NameHash, Names};
use super::{Children, Content, Link, LinkId, Node, NodeId, Sector, SparseFile, Text, Tree, ROOT};
use crate::message;
use crate::path;
use crate::tar::{Entry, Rule, Sparse, Type, Xattr};
use crate::SECTOR;

/// A tree to which entries are added.
pub struct Builder {
    pub(super) tree: Tree,
    pub(super) names: Names,
    memory: Memory,
    /// Number of nodes that the layers below the present one have.
    pub(super) layer_start: usize,
    /// The directory part of the last name, and the directory: the next name's is mostly the same.
    pub(super) last_directory: (Vec<u8>, NodeId),
}

impl Builder {
    /// Starts with a root directory only. `more_memory` is what the tree and laying it out may
    /// take, in bytes, in addition to what as many entries usually do.
    pub fn new(more_memory: u64) -> Self {
        Self {
            tree: Tree::default(),
            names: Names::default(),
            memory: Memory::new(more_memory),
            layer_start: 0,
            last_directory: (Vec::new(), ROOT),
        }
    }

    /// The tree so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Returns the tree, and frees what only adding entries needs.
    pub fn finish(self) -> Tree {
        self.tree
    }

    /// Adds an archive's next entry. It replaces an earlier one of its name, except that a
    /// directory only takes the attributes.
    ///
    /// # Errors
    ///
    /// The rule that the entry breaks.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Rule> {
        self.add_unmeasured(entry)?;
        self.memory.count_entry();
        self.memory.check(&self.tree)
    }

    fn add_unmeasured(&mut self, entry: &Entry<'_>) -> Result<(), Rule> {
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
        let content = match entry.entry_type {
            Type::Directory => return self.add_directory(parent, name, entry),
            Type::HardLink => {
                let node = self.hard_link_target(entry.target)?;
                return self.put(parent, name, node);
            }
            Type::Regular => match &entry.sparse {
                None => regular(entry.size, entry.data_offset),
                Some(sparse) => self.sparse(sparse)?,
            },
            Type::Symlink => Content::Symlink(self.push_text(entry.target)?),
            Type::CharDevice | Type::BlockDevice => {
                let (major, minor) = entry.device;
                Content::Device { major, minor }
            }
            Type::Fifo => Content::Fifo,
        };
        let node = self.push_node(entry, content)?;
        self.put(parent, name, node)
    }

    /// Holds a sparse file's extents. A file without holes is none.
    fn sparse(&mut self, sparse: &Sparse) -> Result<Content, Rule> {
        if let Some((size, position)) = sparse.in_one_piece() {
            return Ok(regular(size, position));
        }
        let file = SparseFile {
            size: sparse.size,
            // CAST: `usize` is at most 64 bits wide.
            first: self.tree.extents.len() as u64,
            // CAST: a map with more parts is refused.
            extents: sparse.extents.len() as u32,
        };
        self.tree.extents.extend_from_slice(&sparse.extents);
        let id = self.tree.sparse.push(file).ok_or(Rule::TooManyFiles)?;
        Ok(Content::Sparse(id))
    }

    /// Gives an extended attribute to the directory of this name, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks, or [`Rule::TooMuchMemory`].
    pub fn set_xattr(&mut self, directory: &[u8], xattr: Xattr) -> Result<(), Rule> {
        let node = self.walk(directory)?;
        let set = self.tree.nodes[node].xattrs;
        self.tree.nodes[node].xattrs = self.tree.xattrs.add_to(set, xattr)?;
        self.memory.check(&self.tree)
    }

    /// Makes a directory, or gives the attributes of the entry to the one that is there.
    fn add_directory(
        &mut self,
        parent: NodeId,
        name: &[u8],
        entry: &Entry<'_>,
    ) -> Result<(), Rule> {
        let existing = self
            .find(parent, name)
            .map(|link| self.tree.links[link].node);
        match existing {
            Some(node) if self.tree.is_directory(node) => self.set_attributes(node, entry),
            _ => {
                let content = Content::Directory(Children::default());
                let node = self.push_node(entry, content)?;
                self.memory.count_directory();
                self.put(parent, name, node)
            }
        }
    }

    fn set_attributes(&mut self, directory: NodeId, entry: &Entry<'_>) -> Result<(), Rule> {
        let content = self.tree.nodes[directory].content;
        self.tree.nodes[directory] = self.node_of(entry, content)?;
        Ok(())
    }

    /// Gives a name to a file. What the name named before loses it.
    fn put(&mut self, parent: NodeId, name: &[u8], node: NodeId) -> Result<(), Rule> {
        let hash = self.names.hash(parent, name);
        let Some(link) = self.find_hashed(parent, name, hash) else {
            return self.push_link(parent, name, node, hash);
        };
        let replaced = self.tree.links[link].node;
        if self.tree.is_directory(replaced) {
            // A layer replaces what is in those below it. Without layers, that is nothing.
            if !self.is_of_lower_layers(replaced) {
                return Err(Rule::ReplacesDirectory);
            }
            self.last_directory = (Vec::new(), ROOT);
        }
        self.tree.links[link].node = node;
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
                Some(link) => self.tree.links[link].node,
                None => self.imply_directory(directory, component)?,
            };
            if !self.tree.is_directory(directory) {
                return Err(Rule::ParentNotDirectory {
                    parent: message::text(component),
                });
            }
        }
        Ok(directory)
    }

    /// Makes a directory that the archive has not listed.
    fn imply_directory(&mut self, parent: NodeId, name: &[u8]) -> Result<NodeId, Rule> {
        let made = self.tree.nodes.push(Node::implied());
        let made = made.ok_or(Rule::TooManyFiles)?;
        self.memory.count_directory();
        let hash = self.names.hash(parent, name);
        self.push_link(parent, name, made, hash)?;
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
            Some(node) if self.tree.is_directory(node) => Err(wrong("it is a directory".into())),
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
                Some(link) => node = self.tree.links[link].node,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    pub(super) fn find(&self, parent: NodeId, name: &[u8]) -> Option<LinkId> {
        self.find_hashed(parent, name, self.names.hash(parent, name))
    }

    fn find_hashed(&self, parent: NodeId, name: &[u8], hash: NameHash) -> Option<LinkId> {
        self.names.find(hash, |link| {
            let link = &self.tree.links[link];
            link.parent == Some(parent) && self.tree.text(link.name) == name
        })
    }

    fn push_node(&mut self, entry: &Entry<'_>, content: Content) -> Result<NodeId, Rule> {
        let node = self.node_of(entry, content)?;
        self.tree.nodes.push(node).ok_or(Rule::TooManyFiles)
    }

    /// Makes the file of an entry, without a name yet.
    fn node_of(&mut self, entry: &Entry<'_>, content: Content) -> Result<Node, Rule> {
        Ok(Node {
            mode: file_type(entry.entry_type) | entry.permissions,
            uid: entry.uid,
            gid: entry.gid,
            mtime_sec: entry.mtime.0,
            mtime_nsec: entry.mtime.1,
            header: Some(sector(entry.offset)),
            xattrs: self
                .tree
                .xattrs
                .add(&entry.xattrs)
                .ok_or(Rule::TooManyFiles)?,
            content,
        })
    }

    /// Adds a name at the end of its directory.
    fn push_link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        node: NodeId,
        hash: NameHash,
    ) -> Result<(), Rule> {
        let link = Link {
            name: self.push_text(name)?,
            parent: Some(parent),
            node,
            next: None,
        };
        let link = self.tree.links.push(link).ok_or(Rule::TooManyFiles)?;
        if let Content::Directory(children) = &mut self.tree.nodes[parent].content {
            match children.last.replace(link) {
                Some(last) => self.tree.links[last].next = Some(link),
                None => children.first = Some(link),
            }
        }
        self.names.insert(hash, link);
        Ok(())
    }

    fn push_text(&mut self, text: &[u8]) -> Result<Text, Rule> {
        let too_long = Rule::NameTooLong { length: text.len() };
        let place = Text::new(self.tree.text.len(), text.len()).ok_or(too_long)?;
        self.tree.text.extend_from_slice(text);
        Ok(place)
    }
}

/// A regular file of `size` bytes of data at byte `offset` of the archive.
fn regular(size: u64, offset: u64) -> Content {
    let sector = if size == 0 {
        Sector::default()
    } else {
        sector(offset)
    };
    Content::Regular { size, sector }
}

/// The bits of a mode for what an entry is.
pub(crate) fn file_type(entry_type: Type) -> u16 {
    match entry_type {
        Type::Directory => S_IFDIR,
        Type::Regular | Type::HardLink => S_IFREG,
        Type::Symlink => S_IFLNK,
        Type::CharDevice => S_IFCHR,
        Type::BlockDevice => S_IFBLK,
        Type::Fifo => S_IFIFO,
    }
}

/// Returns the sector of a byte of the archive, which headers and data start at.
fn sector(offset: u64) -> Sector {
    Sector::new(offset / SECTOR)
}
