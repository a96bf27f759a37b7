// SPDX-License-Identifier: GPL-2.0

//! Which directory names each inode, and from that, names for messages.

use layout::{Directory, Kind, ROOT_INO};

use crate::index_reader::IndexReader;

/// Longest path to return, in directories; a good index has no longer ones.
const DEPTH_MAX: usize = 4096;

/// The directories that name the inodes.
pub struct Paths {
    /// By inode, counted from 0; 0 where no directory names it.
    parents: Vec<u32>,
    /// Likewise: the number of a directory's entries.
    entries: Vec<u32>,
}

impl Paths {
    /// Starts with `inodes` inodes, none of which but the root has a name.
    pub fn new(inodes: u32) -> Self {
        // CAST: `usize` has at least 32 bits here.
        let mut paths = Self {
            parents: vec![0; inodes as usize],
            entries: vec![0; inodes as usize],
        };
        paths.add(ROOT_INO, ROOT_INO);
        paths
    }

    /// Says that a directory names an inode.
    pub fn add(&mut self, ino: u32, directory: u32) {
        if let Some(parent) = self.parents.get_mut(place(ino)) {
            *parent = directory;
        }
    }

    /// Counts an entry of a directory.
    pub fn count_entry(&mut self, directory: u32) {
        if let Some(entries) = self.entries.get_mut(place(directory)) {
            *entries = entries.saturating_add(1);
        }
    }

    /// Number of a directory's entries.
    pub fn entry_count(&self, directory: u32) -> u32 {
        let entries = self.entries.get(place(directory));
        entries.copied().unwrap_or(0)
    }

    /// Number of all directories' entries.
    pub fn name_count(&self) -> u64 {
        self.entries.iter().map(|&count| u64::from(count)).sum()
    }

    /// The directory that names an inode, if one does; the root's is its own.
    pub fn parent(&self, ino: u32) -> Option<u32> {
        let parent = self.parents.get(place(ino)).copied();
        parent.filter(|&parent| parent != 0)
    }

    /// Finds a name of an inode, from directory to directory; the root's is empty.
    pub fn find(&self, index: &IndexReader, ino: u32) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = ino;
        while at != ROOT_INO && names.len() < DEPTH_MAX {
            let parent = self.parent(at)?;
            let Kind::Directory(directory) = index.inode(parent).ok()?.kind else {
                return None;
            };
            names.push(name_of(index, &directory, at)?);
            at = parent;
        }
        names.reverse();
        Some(names.join(&b"/"[..]))
    }
}

/// Returns the name that a directory has for an inode.
fn name_of(index: &IndexReader, directory: &Directory, ino: u32) -> Option<Vec<u8>> {
    (0..directory.leaves).find_map(|number| {
        let found = index.with_leaf(directory, number, |leaf| {
            let mut entries = (0..leaf.len()).filter_map(|place| leaf.entry(place).ok());
            let entry = entries.find(|entry| entry.ino == ino);
            Ok(entry.map(|entry| entry.name.to_vec()))
        });
        found.ok().flatten()
    })
}

/// The place of an inode among those counted from 0.
pub fn place(ino: u32) -> usize {
    // CAST: `usize` has at least 32 bits here.
    ino.saturating_sub(ROOT_INO) as usize
}
