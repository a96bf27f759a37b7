// SPDX-License-Identifier: GPL-2.0

//! Files and names of a tree.

use layout::S_IFDIR;

use crate::arena::Id;
use crate::xattrs::SetId;

/// Number of a file in a [`super::Tree`].
pub type NodeId = Id<Node>;

/// Number of a name in a [`super::Tree`].
pub type LinkId = Id<Link>;

/// Mode of a directory that the archive implies but does not list. Its owner is root, its time 0.
const IMPLIED_DIRECTORY: u16 = S_IFDIR | 0o755;

/// A file of any type.
pub struct Node {
    /// File type and permissions.
    pub mode: u16,
    /// User id of the owner.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Time of the last change: seconds since 1970 and nanoseconds.
    pub mtime_sec: i64,
    /// See `mtime_sec`.
    pub mtime_nsec: u32,
    /// Sector of the archive with the first header; `None` for an implied directory.
    pub header: Option<u64>,
    /// Extended attributes, if it has any.
    pub xattrs: Option<SetId>,
    /// What the file type has beyond that.
    pub content: Content,
}

impl Node {
    /// A directory that the archive implies but does not list.
    pub(super) fn implied() -> Self {
        Self {
            mode: IMPLIED_DIRECTORY,
            uid: 0,
            gid: 0,
            mtime_sec: 0,
            mtime_nsec: 0,
            header: None,
            xattrs: None,
            content: Content::Directory(Children::default()),
        }
    }
}

/// What a file is besides its attributes.
#[derive(Clone, Copy)]
pub enum Content {
    /// A regular file: size in bytes and first sector of the data (0 where there is none).
    Regular {
        /// In bytes.
        size: u64,
        /// In the archive.
        sector: u64,
    },
    /// A regular file with holes.
    Sparse {
        /// In bytes, holes included; at least 1.
        size: u64,
        /// Place of its first extent in [`super::Tree::extents`].
        first: u64,
        /// Number of its extents.
        extents: u32,
    },
    /// A directory.
    Directory(Children),
    /// A symbolic link.
    Symlink(Text),
    /// A device; the mode says of which type.
    Device {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A directory's names: a chain in the order of their first appearance.
#[derive(Clone, Copy, Default)]
pub struct Children {
    pub(super) first: Option<LinkId>,
    pub(super) last: Option<LinkId>,
}

/// A name in a directory.
pub struct Link {
    pub(super) name: Text,
    pub(super) parent: NodeId,
    pub(super) node: NodeId,
    pub(super) next: Option<LinkId>,
    /// Whether a layer has taken the name away.
    pub(super) is_removed: bool,
}

/// A place in the tree's text.
#[derive(Clone, Copy)]
pub struct Text {
    pub(super) start: usize,
    pub(super) length: u16,
}

impl Text {
    /// Length in bytes.
    pub fn length(self) -> u16 {
        self.length
    }
}
