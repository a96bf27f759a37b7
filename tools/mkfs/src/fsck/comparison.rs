// SPDX-License-Identifier: GPL-2.0

//! The index against its archives: they are read again, and what they make is compared.

use layout::{Directory, Inode, Kind, Sparse, XattrEntry, ROOT_INO};

use super::paths::Paths;
use super::report::Report;
use super::structure::broken_rule;
use crate::index_reader::IndexReader;
use crate::message;
use crate::numbering::{self, Numbering};
use crate::progress::Progress;
use crate::tar::Xattr;
use crate::tree::{Content, Node, Sector, SparseId, Tree};
use crate::Error;

/// Inodes compared between two reports of progress.
const INODES_A_REPORT: u32 = 4096;

/// An index and the tree of its archives.
struct Comparison<'a> {
    index: &'a IndexReader,
    tree: &'a Tree,
    numbering: &'a Numbering,
    paths: &'a Paths,
    /// What the present inode differs in.
    differences: Vec<String>,
}

/// Reports every difference between an index and the tree that its archives make. `paths` has the
/// names of the index.
///
/// # Errors
///
/// [`Error::Io`].
pub fn compare(
    index: &IndexReader,
    tree: &Tree,
    paths: &Paths,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), Error> {
    let numbering = Numbering::new(tree);
    let count = index.superblock().inode_count();
    let expected = numbering.inodes().len();
    // CAST: `usize` is at most 64 bits wide.
    if u64::from(count) != expected as u64 {
        report.add(format!(
            "the index has {count} inodes, the archive makes {expected}"
        ));
    }
    let mut comparison = Comparison {
        index,
        tree,
        numbering: &numbering,
        paths,
        differences: Vec::new(),
    };
    for (ino, expected) in (ROOT_INO..=count).zip(numbering.inodes()) {
        // What an inode itself breaks was reported when it was read first.
        if let Ok(found) = broken_rule(index.inode(ino))? {
            comparison.inode(ino, expected, &found)?;
        }
        for difference in comparison.differences.drain(..) {
            report.add_inode(ino, || paths.find(index, ino), difference);
        }
        if ino % INODES_A_REPORT == 0 {
            progress.report("compared", ino.into(), count.into());
        }
    }
    Ok(())
}

impl Comparison<'_> {
    fn inode(&mut self, ino: u32, numbered: &numbering::Inode, found: &Inode) -> Result<(), Error> {
        let node = self.tree.node(numbered.node);
        let header = node.header.map(Sector::number);
        self.differ("mode", found.mode, node.mode, |mode| format!("0{mode:o}"));
        self.differ("user id", found.uid, node.uid, u32::to_string);
        self.differ("group id", found.gid, node.gid, u32::to_string);
        self.differ(
            "number of links",
            found.nlink,
            numbered.links,
            u32::to_string,
        );
        self.differ(
            "time",
            (found.mtime_sec, found.mtime_nsec),
            (node.mtime_sec, node.mtime_nsec),
            |(seconds, nanoseconds)| format!("{seconds} s and {nanoseconds} ns"),
        );
        self.differ("header", found.header, header, |header| match header {
            Some(sector) => format!("in sector {sector}"),
            None => "missing".into(),
        });
        self.content(ino, numbered, found)?;
        self.xattrs(node, found)
    }

    /// Compares what depends on the type of a file, which the mode has.
    fn content(
        &mut self,
        ino: u32,
        numbered: &numbering::Inode,
        found: &Inode,
    ) -> Result<(), Error> {
        let tree = self.tree;
        match (found.kind, tree.node(numbered.node).content) {
            (Kind::Regular(extent), Content::Regular { size, sector }) => {
                self.differ("size", extent.size, size, u64::to_string);
                self.differ(
                    "first sector of the data",
                    extent.sector,
                    sector.number(),
                    u64::to_string,
                );
            }
            (Kind::Sparse(found), Content::Sparse(id)) => self.sparse(ino, id, &found)?,
            (Kind::Regular(_), Content::Sparse(_)) => {
                self.differences
                    .push("it has no holes, in the archive it has".into());
            }
            (Kind::Sparse(_), Content::Regular { .. }) => {
                self.differences
                    .push("it has holes, in the archive it has none".into());
            }
            (Kind::Symlink(symlink), Content::Symlink(target)) => {
                if let Ok(found) = broken_rule(self.index.target(&symlink))? {
                    let expected = tree.text(target);
                    self.differ("target", found.as_slice(), expected, |target| {
                        message::quoted(target)
                    });
                }
            }
            (Kind::CharDevice { major, minor }, content)
            | (Kind::BlockDevice { major, minor }, content) => {
                let expected = match content {
                    Content::Device { major, minor } => Some((major, minor)),
                    _ => None,
                };
                self.differ("device", Some((major, minor)), expected, |device| {
                    device.map_or("none".into(), |(major, minor)| format!("{major}:{minor}"))
                });
            }
            (Kind::Directory(directory), Content::Directory(_)) => {
                self.differ("parent", directory.parent, numbered.parent, u32::to_string);
                self.names(ino, numbered, &directory)?;
            }
            // Nothing more about a fifo. Files of different types have different modes.
            _ => {}
        }
        Ok(())
    }

    /// Compares a sparse file's size and extents.
    fn sparse(&mut self, ino: u32, id: SparseId, found: &Sparse) -> Result<(), Error> {
        let file = self.tree.sparse(id);
        self.differ("size", found.size, file.size, u64::to_string);
        self.differ(
            "number of extents",
            found.extents,
            file.extents,
            u32::to_string,
        );
        let expected = self.tree.extents(file);
        let extents = self.index.extents(ino, found);
        for (found, expected) in extents.zip(expected) {
            // An extent that breaks a rule was reported when it was read first.
            if let Ok(found) = broken_rule(found)? {
                self.differ("extent", found, *expected, |extent| {
                    let (length, logical, position) =
                        (extent.length, extent.logical, extent.position);
                    format!("{length} bytes at {logical}, from byte {position} on")
                });
            }
        }
        Ok(())
    }

    /// Compares a directory's names, and the inodes that they name.
    fn names(
        &mut self,
        ino: u32,
        numbered: &numbering::Inode,
        directory: &Directory,
    ) -> Result<(), Error> {
        let index = self.index;
        let mut expected: u32 = 0;
        for (link, node) in self.tree.children(numbered.node) {
            expected = expected.saturating_add(1);
            let name = self.tree.name(link);
            let Ok(found) = broken_rule(index.find(directory, name))? else {
                continue;
            };
            let number = self.numbering.number(node);
            if found != Some(number) {
                let name = message::quoted(name);
                self.differences.push(match found {
                    None => format!("entry {name} is missing"),
                    Some(found) => {
                        format!("entry {name} names inode {found}, in the archive {number}")
                    }
                });
            }
        }
        let found = self.paths.entry_count(ino);
        self.differ("number of entries", found, expected, u32::to_string);
        Ok(())
    }

    fn xattrs(&mut self, node: &Node, found: &Inode) -> Result<(), Error> {
        let expected = node.xattrs.map(|set| self.tree.xattrs().get(set));
        let mut expected = expected.unwrap_or_default();
        if let Some(xattrs) = &found.xattrs {
            let index = self.index;
            let compared = index.with_xattr_set(xattrs, |set| {
                for number in 0..set.len() {
                    // What breaks a rule was reported when it was read first.
                    if let Ok(entry) = set.entry(number) {
                        self.xattr(&entry, &mut expected)?;
                    }
                }
                Ok(())
            });
            if broken_rule(compared)?.is_err() {
                return Ok(());
            }
        }
        for xattr in expected {
            let name = message::quoted(&xattr.full_name());
            let difference = format!("extended attribute {name} of the archive is missing");
            self.differences.push(difference);
        }
        Ok(())
    }

    /// Compares an extended attribute with the one of its name in the archive, which is taken from
    /// `expected`.
    fn xattr(&mut self, found: &XattrEntry<'_>, expected: &mut Vec<Xattr>) -> Result<(), Error> {
        let is_it = |xattr: &Xattr| {
            (xattr.namespace, xattr.name.as_slice()) == (found.namespace, found.name)
        };
        let name = [found.namespace.prefix().as_bytes(), found.name].concat();
        let name = message::quoted(&name);
        let Some(place) = expected.iter().position(is_it) else {
            let difference = format!("extended attribute {name} is not in the archive");
            self.differences.push(difference);
            return Ok(());
        };
        let xattr = expected.swap_remove(place);
        // Any number of inodes may have one long value; it is read where the archive has one as long.
        let is_same = xattr.value.len() == found.value_length as usize
            && self.index.xattr_value(found)? == xattr.value;
        if !is_same {
            let difference = format!("extended attribute {name} has another value in the archive");
            self.differences.push(difference);
        }
        Ok(())
    }

    fn differ<T: PartialEq>(
        &mut self,
        field: &str,
        found: T,
        expected: T,
        show: impl Fn(&T) -> String,
    ) {
        if found != expected {
            let (found, expected) = (show(&found), show(&expected));
            self.differences
                .push(format!("{field} is {found}, in the archive {expected}"));
        }
    }
}
