// SPDX-License-Identifier: GPL-2.0

//! Proving, entry by entry and without a tree, that an index says what its archive does.
//!
//! Each entry's name is looked up in the index when the entry is read. The index is the archive's
//! where all of this holds: each entry finds its name, which no entry before it had, and the inode
//! that it makes, which none before it made; each name of the index is that of an entry, or of a
//! directory that one implies; and in each directory, names come with the next of its inodes'
//! numbers. There are archives of which that cannot be said although the index is right, such as
//! those that replace files: [`super::comparison`] is for them, and for what is wrong.

use layout::{Inode, Kind, ROOT_INO};

use super::paths::Paths;
use super::usage::Usage;
use crate::archives::Archives;
use crate::index_reader::IndexReader;
use crate::options::{ReadOptions, Whiteouts as Choice};
use crate::path;
use crate::progress::Progress;
use crate::tar::{Entry, Reader, Rule, Type, Xattr};
use crate::tree::{file_type, Node};
use crate::whiteouts::Whiteouts;
use crate::{Error, PAYLOAD, SECTOR};

/// Entries read between two reports of progress.
const ENTRIES_A_REPORT: u64 = 4096;

/// Why a proof ends.
enum Stop {
    Unproven,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Index { .. } | Error::Archive { .. } | Error::NotTar { .. } => Self::Unproven,
            error => Self::Failed(error),
        }
    }
}

impl From<Rule> for Stop {
    fn from(_: Rule) -> Self {
        Self::Unproven
    }
}

/// What entries have been read of.
struct Proof<'a> {
    index: &'a IndexReader,
    paths: &'a Paths,
    /// The names of the index that an entry has had or implied, by a byte of each in its leaf.
    named: Usage,
    name_count: u64,
    /// Inodes that an entry made, and those that were named where their number comes from.
    made: Usage,
    numbered: Usage,
    /// The directory part of the last name, and the directory: the next name's is mostly the same.
    last_directory: Option<(Vec<u8>, u32)>,
}

/// Tries to prove that a good index, whose names are in `paths`, says what the archive does. Returns
/// the byte after the archive's last entry; `None` where it cannot be proved.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Changed`].
pub fn prove(
    index: &IndexReader,
    paths: &Paths,
    archives: &Archives,
    options: ReadOptions,
    progress: &mut Progress,
) -> Result<Option<u64>, Error> {
    let sb = index.superblock();
    let inodes = u64::from(sb.inode_count()).saturating_add(1);
    let Some(archive) = archives.only() else {
        return Ok(None);
    };
    let mut proof = Proof {
        index,
        paths,
        named: Usage::new(&sb.leaves),
        name_count: 0,
        made: Usage::of(inodes),
        numbered: Usage::of(inodes),
        last_directory: None,
    };
    let mut reader = Reader::new(&archive.source, archive.length, options);
    match proof.read(&mut reader, options.whiteouts, progress) {
        Ok(()) => Ok(Some(reader.position())),
        Err(Stop::Unproven) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl Proof<'_> {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        choice: Choice,
        progress: &mut Progress,
    ) -> Result<(), Stop> {
        holds(choice != Choice::Overlay)?;
        self.numbered.mark(ROOT_INO.into(), 1);
        let mut whiteouts = Whiteouts::new(choice);
        let mut entries: u64 = 0;
        while let Some(entry) = reader.next_entry()? {
            if !whiteouts.take(&entry)? {
                self.add(&entry)?;
            }
            entries = entries.saturating_add(1);
            if entries % ENTRIES_A_REPORT == 0 {
                let position = reader.position();
                progress.report("compared", position, self.index.superblock().tar_length);
            }
        }
        holds(entries > 0 && self.name_count == self.paths.name_count())?;
        self.check_implied()
    }

    fn add(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        path::check(entry.name)?;
        let is_directory = entry.entry_type == Type::Directory;
        let (ino, is_new) = match path::split(entry.name)? {
            Some(split) => {
                let directory = self.directory(split.directory)?;
                self.name(directory, split.last)?
            }
            None => (self.walk(entry.name)?, false),
        };
        // A directory may have been implied before.
        holds(is_new || is_directory)?;
        let inode = self.index.inode(ino)?;
        if entry.entry_type == Type::HardLink {
            path::check(entry.target)?;
            holds(self.known(entry.target)? == ino)?;
            return holds(!matches!(inode.kind, Kind::Directory(_)));
        }
        holds(self.made.mark(ino.into(), 1))?;
        self.check_inode(ino, &inode, entry)
    }

    /// Checks what an entry says about its file.
    fn check_inode(&self, ino: u32, inode: &Inode, entry: &Entry<'_>) -> Result<(), Stop> {
        holds(
            inode.mode == file_type(entry.entry_type) | entry.permissions
                && (inode.uid, inode.gid) == (entry.uid, entry.gid)
                && (inode.mtime_sec, inode.mtime_nsec) == entry.mtime
                && inode.header == Some(entry.offset / SECTOR),
        )?;
        match &inode.kind {
            Kind::Regular(extent) => {
                let data = match &entry.sparse {
                    None => Some((entry.size, entry.data_offset)),
                    Some(sparse) => sparse.in_one_piece(),
                };
                let (size, position) = data.ok_or(Stop::Unproven)?;
                let sector = if size == 0 { 0 } else { position / SECTOR };
                holds((extent.size, extent.sector) == (size, sector))?;
            }
            Kind::Sparse(found) => {
                let sparse = entry.sparse.as_ref().ok_or(Stop::Unproven)?;
                holds(sparse.in_one_piece().is_none() && found.size == sparse.size)?;
                // CAST: `usize` has at least 32 bits here.
                holds(found.extents as usize == sparse.extents.len())?;
                for (found, extent) in self.index.extents(ino, found).zip(&sparse.extents) {
                    holds(found? == *extent)?;
                }
            }
            Kind::Symlink(symlink) => holds(self.index.target(symlink)? == entry.target)?,
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                holds((*major, *minor) == entry.device)?;
            }
            // Nothing more; the mode has the type.
            Kind::Directory(_) | Kind::Fifo | Kind::Socket => {}
        }
        self.check_xattrs(inode, &entry.xattrs)
    }

    fn check_xattrs(&self, inode: &Inode, expected: &[Xattr]) -> Result<(), Stop> {
        let Some(xattrs) = &inode.xattrs else {
            return holds(expected.is_empty());
        };
        let is_same = self.index.with_xattr_set(xattrs, |set| {
            let mut is_same = set.len() == expected.len();
            for (number, expected) in expected.iter().enumerate() {
                let Some(Ok(entry)) = is_same.then(|| set.entry(number)) else {
                    return Ok(false);
                };
                // Any number of inodes may have one long value; it is read where the archive has
                // one as long.
                is_same = (entry.namespace, entry.name) == (expected.namespace, &*expected.name)
                    && entry.value_length as usize == expected.value.len()
                    && self.index.xattr_value(&entry)? == expected.value;
            }
            Ok(is_same)
        })?;
        holds(is_same)
    }

    /// Checks the directories that no entry lists: all inodes that none made.
    fn check_implied(&self) -> Result<(), Stop> {
        let implied = Node::implied();
        for ino in ROOT_INO..=self.index.superblock().inode_count() {
            if self.made.is_marked(ino.into()) {
                continue;
            }
            let inode = self.index.inode(ino)?;
            holds(
                inode.mode == implied.mode
                    && (inode.uid, inode.gid) == (implied.uid, implied.gid)
                    && (inode.mtime_sec, inode.mtime_nsec)
                        == (implied.mtime_sec, implied.mtime_nsec)
                    && inode.header.is_none()
                    && inode.xattrs.is_none(),
            )?;
        }
        Ok(())
    }

    /// Returns the directory of this name.
    fn directory(&mut self, name: &[u8]) -> Result<u32, Stop> {
        if let Some((last, directory)) = &self.last_directory {
            if last == name {
                return Ok(*directory);
            }
        }
        let directory = self.walk(name)?;
        self.last_directory = Some((name.to_vec(), directory));
        Ok(directory)
    }

    /// Goes from directory to directory; those that were not named before are now.
    fn walk(&mut self, name: &[u8]) -> Result<u32, Stop> {
        let mut directory = ROOT_INO;
        for component in path::components(name) {
            (directory, _) = self.name(directory, component?)?;
        }
        let kind = self.index.inode(directory)?.kind;
        holds(matches!(kind, Kind::Directory(_)))?;
        Ok(directory)
    }

    /// Returns the inode of a name in a directory, and whether it was not named before. Where its
    /// number comes from this directory, those of the directory before it must have been.
    fn name(&mut self, directory: u32, name: &[u8]) -> Result<(u32, bool), Stop> {
        let (ino, place) = self.locate(directory, name)?;
        let is_new = self.named.mark(place, 1);
        if is_new {
            self.name_count = self.name_count.saturating_add(1);
        }
        if self.paths.parent(ino) == Some(directory) && self.numbered.mark(ino.into(), 1) {
            let before = ino.saturating_sub(1);
            let is_first = self.paths.parent(before) != Some(directory);
            holds(is_first || self.numbered.is_marked(before.into()))?;
        }
        Ok((ino, is_new))
    }

    /// Returns the inode of this name, which an entry has had.
    fn known(&self, name: &[u8]) -> Result<u32, Stop> {
        let mut ino = ROOT_INO;
        for component in path::components(name) {
            let (found, place) = self.locate(ino, component?)?;
            holds(self.named.is_marked(place))?;
            ino = found;
        }
        Ok(ino)
    }

    /// Finds a name in a directory: its inode, and a byte of its leaf that stands for it.
    fn locate(&self, directory: u32, name: &[u8]) -> Result<(u32, u64), Stop> {
        let Kind::Directory(directory) = self.index.inode(directory)?.kind else {
            return Err(Stop::Unproven);
        };
        let found = self.index.locate(&directory, name)?;
        let found = found.ok_or(Stop::Unproven)?;
        let leaf = u64::from(found.leaf).saturating_mul(PAYLOAD);
        // CAST: a leaf has a few hundred entries, each of more than a byte.
        let place = directory.first.saturating_add(leaf);
        Ok((found.ino, place.saturating_add(found.entry as u64)))
    }
}

/// Ends a proof where something does not hold.
fn holds(condition: bool) -> Result<(), Stop> {
    condition.then_some(()).ok_or(Stop::Unproven)
}
