// SPDX-License-Identifier: GPL-2.0

//! `rust/layout`: whatever an index's bytes are, what is accepted lies within it.

use layout::{
    Inode, InodeRecord, Kind, Layer, Leaf, Position, Record, SparseExtent, Superblock, XattrSet,
    BLOCK_SIZE, PAYLOAD_SIZE, ROOT_INO,
};

/// Inodes, leaves, extents and so on that are looked at of as many as an index says that it has.
const MANY: u32 = 300;

/// An index of its own, whose superblock is taken as if its checksum were right.
struct Index<'a> {
    data: &'a [u8],
    superblock: Superblock,
}

/// Reads all structures of an index.
pub fn run(data: &[u8]) {
    let Some(block) = data.last_chunk::<BLOCK_SIZE>() else {
        return;
    };
    let [_, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, ..] = *block;
    let stored = u32::from_le_bytes([a, b, c, d]);
    let Ok(superblock) = Superblock::decode(block, |_| stored, data.len() as u64) else {
        return;
    };
    assert_eq!(superblock.encode(|_| stored), *block);
    let index = Index { data, superblock };
    index.read();
}

impl<'a> Index<'a> {
    fn read(&self) {
        let sb = &self.superblock;
        for ino in (ROOT_INO..=sb.inode_count()).take(MANY as usize) {
            let (block, offset) = self.at(sb.inode_position(ino).expect("an inode that there is"));
            let inode = match InodeRecord::decode(ino, block, offset, sb) {
                Ok(Record::Complete(inode)) => inode,
                Ok(Record::Wide { mode, index }) => {
                    let Ok(position) = sb.wide_position(index) else {
                        continue;
                    };
                    let (block, offset) = self.at(position);
                    match InodeRecord::decode_wide(ino, mode, block, offset, sb) {
                        Ok(inode) => inode,
                        Err(_) => continue,
                    }
                }
                Err(_) => continue,
            };
            self.inode(ino, &inode);
        }
        let mut previous: Option<Layer> = None;
        // An index without layers has one archive, which has no record.
        let layers = sb.layer_count().min(sb.layers.records() as u32);
        for number in 0..layers {
            let (block, offset) =
                self.at(sb.layer_position(number).expect("a layer that there is"));
            let Ok(layer) = Layer::decode(number, previous.as_ref(), block, offset, sb) else {
                break;
            };
            assert!(layer.end() <= sb.tar_length);
            previous = Some(layer);
        }
    }

    fn inode(&self, ino: u32, inode: &Inode) {
        let sb = &self.superblock;
        match inode.kind {
            Kind::Directory(directory) => {
                for number in 0..directory.leaves.min(MANY) {
                    let position = sb.leaf_position(&directory, number).expect("checked");
                    let (block, offset) = self.at(position);
                    if let Ok(leaf) = Leaf::decode(block, offset, &directory, sb) {
                        for entry in (0..leaf.len()).filter_map(|place| leaf.entry(place).ok()) {
                            assert!((ROOT_INO..=sb.inode_count()).contains(&entry.ino));
                            assert!(!entry.name.contains(&b'/') && !entry.name.contains(&0));
                            if let Ok(found) = leaf.find(entry.hash, entry.name) {
                                let found = found.map(|found| found.name);
                                assert!(found.is_none_or(|found| found == entry.name));
                            }
                        }
                    }
                }
            }
            Kind::Symlink(symlink) => {
                let mut read = 0;
                while let Ok(Some((position, length))) = sb.target_piece(&symlink, read) {
                    let (block, offset) = self.at(position);
                    assert!(length > 0 && offset + length <= block.len());
                    read += length as u16;
                }
            }
            Kind::Sparse(sparse) => {
                for number in 0..sparse.extents.min(MANY) {
                    let position = sb.extent_position(&sparse, number).expect("checked");
                    let (block, offset) = self.at(position);
                    if let Ok(extent) = SparseExtent::decode(ino, &sparse, block, offset, sb) {
                        assert!(extent.logical + extent.length <= sparse.size);
                        assert!(extent.position + extent.length <= sb.tar_length);
                    }
                }
            }
            Kind::Regular(extent) => {
                assert!(extent.sector * 512 + extent.size <= sb.tar_length);
            }
            _ => {}
        }
        let Some(xattrs) = inode.xattrs else {
            return;
        };
        let position = sb.xattr_position(&xattrs).expect("checked with the inode");
        let (block, offset) = self.at(position);
        let Ok(set) = XattrSet::decode(block, offset, sb) else {
            return;
        };
        for entry in (0..set.len()).filter_map(|place| set.entry(place).ok()) {
            let mut read = 0;
            while let Ok(Some((position, length))) = sb.xattr_value(&entry, read) {
                let (block, offset) = self.at(position);
                assert!(length > 0 && offset + length <= block.len());
                read += length as u32;
            }
            assert_eq!(read, entry.value_length);
        }
    }

    /// Returns the payload of the block at a position, and the offset.
    fn at(&self, position: Position) -> (&'a [u8], usize) {
        assert!(position.offset < PAYLOAD_SIZE);
        let start = position.block as usize * BLOCK_SIZE;
        (&self.data[start..][..PAYLOAD_SIZE], position.offset)
    }
}
