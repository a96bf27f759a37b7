// SPDX-License-Identifier: GPL-2.0

//! The index against its archives: they are read again, and what they make is compared.

use layout::{Directory, Inode, Kind, Sparse, ROOT_INO};

use super::paths::Paths;
use super::report::Report;
use super::structure::broken_rule;
use crate::index_reader::IndexReader;
use crate::message;
use crate::numbering::{self, Numbering};
use crate::progress::Progress;
use crate::tree::{Content, Node, Tree};
use crate::Error;

/// Inodes compared between two reports of progress.
const INODES_A_REPORT: u32 = 4096;

/// An index and the tree of its archives.
struct Comparison<'a> {
    index: &'a IndexReader,
    tree: &'a Tree,
    numbering: &'a Numbering,
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
        self.differ("header", found.header, node.header, |header| match header {
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
                    sector,
                    u64::to_string,
                );
            }
            (Kind::Sparse(found), Content::Sparse { .. }) => self.sparse(ino, numbered, &found)?,
            (Kind::Regular(_), Content::Sparse { .. }) => {
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
                self.names(numbered, &directory)?;
            }
            // Nothing more about a fifo. Files of different types have different modes.
            _ => {}
        }
        Ok(())
    }

    /// Compares a sparse file's size and extents.
    fn sparse(
        &mut self,
        ino: u32,
        numbered: &numbering::Inode,
        found: &Sparse,
    ) -> Result<(), Error> {
        let content = self.tree.node(numbered.node).content;
        let Content::Sparse {
            size,
            first,
            extents,
        } = content
        else {
            return Ok(());
        };
        self.differ("size", found.size, size, u64::to_string);
        self.differ("number of extents", found.extents, extents, u32::to_string);
        let expected = self.tree.extents(first, extents);
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
    fn names(&mut self, numbered: &numbering::Inode, directory: &Directory) -> Result<(), Error> {
        let index = self.index;
        let mut expected: u64 = 0;
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
        let mut found: u64 = 0;
        for number in 0..directory.leaves {
            let length = index.with_leaf(directory, number, |leaf| Ok(leaf.len()));
            // CAST: a leaf has a few hundred entries.
            found = found.saturating_add(broken_rule(length)?.unwrap_or(0) as u64);
        }
        self.differ("number of entries", found, expected, u64::to_string);
        Ok(())
    }

    fn xattrs(&mut self, node: &Node, found: &Inode) -> Result<(), Error> {
        let set = found.xattrs.map(|xattrs| self.index.xattrs(&xattrs));
        let Ok(found) = broken_rule(set.transpose())? else {
            return Ok(());
        };
        let found = found.unwrap_or_default();
        let expected = node.xattrs.map(|set| self.tree.xattrs().get(set));
        let expected = expected.unwrap_or_default();
        if found == expected {
            return Ok(());
        }
        for xattr in &found {
            if !expected.contains(xattr) {
                let name = message::quoted(&xattr.full_name());
                self.differences.push(format!(
                    "extended attribute {name} is not in the archive, or has another value"
                ));
            }
        }
        for xattr in &expected {
            if !found.contains(xattr) {
                let name = message::quoted(&xattr.full_name());
                self.differences.push(format!(
                    "extended attribute {name} of the archive is missing, or has another value"
                ));
            }
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
