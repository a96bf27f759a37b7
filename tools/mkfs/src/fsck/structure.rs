// SPDX-License-Identifier: GPL-2.0

//! The index by itself: each record, and what no single record shows.

use layout::{
    d_type, leaf_of, name_hash, Directory, Entry, Inode, Kind, Leaf, RegionKind, XattrSet,
    PAYLOAD_SIZE, ROOT_INO,
};

use super::paths::{place, Paths};
use super::report::Report;
use super::usage::{check_tails, Usage};
use crate::index_reader::IndexReader;
use crate::message;
use crate::progress::Progress;
use crate::tar::Acl;
use crate::{Error, BLOCK, PAYLOAD};

/// Directories read between two reports of progress.
const DIRECTORIES_A_REPORT: u32 = 64;

/// A walk through all directories, in the order of their numbers.
struct Structure<'a> {
    index: &'a IndexReader,
    report: &'a mut Report,
    paths: Paths,
    /// By inode, counted from 0: the number of its names, or of a directory's subdirectories.
    links: Vec<u32>,
    /// The number that the next new inode should have, until one has not.
    next: Option<u32>,
    wide: u64,
    leaves: Usage,
    heap: Usage,
    xattrs: Usage,
    /// Sets of extended attributes that were checked, by their first bytes.
    xattr_sets: Usage,
    extents: Usage,
    extent_count: u64,
}

/// What is checked from entry to entry of a directory.
struct Walked {
    ino: u32,
    directory: Directory,
    /// Hash and name of the last entry.
    last: Option<(u32, Vec<u8>)>,
    /// Inodes that no directory named before.
    new: Vec<u32>,
    subdirectories: Vec<u32>,
}

/// Checks everything that the index says without its archive. Blocks with wrong checksums were
/// reported before. Returns the inodes' names.
///
/// # Errors
///
/// [`Error::Io`].
pub fn check(
    index: &IndexReader,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<Paths, Error> {
    let superblock = index.superblock();
    let inodes = superblock.inode_count();
    let mut structure = Structure {
        index,
        report,
        paths: Paths::new(inodes),
        // CAST: `usize` has at least 32 bits here.
        links: vec![0; inodes as usize],
        next: Some(ROOT_INO.saturating_add(1)),
        wide: 0,
        leaves: Usage::new(&superblock.leaves),
        heap: Usage::new(&superblock.heap),
        xattrs: Usage::new(&superblock.xattrs),
        xattr_sets: Usage::new(&superblock.xattrs),
        extents: Usage::new(&superblock.extents),
        extent_count: 0,
    };
    structure.walk(progress)?;
    structure.check_links(progress)?;
    structure.check_regions()?;
    Ok(structure.paths)
}

impl Structure<'_> {
    fn walk(&mut self, progress: &mut Progress) -> Result<(), Error> {
        let mut to_read = vec![ROOT_INO];
        self.check_inode(ROOT_INO)?;
        let mut read: u32 = 0;
        while let Some(ino) = to_read.pop() {
            let Some(Kind::Directory(directory)) = self.inode(ino)?.map(|inode| inode.kind) else {
                continue;
            };
            let mut walked = Walked {
                ino,
                directory,
                last: None,
                new: Vec::new(),
                subdirectories: Vec::new(),
            };
            for number in 0..directory.leaves {
                if !self.read_leaf(&mut walked, number)? {
                    break;
                }
            }
            self.check_numbers(&mut walked);
            walked.subdirectories.sort_unstable_by(|a, b| b.cmp(a));
            to_read.extend(walked.subdirectories);
            read = read.saturating_add(1);
            if read % DIRECTORIES_A_REPORT == 0 {
                let blocks = self.index.superblock().index_blocks;
                let position = self.index.superblock().inode_position(ino);
                let done = position.map_or(0, |position| u64::from(position.block));
                progress.report(
                    "checked",
                    done.saturating_mul(BLOCK),
                    blocks.saturating_mul(BLOCK),
                );
            }
        }
        Ok(())
    }

    /// Reads a leaf. Returns whether it is this directory's own: each is read once, whatever the
    /// directories say, for they may have as many leaves in all as there are inodes and blocks.
    fn read_leaf(&mut self, walked: &mut Walked, number: u32) -> Result<bool, Error> {
        let index = self.index;
        let directory = walked.directory;
        let position = index.superblock().leaf_position(&directory, number);
        let place = u64::from(number).saturating_mul(PAYLOAD);
        let place = place.saturating_add(directory.first);
        if !self.leaves.mark(place, 1) {
            let rule = "another leaf has the same bytes of the index";
            self.say(walked.ino, format!("leaf {number}: {rule}"));
            return Ok(false);
        }
        let place = place.saturating_add(1);
        let result = index.with_leaf(&directory, number, |leaf| {
            let mut entries = Vec::with_capacity(leaf.len());
            for place in 0..leaf.len() {
                match leaf.entry(place) {
                    Ok(entry) => entries.push(entry),
                    Err(error) => self.say(walked.ino, format!("leaf {number}: {error}")),
                }
            }
            if let (Ok(position), true) = (position, entries.len() == leaf.len()) {
                self.check_form(walked, (number, place), position, &entries)?;
            }
            for entry in entries {
                self.read_entry(walked, number, &entry)?;
            }
            Ok(())
        });
        self.found(walked.ino, result).map(|_| true)
    }

    /// Checks that a leaf is what its entries make, and that no other leaf has its bytes.
    fn check_form(
        &mut self,
        walked: &Walked,
        (number, place): (u32, u64),
        position: layout::Position,
        entries: &[Entry<'_>],
    ) -> Result<(), Error> {
        let mut bytes = [0; PAYLOAD_SIZE];
        let used = Leaf::encode(&mut bytes, entries.iter().copied()).unwrap_or(0);
        let block = self.index.block(position.block)?;
        let found = block.get(position.offset..).unwrap_or_default();
        if bytes.get(..used) != found.get(..used) || used == 0 {
            let rule = "its length, or the places of its names, are not what its entries need";
            self.say(walked.ino, format!("leaf {number}: {rule}"));
        }
        // CAST: at most a block. The first byte is marked.
        if !self.leaves.mark(place, (used as u64).saturating_sub(1)) {
            let rule = "another leaf has the same bytes of the index";
            self.say(walked.ino, format!("leaf {number}: {rule}"));
        }
        Ok(())
    }

    fn read_entry(
        &mut self,
        walked: &mut Walked,
        number: u32,
        entry: &Entry<'_>,
    ) -> Result<(), Error> {
        let name = message::quoted(entry.name);
        let hash = name_hash(self.index.superblock().hash_seed, entry.name);
        let leaf = leaf_of(hash, walked.directory.leaves);
        if entry.hash != hash {
            let rule = format!("hash is {:#010x}, its name has {hash:#010x}", entry.hash);
            self.say(walked.ino, format!("entry {name}: {rule}"));
        } else if leaf != number {
            let rule = format!("it is in leaf {number}, its name belongs into leaf {leaf}");
            self.say(walked.ino, format!("entry {name}: {rule}"));
        }
        let last = walked.last.replace((entry.hash, entry.name.to_vec()));
        if last.is_some_and(|(hash, name)| (hash, name.as_slice()) >= (entry.hash, entry.name)) {
            let rule = "is not after the entry before it, or is there twice";
            self.say(walked.ino, format!("entry {name}: {rule}"));
        }
        self.paths.count_entry(walked.ino);
        let is_new = self.paths.parent(entry.ino).is_none();
        if is_new {
            self.paths.add(entry.ino, walked.ino);
            walked.new.push(entry.ino);
            self.check_inode(entry.ino)?;
        }
        let Some(inode) = self.inode(entry.ino)? else {
            return Ok(());
        };
        if entry.file_type != d_type(inode.mode) {
            let rule = format!(
                "type is {}, its inode's is {}",
                entry.file_type,
                d_type(inode.mode)
            );
            self.say(walked.ino, format!("entry {name}: {rule}"));
        }
        let Kind::Directory(directory) = inode.kind else {
            self.add_link(entry.ino);
            return Ok(());
        };
        self.add_link(walked.ino);
        if !is_new {
            let rule = "names a directory that has a name already";
            self.say(walked.ino, format!("entry {name}: {rule}"));
            return Ok(());
        }
        if directory.parent != walked.ino {
            self.say(
                entry.ino,
                layout::Error::OtherParent {
                    ino: entry.ino,
                    parent: directory.parent,
                    directory: walked.ino,
                },
            );
        }
        walked.subdirectories.push(entry.ino);
        Ok(())
    }

    /// Checks that the new inodes of a directory have the next numbers. All that follow from a wrong
    /// one are wrong too, and are not reported.
    fn check_numbers(&mut self, walked: &mut Walked) {
        let Some(next) = self.next else {
            return;
        };
        walked.new.sort_unstable();
        let wrong = (next..).zip(&walked.new).find(|(next, &ino)| *next != ino);
        if let Some((next, &ino)) = wrong {
            self.say(
                ino,
                format!("number is {ino}, the next one to give is {next}"),
            );
            self.next = None;
            return;
        }
        // CAST: an image has fewer than 2^32 inodes.
        self.next = Some(next.saturating_add(walked.new.len() as u32));
    }

    /// Checks what belongs to an inode alone.
    fn check_inode(&mut self, ino: u32) -> Result<(), Error> {
        let index = self.index;
        if matches!(index.wide_number(ino), Ok(Some(_))) {
            self.wide = self.wide.saturating_add(1);
        }
        let Some(inode) = self.found(ino, index.inode(ino))? else {
            return Ok(());
        };
        match inode.kind {
            Kind::Symlink(symlink) => {
                self.heap.mark(symlink.position, symlink.length.into());
                self.found(ino, index.target(&symlink))?;
            }
            Kind::Sparse(sparse) => {
                if !self.extents.mark(sparse.first, sparse.extents.into()) {
                    self.say(ino, "another file has the same extents");
                    return Ok(());
                }
                self.extent_count = self.extent_count.saturating_add(sparse.extents.into());
                for extent in index.extents(ino, &sparse) {
                    if self.found(ino, extent)?.is_none() {
                        break;
                    }
                }
            }
            _ => {}
        }
        if let Some(xattrs) = inode.xattrs {
            if self.xattr_sets.mark(xattrs.position, 1) {
                let result = index
                    .with_xattr_set(&xattrs, |set| self.check_xattrs(ino, xattrs.position, &set));
                self.found(ino, result)?;
            }
        }
        Ok(())
    }

    fn check_xattrs(&mut self, ino: u32, place: u64, set: &XattrSet<'_>) -> Result<(), Error> {
        let mut entries = Vec::with_capacity(set.len());
        for number in 0..set.len() {
            match set.entry(number) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    self.say(ino, error);
                    return Ok(());
                }
            }
        }
        let mut bytes = [0; PAYLOAD_SIZE];
        let used = XattrSet::encode(&mut bytes, entries.iter().copied()).unwrap_or(0);
        let position = self
            .index
            .superblock()
            .xattr_position(&layout::Xattrs { position: place });
        if let Ok(position) = position {
            let block = self.index.block(position.block)?;
            let found = block.get(position.offset..).unwrap_or_default();
            if bytes.get(..used) != found.get(..used) || used == 0 {
                let rule = "length, or the places of the names, are not what the entries need";
                self.say(ino, format!("set of extended attributes: its {rule}"));
            }
        }
        self.xattrs.mark(place, used as u64);
        for entry in entries {
            self.xattrs
                .mark(entry.value_position.into(), entry.value_length.into());
            // Other names are not empty.
            let is_acl = entry.name.is_empty();
            if is_acl && Acl::from_value(&self.index.xattr_value(&entry)?).is_none() {
                let name = entry.namespace.prefix();
                self.say(ino, format!("{name}: the value is no access control list"));
            }
        }
        Ok(())
    }

    /// Compares each inode's number of links with what the directories have, and looks for inodes
    /// without a name.
    fn check_links(&mut self, progress: &mut Progress) -> Result<(), Error> {
        let count = self.index.superblock().inode_count();
        for ino in ROOT_INO..=count {
            if self.paths.parent(ino).is_none() {
                self.say(ino, "no directory names it");
                self.check_inode(ino)?;
                continue;
            }
            let Some(inode) = self.inode(ino)? else {
                continue;
            };
            let names = self.links.get(place(ino)).copied().unwrap_or(0);
            let expected = match inode.kind {
                // Its name, and its own `.`.
                Kind::Directory(_) => names.saturating_add(2),
                _ => names,
            };
            if inode.nlink != expected {
                let rule = format!("number of links is {}, found {expected}", inode.nlink);
                self.say(ino, rule);
            }
            if ino % 65536 == 0 {
                progress.report("counted", ino.into(), count.into());
            }
        }
        Ok(())
    }

    /// Checks that the regions have nothing that no inode refers to.
    fn check_regions(&mut self) -> Result<(), Error> {
        let superblock = self.index.superblock();
        let unused = [
            (RegionKind::Extras, &superblock.extras, self.wide),
            (RegionKind::Extents, &superblock.extents, self.extent_count),
        ];
        for (kind, region, used) in unused {
            if region.records() != used {
                self.report.add(format!(
                    "region {}: {} records, of which the inodes refer to {used}",
                    kind.name(),
                    region.records(),
                ));
            }
        }
        let records = [
            (RegionKind::Inodes, &superblock.inodes),
            (RegionKind::Extras, &superblock.extras),
            (RegionKind::Extents, &superblock.extents),
            (RegionKind::Layers, &superblock.layers),
            (RegionKind::DataSums, &superblock.data_sums),
        ];
        for (kind, region) in records {
            check_tails(self.index, kind, region, self.report)?;
        }
        let bytes = [
            (RegionKind::Leaves, &superblock.leaves, &self.leaves),
            (RegionKind::Heap, &superblock.heap, &self.heap),
            (RegionKind::Xattrs, &superblock.xattrs, &self.xattrs),
        ];
        for (kind, region, usage) in bytes {
            usage.check_rest(self.index, kind, region, self.report)?;
        }
        let layers = self.index.layers();
        broken_rule(layers)?.map_or_else(|error| self.report.add(error), |_| ());
        Ok(())
    }

    /// Returns an inode that was checked; `None` of one that is bad.
    fn inode(&self, ino: u32) -> Result<Option<Inode>, Error> {
        Ok(broken_rule(self.index.inode(ino))?.ok())
    }

    /// Reports what an inode breaks.
    fn found<T>(&mut self, ino: u32, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match broken_rule(result)? {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.say(ino, error);
                Ok(None)
            }
        }
    }

    fn say(&mut self, ino: u32, rule: impl ToString) {
        let (index, paths) = (self.index, &self.paths);
        self.report.add_inode(ino, || paths.find(index, ino), rule);
    }

    fn add_link(&mut self, ino: u32) {
        if let Some(links) = self.links.get_mut(place(ino)) {
            *links = links.saturating_add(1);
        }
    }
}

/// Separates what an index breaks from what the system does.
pub fn broken_rule<T>(result: Result<T, Error>) -> Result<Result<T, layout::Error>, Error> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Index { error, .. }) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}
