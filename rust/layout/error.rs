// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rules of the format that an image can break.

/// The rule that an image breaks, with the values that break it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The sentences in `Display` say what each field is.
pub enum Error {
    NotTarfs {
        magic: [u8; 8],
    },
    Version {
        found: u32,
    },
    Features {
        unknown: u32,
    },

    SuperblockSum {
        stored: u32,
        computed: u32,
    },
    SuperblockNotZero {
        from: usize,
        to: usize,
    },
    Label,
    InodeCount {
        inodes: u64,
    },
    WideInodeCount {
        wide_inodes: u64,
        inodes: u64,
    },
    IndexBlocks {
        found: u64,
        expected: u64,
    },
    TarLength {
        length: u64,
    },
    LayerCount {
        layers: u64,
    },
    DataSumCount {
        sums: u64,
        expected: u64,
    },
    IndexAlignment {
        offset: u64,
    },
    IndexOverlap {
        offset: u64,
        tar_length: u64,
    },
    ImageSize {
        offset: u64,
        blocks: u64,
        image_bytes: u64,
    },

    RegionStart {
        region: &'static str,
        found: u32,
        expected: u32,
    },
    RegionBlocks {
        region: &'static str,
        found: u32,
        needed: u32,
    },
    RegionTooLarge {
        region: &'static str,
        records: u64,
    },

    Layer {
        layer: u32,
        sector: u64,
        length: u64,
        expected_sector: u64,
    },
    NoLayer {
        layer: u32,
        layers: u64,
    },
    LayersEnd {
        end: u64,
        tar_length: u64,
    },
    DataSum {
        block: u64,
        stored: u32,
        computed: u32,
    },
    BlockSum {
        block: u32,
        stored: u32,
        computed: u32,
    },
    OutOfBlock {
        offset: usize,
    },

    NoInode {
        ino: u32,
        inodes: u32,
    },
    NoWideInode {
        index: u32,
        wide_inodes: u64,
    },
    WideOwner {
        ino: u32,
        owner: u32,
    },
    InodeNotZero {
        ino: u32,
    },
    RootType {
        mode: u16,
    },
    FileType {
        ino: u32,
        mode: u16,
    },
    Links {
        ino: u32,
        links: u32,
    },
    Mtime {
        ino: u32,
        mtime: u32,
    },
    Nanoseconds {
        ino: u32,
        nanoseconds: u32,
    },
    Header {
        ino: u32,
        sector: u64,
        tar_length: u64,
    },
    Extent {
        ino: u32,
        sector: u64,
        size: u64,
        tar_length: u64,
    },

    SparseSize {
        ino: u32,
        size: u64,
    },
    SparseExtents {
        ino: u32,
        first: u64,
        extents: u32,
        records: u64,
    },
    NoExtent {
        index: u32,
        extents: u32,
    },
    SparseExtent {
        ino: u32,
        logical: u64,
        length: u64,
        position: u64,
    },
    ExtentOrder {
        ino: u32,
        logical: u64,
    },

    OtherParent {
        ino: u32,
        parent: u32,
        directory: u32,
    },
    Parent {
        ino: u32,
        parent: u32,
    },
    Leaves {
        ino: u32,
        leaves: u64,
        data: u64,
    },
    NoLeaf {
        leaf: u32,
        leaves: u32,
    },
    LeafLength {
        offset: usize,
        entries: u16,
        used: u16,
    },
    LeafEmpty {
        offset: usize,
    },
    NoEntry {
        index: usize,
        entries: usize,
    },
    EntryPosition {
        index: usize,
        position: u16,
        length: u8,
    },
    EntryName {
        index: usize,
        length: u8,
    },
    EntryInode {
        index: usize,
        ino: u32,
        inodes: u32,
    },
    EntryType {
        index: usize,
        file_type: u8,
    },

    XattrsPosition {
        ino: u32,
        position: u64,
        xattrs: u64,
    },
    NoXattrs {
        position: u64,
        xattrs: u64,
    },
    XattrSetLength {
        offset: usize,
        entries: u16,
        used: u16,
    },
    NoXattr {
        index: usize,
        entries: usize,
    },
    XattrNamespace {
        index: usize,
        namespace: u8,
    },
    XattrNamePosition {
        index: usize,
        position: u16,
        length: u8,
    },
    XattrName {
        index: usize,
        length: u8,
    },
    XattrOrder {
        index: usize,
    },
    XattrValue {
        index: usize,
        length: u32,
        position: u32,
    },

    TargetLength {
        ino: u32,
        length: u64,
    },
    TargetPosition {
        ino: u32,
        position: u64,
        length: u16,
    },
    NoTarget {
        position: u64,
        length: u16,
        heap: u64,
    },
    TargetNul {
        position: u64,
        at: usize,
    },
}

impl Error {
    /// Whether the image may be good, but is of a version or has a feature that this reader does
    /// not know (`EOPNOTSUPP`). All other errors but [`Error::NotTarfs`] (`EINVAL`) mean that the
    /// image is damaged (`EUCLEAN`).
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Features { .. })
    }
}

impl core::error::Error for Error {}
