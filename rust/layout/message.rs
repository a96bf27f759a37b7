// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The sentences that say which rule an image breaks.

use core::fmt;

use crate::Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotTarfs { magic } => write!(
                f,
                "superblock: the magic is {:#018x}, not that of tarfs",
                u64::from_be_bytes(magic)
            ),
            Self::Version { found } => write!(
                f,
                "superblock: the format's version is {found}, this reader knows {}",
                crate::VERSION
            ),
            Self::Features { unknown } => {
                write!(
                    f,
                    "superblock: incompatible features {unknown:#x} are not known"
                )
            }
            Self::SuperblockSum { stored, computed } => {
                write!(
                    f,
                    "superblock: CRC-32 is {computed:#010x}, recorded {stored:#010x}"
                )
            }
            Self::SuperblockNotZero { from, to } => {
                write!(f, "superblock: bytes {from} to {to} are not zero")
            }
            Self::Label => write!(f, "superblock: the label is not UTF-8 padded with NUL"),
            Self::InodeCount { inodes } => {
                write!(f, "superblock: {inodes} inodes, expected 1 to 2^32 - 1")
            }
            Self::WideInodeCount {
                wide_inodes,
                inodes,
            } => {
                write!(
                    f,
                    "superblock: {wide_inodes} wide inodes for {inodes} inodes"
                )
            }
            Self::IndexBlocks { found, expected } => {
                write!(
                    f,
                    "superblock: {found} index blocks, the regions make {expected}"
                )
            }
            Self::TarLength { length } => {
                write!(
                    f,
                    "superblock: archive of {length} bytes, expected below 2^63"
                )
            }
            Self::IndexAlignment { offset } => {
                write!(
                    f,
                    "superblock: index at byte {offset}, expected a multiple of 4096"
                )
            }
            Self::IndexOverlap { offset, tar_length } => write!(
                f,
                "superblock: index at byte {offset}, expected at least a sector after the \
                 archive's {tar_length} bytes"
            ),
            Self::ImageSize {
                offset,
                blocks,
                image_bytes,
            } => write!(
                f,
                "superblock: {blocks} index blocks from byte {offset} on do not end at the \
                 image's {image_bytes} bytes"
            ),
            Self::RegionStart {
                region,
                found,
                expected,
            } => {
                write!(
                    f,
                    "region {region}: starts at block {found}, expected {expected}"
                )
            }
            Self::RegionBlocks {
                region,
                found,
                needed,
            } => {
                write!(
                    f,
                    "region {region}: has {found} blocks, its records need {needed}"
                )
            }
            Self::RegionTooLarge { region, records } => {
                write!(
                    f,
                    "region {region}: {records} records end beyond block 2^32 - 1"
                )
            }
            Self::LayerCount { layers } => {
                write!(
                    f,
                    "superblock: {layers} archives, expected at most {}, and in an image one",
                    crate::LAYERS_MAX
                )
            }
            Self::DataSumCount { sums, expected } => {
                write!(
                    f,
                    "superblock: {sums} checksums of data, the archive's blocks make {expected}"
                )
            }
            Self::Layer {
                layer,
                sector,
                length,
                expected_sector,
            } => write!(
                f,
                "archive {layer}: {length} bytes from sector {sector} on, expected some from \
                 sector {expected_sector} on, within the recorded length"
            ),
            Self::NoLayer { layer, layers } => {
                write!(f, "archive {layer}: the image has {layers} of them")
            }
            Self::LayersEnd { end, tar_length } => {
                write!(f, "archives: they end at byte {end}, recorded {tar_length}")
            }
            Self::DataSum {
                block,
                stored,
                computed,
            } => {
                write!(
                    f,
                    "archive at byte {}: CRC-32 of 4096 bytes is {computed:#010x}, recorded \
                     {stored:#010x}",
                    block.saturating_mul(crate::BLOCK)
                )
            }
            Self::BlockSum {
                block,
                stored,
                computed,
            } => {
                write!(
                    f,
                    "index block {block}: CRC-32 is {computed:#010x}, recorded {stored:#010x}"
                )
            }
            Self::OutOfBlock { offset } => {
                write!(
                    f,
                    "index: the record at byte {offset} of a block crosses the block's end"
                )
            }
            Self::NoInode { ino, inodes } => {
                write!(f, "inode {ino}: the image has inodes 1 to {inodes}")
            }
            Self::NoWideInode { index, wide_inodes } => {
                write!(f, "wide inode {index}: the image has {wide_inodes} of them")
            }
            Self::WideOwner { ino, owner } => {
                write!(f, "inode {ino}: its wide inode belongs to inode {owner}")
            }
            Self::InodeNotZero { ino } => {
                write!(f, "inode {ino}: a field that is zero for its type is not")
            }
            Self::RootType { mode } => {
                write!(f, "inode 1: mode {mode:#o}, expected a directory")
            }
            Self::FileType { ino, mode } => {
                write!(f, "inode {ino}: mode {mode:#o} has no known file type")
            }
            Self::Links { ino, links } => {
                write!(
                    f,
                    "inode {ino}: {links} links, expected at least 1, or 2 of a directory"
                )
            }
            Self::Mtime { ino, mtime } => {
                write!(
                    f,
                    "inode {ino}: mtime {mtime} seconds after the time base overflows"
                )
            }
            Self::Nanoseconds { ino, nanoseconds } => {
                write!(
                    f,
                    "inode {ino}: {nanoseconds} nanoseconds, expected below 10^9"
                )
            }
            Self::Header {
                ino,
                sector,
                tar_length,
            } => write!(
                f,
                "inode {ino}: header in sector {sector}, beyond the archive's {tar_length} bytes"
            ),
            Self::Extent {
                ino,
                sector,
                size,
                tar_length,
            } => write!(
                f,
                "inode {ino}: {size} bytes from sector {sector} on, expected within the \
                 archive's {tar_length} bytes, and sector 0 where empty"
            ),
            Self::SparseSize { ino, size } => {
                write!(
                    f,
                    "inode {ino}: sparse file of {size} bytes, expected 1 to 2^63 - 1"
                )
            }
            Self::SparseExtents {
                ino,
                first,
                extents,
                records,
            } => write!(
                f,
                "inode {ino}: {extents:#x} extents from record {first} on, the image has \
                 {records}; of 0xffffffff the first is 0"
            ),
            Self::NoExtent { index, extents } => {
                write!(f, "sparse file: no extent {index}, it has {extents}")
            }
            Self::SparseExtent {
                ino,
                logical,
                length,
                position,
            } => write!(
                f,
                "inode {ino}: extent of {length} bytes at byte {logical} of the file and byte \
                 {position} of the archive, expected some, within both"
            ),
            Self::ExtentOrder { ino, logical } => write!(
                f,
                "inode {ino}: the extent at byte {logical} starts before the previous one ends"
            ),
            Self::OtherParent {
                ino,
                parent,
                directory,
            } => write!(
                f,
                "inode {ino}: parent is inode {parent}, but it is an entry of directory {directory}"
            ),
            Self::Parent { ino, parent } => {
                write!(
                    f,
                    "inode {ino}: parent is inode {parent}, expected a smaller number"
                )
            }
            Self::Leaves { ino, leaves, data } => write!(
                f,
                "inode {ino}: {leaves} leaves from unit {data} on, expected within the leaf \
                 region, several at the start of a block, none at 0"
            ),
            Self::NoLeaf { leaf, leaves } => {
                write!(
                    f,
                    "directory: no leaf {leaf} in the leaf region, it has {leaves}"
                )
            }
            Self::LeafLength {
                offset,
                entries,
                used,
            } => write!(
                f,
                "leaf at byte {offset}: {entries} entries in {used} bytes do not fit, or not \
                 into the block"
            ),
            Self::LeafEmpty { offset } => {
                write!(f, "leaf at byte {offset}: no entry, and no other leaf")
            }
            Self::NoEntry { index, entries } => {
                write!(f, "leaf: no entry {index}, it has {entries}")
            }
            Self::EntryPosition {
                index,
                position,
                length,
            } => write!(
                f,
                "leaf, entry {index}: name of {length} bytes at byte {position}, expected within \
                 the leaf's names"
            ),
            Self::EntryName { index, length } => write!(
                f,
                "leaf, entry {index}: the name of {length} bytes has a slash or NUL or is . or .."
            ),
            Self::EntryInode { index, ino, inodes } => {
                write!(
                    f,
                    "leaf, entry {index}: inode {ino}, the image has inodes 1 to {inodes}"
                )
            }
            Self::EntryType { index, file_type } => {
                write!(f, "leaf, entry {index}: {file_type} is no file type")
            }
            Self::XattrsPosition {
                ino,
                position,
                xattrs,
            } => write!(
                f,
                "inode {ino}: extended attributes at byte {position} of a region of {xattrs}"
            ),
            Self::NoXattrs { position, xattrs } => write!(
                f,
                "extended attributes: byte {position} of a region of {xattrs}"
            ),
            Self::XattrSetLength {
                offset,
                entries,
                used,
            } => write!(
                f,
                "set of extended attributes at byte {offset}: {entries} entries in {used} bytes \
                 are none, do not fit, or not into the block"
            ),
            Self::NoXattr { index, entries } => {
                write!(
                    f,
                    "extended attributes: no entry {index}, there are {entries}"
                )
            }
            Self::XattrNamespace { index, namespace } => write!(
                f,
                "extended attribute {index}: namespace {namespace}, expected 1 to 5"
            ),
            Self::XattrNamePosition {
                index,
                position,
                length,
            } => write!(
                f,
                "extended attribute {index}: name of {length} bytes at byte {position}, expected \
                 within the set's names"
            ),
            Self::XattrName { index, length } => write!(
                f,
                "extended attribute {index}: the name of {length} bytes is not one of its \
                 namespace, or has a NUL"
            ),
            Self::XattrOrder { index } => write!(
                f,
                "extended attribute {index}: its name is not above that of the one before it"
            ),
            Self::XattrValue {
                index,
                length,
                position,
            } => write!(
                f,
                "extended attribute {index}: value of {length} bytes at byte {position}, expected \
                 up to 65536 within the region, and byte 0 where empty"
            ),
            Self::TargetLength { ino, length } => {
                write!(
                    f,
                    "inode {ino}: target of {length} bytes, expected 1 to 4095"
                )
            }
            Self::TargetPosition {
                ino,
                position,
                length,
            } => write!(
                f,
                "inode {ino}: target of {length} bytes at byte {position}, expected within the \
                 heap and one block"
            ),
            Self::NoTarget {
                position,
                length,
                heap,
            } => write!(
                f,
                "symbolic link: target of {length} bytes at byte {position} of a heap of {heap}"
            ),
            Self::TargetNul { position, at } => {
                write!(
                    f,
                    "symbolic link: the target at byte {position} has a NUL at {at}"
                )
            }
        }
    }
}
