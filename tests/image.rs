// SPDX-License-Identifier: GPL-2.0
//! Looking into tarfs images, and damaging them on purpose.
//!
//! Written from `Documentation/format.rst` with plain byte offsets, not with the layout crate,
//! so that the two check each other.

use std::ops::Range;

const BLOCK: usize = 4096;
const PAYLOAD: usize = 4092;
const INODES_PER_BLOCK: usize = 127;

/// The regions of an index that tests reach into, by their numbers in the format.
#[derive(Clone, Copy)]
pub enum Region {
    Inodes = 0,
    Leaves = 2,
    Heap = 3,
}

/// An image in memory. Its parts panic where it is not one: these are tests.
#[derive(Clone)]
pub struct Image(pub Vec<u8>);

impl Image {
    /// Position of the superblock.
    pub fn superblock(&self) -> usize {
        self.0.len() - BLOCK
    }

    /// The 16-bit number at `position`.
    pub fn u16(&self, position: usize) -> u16 {
        u16::from_le_bytes(self.array(position))
    }

    /// The 32-bit number at `position`.
    pub fn u32(&self, position: usize) -> u32 {
        u32::from_le_bytes(self.array(position))
    }

    /// The 64-bit number at `position`.
    pub fn u64(&self, position: usize) -> u64 {
        u64::from_le_bytes(self.array(position))
    }

    /// Writes `bytes` at `position`.
    pub fn put(&mut self, position: usize, bytes: &[u8]) {
        self.0[position..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Position of the index.
    pub fn index(&self) -> usize {
        self.u64(self.superblock() + 120) as usize
    }

    /// Position of a region's first byte.
    pub fn region(&self, region: Region) -> usize {
        let descriptor = self.superblock() + 192 + 16 * region as usize;
        self.index() + self.u32(descriptor) as usize * BLOCK
    }

    /// Position of an inode's record.
    pub fn inode(&self, ino: u32) -> usize {
        let record = ino as usize - 1;
        let block = record / INODES_PER_BLOCK;
        self.region(Region::Inodes) + BLOCK * block + 32 * (record % INODES_PER_BLOCK)
    }

    /// Inode number of a path below the root, such as `dir/file`.
    pub fn ino(&self, path: &str) -> u32 {
        path.split('/').fold(1, |directory, name| {
            self.u32(self.entry(directory, name) + 4)
        })
    }

    /// Position of the directory entry of `name` in directory number `ino`.
    pub fn entry(&self, ino: u32, name: &str) -> usize {
        self.leaves(ino)
            .find_map(|leaf| {
                let entries = self.u16(leaf) as usize;
                (0..entries).map(|i| leaf + 4 + 12 * i).find(|&entry| {
                    let name_at = leaf + self.u16(entry + 8) as usize;
                    &self.0[name_at..][..self.0[entry + 10] as usize] == name.as_bytes()
                })
            })
            .unwrap_or_else(|| panic!("no {name} in directory {ino}"))
    }

    /// Position of the first leaf of directory number `ino`.
    pub fn leaf(&self, ino: u32) -> usize {
        self.leaves(ino).next().expect("the directory has a leaf")
    }

    fn leaves(&self, ino: u32) -> impl Iterator<Item = usize> + '_ {
        let record = self.inode(ino);
        assert_eq!(self.u32(record + 28), 0, "not a wide inode");
        let position = 4 * self.u32(record + 16) as usize;
        let first = self.region(Region::Leaves) + position / PAYLOAD * BLOCK + position % PAYLOAD;
        (0..self.u32(record + 12) as usize).map(move |leaf| first + leaf * BLOCK)
    }

    /// Makes all sums right again, the superblock's last.
    pub fn repair(&mut self) {
        self.repair_index(self.index());
    }

    /// As [`Image::repair`], of an image whose index begins at `index`, whatever it says.
    pub fn repair_index(&mut self, index: usize) {
        for block in (index..self.superblock()).step_by(BLOCK) {
            let sum = self.crc(block..block + PAYLOAD);
            self.put(block + PAYLOAD, &sum);
        }
        self.repair_superblock();
    }

    /// Makes the superblock's sum right again.
    pub fn repair_superblock(&mut self) {
        let superblock = self.superblock();
        self.put(superblock + 12, &[0; 4]);
        let sum = self.crc(superblock..superblock + BLOCK);
        self.put(superblock + 12, &sum);
    }

    fn crc(&self, range: Range<usize>) -> [u8; 4] {
        crc32fast::hash(&self.0[range]).to_le_bytes()
    }

    fn array<const N: usize>(&self, position: usize) -> [u8; N] {
        self.0[position..][..N].try_into().expect("N bytes")
    }
}
