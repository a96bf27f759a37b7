// SPDX-License-Identifier: GPL-2.0

//! Walks an image through the layout crate, as the kernel does, and lists the files as
//! `list_tar.py` does.

use layout::{
    d_type, leaf_of, name_hash, Directory, Entry, Inode, InodeRecord, Kind, Leaf, Position, Record,
    Sparse, SparseExtent, Superblock, XattrSet, Xattrs, BLOCK_SIZE, PAYLOAD_SIZE,
};
use serde_json::{json, Map, Value};
use sha2::{Digest, Sha256};

/// An image, or an index with its archive beside it.
pub struct Image<'a> {
    pub superblock: Superblock,
    index: &'a [u8],
    tar: &'a [u8],
}

pub fn crc32(slices: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    slices.iter().for_each(|slice| hasher.update(slice));
    hasher.finalize()
}

impl<'a> Image<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let superblock = superblock(bytes);
        let (tar, index) = bytes.split_at(superblock.index_offset as usize);
        Self {
            superblock,
            index,
            tar,
        }
    }

    pub fn with_archive(index: &'a [u8], tar: &'a [u8]) -> Self {
        let superblock = superblock(index);
        assert_eq!(superblock.index_offset, 0);
        Self {
            superblock,
            index,
            tar,
        }
    }

    /// Lists the files; every name is also looked up.
    pub fn files(&self) -> Value {
        let mut files = Map::new();
        files.insert(".".into(), self.describe(layout::ROOT_INO));
        let mut to_do = vec![(layout::ROOT_INO, String::new())];
        while let Some((ino, path)) = to_do.pop() {
            let inode = self.inode(ino);
            let Kind::Directory(directory) = inode.kind else {
                panic!("{path:?} is no directory");
            };
            for entry in self.entries(&directory) {
                assert_eq!(self.find(&directory, entry.name), Some(entry));
                let name: String = entry.name.iter().map(|&byte| char::from(byte)).collect();
                let child = self.inode(entry.ino);
                assert_eq!(entry.file_type, d_type(child.mode), "{path:?} {name:?}");
                if matches!(child.kind, Kind::Directory(_)) {
                    to_do.push((entry.ino, format!("{path}{name}/")));
                }
                files.insert(format!("{path}{name}"), self.describe(entry.ino));
            }
            assert_eq!(self.find(&directory, b"no such name"), None);
        }
        files.into()
    }

    pub fn inode(&self, ino: u32) -> Inode {
        let sb = &self.superblock;
        let (block, offset) = self.block(sb.inode_position(ino).unwrap());
        match InodeRecord::decode(ino, block, offset, sb).unwrap() {
            Record::Complete(inode) => inode,
            Record::Wide { mode, index } => {
                let (block, offset) = self.block(sb.wide_position(index).unwrap());
                InodeRecord::decode_wide(ino, mode, block, offset, sb).unwrap()
            }
        }
    }

    fn entries(&self, directory: &Directory) -> Vec<Entry<'a>> {
        let leaves = (0..directory.leaves).map(|number| self.leaf(directory, number));
        leaves
            .flat_map(|leaf| (0..leaf.len()).map(move |index| leaf.entry(index).unwrap()))
            .collect()
    }

    fn find(&self, directory: &Directory, name: &[u8]) -> Option<Entry<'a>> {
        let hash = name_hash(self.superblock.hash_seed, name);
        if directory.leaves == 0 {
            return None;
        }
        let leaf = self.leaf(directory, leaf_of(hash, directory.leaves));
        leaf.find(hash, name).unwrap()
    }

    fn leaf(&self, directory: &Directory, number: u32) -> Leaf<'a> {
        let position = self.superblock.leaf_position(directory, number).unwrap();
        let (block, offset) = self.block(position);
        Leaf::decode(block, offset, directory, &self.superblock).unwrap()
    }

    fn block(&self, position: Position) -> (&'a [u8], usize) {
        let start = position.block as usize * BLOCK_SIZE;
        let block = &self.index[start..start + PAYLOAD_SIZE];
        (block, position.offset)
    }

    /// Lists a sparse file's extents.
    pub fn extents(&self, ino: u32, sparse: &Sparse) -> Vec<SparseExtent> {
        let sb = &self.superblock;
        let extent = |index| {
            let (block, offset) = self.block(sb.extent_position(sparse, index).unwrap());
            SparseExtent::decode(ino, sparse, block, offset, sb).unwrap()
        };
        let extents: Vec<_> = (0..sparse.extents).map(extent).collect();
        for pair in extents.windows(2) {
            assert!(pair[1].follows(&pair[0]), "inode {ino}: {pair:?}");
        }
        extents
    }

    /// Lists a set; every name is also looked up.
    fn xattrs(&self, xattrs: &Xattrs) -> Value {
        let sb = &self.superblock;
        let (block, offset) = self.block(sb.xattr_position(xattrs).unwrap());
        let set = XattrSet::decode(block, offset, sb).unwrap();
        let mut list = Map::new();
        for index in 0..set.len() {
            let entry = set.entry(index).unwrap();
            assert_eq!(set.find(entry.namespace, entry.name), Ok(Some(entry)));
            let mut value = Vec::new();
            while let Some((position, length)) = sb.xattr_value(&entry, value.len() as u32).unwrap()
            {
                let (block, offset) = self.block(position);
                value.extend_from_slice(&block[offset..offset + length]);
            }
            let name: String = entry.name.iter().map(|&byte| char::from(byte)).collect();
            list.insert(
                format!("{}{name}", entry.namespace.prefix()),
                hex(&value).into(),
            );
        }
        list.into()
    }

    fn describe(&self, ino: u32) -> Value {
        let inode = self.inode(ino);
        let mut record = json!({
            "ino": ino,
            "mode": inode.mode & 0o7777,
            "nlink": inode.nlink,
            "uid": inode.uid,
            "gid": inode.gid,
            "mtime": [inode.mtime_sec, inode.mtime_nsec],
            "header": inode.header,
            "size": 0,
            "data": 0,
            "sha256": null,
            "extents": null,
            "target": null,
            "device": [0, 0],
            "xattrs": inode.xattrs.map_or(json!({}), |xattrs| self.xattrs(&xattrs)),
        });
        let file_type = match inode.kind {
            Kind::Regular(extent) => {
                let start = extent.sector as usize * 512;
                let contents = &self.tar[start..start + extent.size as usize];
                record["size"] = extent.size.into();
                record["data"] = extent.sector.into();
                record["sha256"] = hex(&Sha256::digest(contents)).into();
                "regular"
            }
            Kind::Sparse(sparse) => {
                let extents = self.extents(ino, &sparse);
                let mut contents = vec![0; sparse.size as usize];
                for extent in &extents {
                    let start = extent.position as usize;
                    let data = &self.tar[start..start + extent.length as usize];
                    contents[extent.logical as usize..][..data.len()].copy_from_slice(data);
                }
                record["size"] = sparse.size.into();
                record["sha256"] = hex(&Sha256::digest(contents)).into();
                let list = extents.iter();
                let list =
                    list.map(|extent| json!([extent.logical, extent.length, extent.position]));
                record["extents"] = list.collect();
                "regular"
            }
            Kind::Directory(_) => "directory",
            Kind::Symlink(symlink) => {
                let mut target = Vec::new();
                let piece = |read| self.superblock.target_piece(&symlink, read).unwrap();
                while let Some((position, length)) = piece(target.len() as u16) {
                    let (block, offset) = self.block(position);
                    target.extend_from_slice(&block[offset..offset + length]);
                }
                symlink.check_target(&target).unwrap();
                let target: String = target.iter().map(|&byte| char::from(byte)).collect();
                record["target"] = target.into();
                "symlink"
            }
            Kind::CharDevice { major, minor } => {
                record["device"] = json!([major, minor]);
                "char"
            }
            Kind::BlockDevice { major, minor } => {
                record["device"] = json!([major, minor]);
                "block"
            }
            Kind::Fifo => "fifo",
            Kind::Socket => "socket",
        };
        record["type"] = file_type.into();
        record
    }
}

/// The superblock of an image or index, at whose end it is.
pub fn superblock(bytes: &[u8]) -> Superblock {
    let block = bytes.last_chunk().unwrap();
    Superblock::decode(block, crc32, bytes.len() as u64).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
