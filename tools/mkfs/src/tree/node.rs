// SPDX-License-Identifier: GPL-2.0

//! Files and names of a tree.

use std::ops::Range;

use layout::S_IFDIR;

use crate::arena::Id;
use crate::xattrs::SetId;

/// Number of a file in a [`super::Tree`].
pub type NodeId = Id<Node>;

/// Number of a name in a [`super::Tree`].
pub type LinkId = Id<Link>;

/// Number of a file with holes in a [`super::Tree`].
pub type SparseId = Id<SparseFile>;

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
    /// Where the archive has the first header; `None` for an implied directory.
    pub header: Option<Sector>,
    /// Extended attributes, if it has any.
    pub xattrs: Option<SetId>,
    /// What the file type has beyond that.
    pub content: Content,
}

impl Node {
    /// A directory that the archive implies but does not list.
    pub(crate) fn implied() -> Self {
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
    /// A regular file: size in bytes and start of the data (0 where there is none).
    Regular {
        /// In bytes.
        size: u64,
        /// In the archive.
        sector: Sector,
    },
    /// A regular file with holes.
    Sparse(SparseId),
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

/// A regular file with holes.
#[derive(Clone, Copy)]
pub struct SparseFile {
    /// In bytes, holes included; at least 1.
    pub size: u64,
    /// Place of its first extent among those of all files.
    pub(super) first: u64,
    /// Number of its extents.
    pub extents: u32,
}

/// A name in a directory.
pub struct Link {
    pub(super) name: Text,
    /// The directory; `None` where a layer has taken the name away.
    pub(super) parent: Option<NodeId>,
    pub(super) node: NodeId,
    pub(super) next: Option<LinkId>,
}

/// A sector of the archive: below 2^56, and as many bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sector([u8; 7]);

impl Sector {
    /// Takes the number of a sector. Archives have less than 2^63 bytes.
    pub fn new(number: u64) -> Self {
        let [kept @ .., _] = number.to_le_bytes();
        Self(kept)
    }

    /// The number of the sector.
    pub fn number(self) -> u64 {
        let [a, b, c, d, e, f, g] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, 0])
    }
}

/// A place in the tree's text.
#[derive(Clone, Copy)]
pub struct Text {
    /// 48 bits: more than there is memory.
    start: [u8; 6],
    length: u16,
}

impl Text {
    /// Takes the first byte and the length; `None` where they are too large.
    pub(super) fn new(start: usize, length: usize) -> Option<Self> {
        // CAST: `usize` is at most 64 bits wide.
        let [start @ .., 0, 0] = (start as u64).to_le_bytes() else {
            return None;
        };
        let length = u16::try_from(length).ok()?;
        Some(Self { start, length })
    }

    /// The bytes of the text.
    pub(super) fn range(self) -> Range<usize> {
        let [a, b, c, d, e, f] = self.start;
        // CAST: it was a `usize`.
        let start = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]) as usize;
        start..start.saturating_add(self.length.into())
    }

    /// Length in bytes.
    pub fn length(self) -> u16 {
        self.length
    }
}

// There are millions of these.
const _: () = assert!(size_of::<Node>() == 56 && size_of::<Link>() == 20);
