// SPDX-License-Identifier: GPL-2.0

//! The archives behind an index, as the one space of bytes in which positions count.

use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;

use layout::Layer;

use crate::index_reader::IndexReader;
use crate::layer_files::PlainLayer;
use crate::{Error, Source, SECTOR};

/// The archives behind an index, in the order of their places.
pub struct Archives {
    archives: Vec<Archive>,
}

/// An archive, and its place in the space of all.
pub struct Archive {
    /// The file, which may have more after the archive.
    pub source: Rc<Source>,
    /// Byte of the space at which the archive starts.
    pub start: u64,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256, where it was recorded.
    pub sha256: Option<[u8; 32]>,
}

impl Archives {
    /// Opens the archives of an index: an image's is in the image itself, an index of its own takes
    /// those at `paths`. `None` where none are given to such an index.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] where there are more or fewer than the index has, or one is too short;
    /// [`Error::Index`]; [`Error::Io`].
    pub fn open(index: &IndexReader, paths: &[PathBuf]) -> Result<Option<Self>, Error> {
        let superblock = index.superblock();
        let unusable = |path: &std::path::Path, reason| Error::Unusable {
            path: path.into(),
            reason,
        };
        if superblock.index_offset != 0 {
            if let Some(path) = paths.first() {
                return Err(unusable(path, "is not needed: the image has its archive"));
            }
            let path = index.path();
            let file = index.source().file().try_clone();
            let source = Source::new(path, file.map_err(Error::io("open", path))?)?;
            let (length, sha256) = (superblock.tar_length, superblock.tar_sha256);
            return Ok(Some(Self::one(Rc::new(source), length, sha256)));
        }
        if paths.is_empty() {
            return Ok(None);
        }
        let mut layers = index.layers()?;
        if layers.is_empty() {
            let length = superblock.tar_length;
            layers = vec![Layer::after(None, length, superblock.tar_sha256)];
        }
        if layers.len() != paths.len() {
            return Err(unusable(
                index.path(),
                "is the index of more or fewer archives than were named: see dump.tarfs super",
            ));
        }
        let mut archives = Vec::new();
        for (layer, path) in layers.iter().zip(paths) {
            let file = File::open(path).map_err(Error::io("open", path))?;
            let source = Source::new(path, file)?;
            if source.length() < layer.length {
                return Err(unusable(path, "is shorter than the archive of this index"));
            }
            archives.push(Archive {
                source: Rc::new(source),
                start: layer.sector.saturating_mul(SECTOR),
                length: layer.length,
                sha256: layer.sha256,
            });
        }
        Ok(Some(Self { archives }))
    }

    /// The archive that is the first `length` bytes of a file.
    pub fn one(source: Rc<Source>, length: u64, sha256: Option<[u8; 32]>) -> Self {
        let start = 0;
        Self {
            archives: vec![Archive {
                source,
                start,
                length,
                sha256,
            }],
        }
    }

    /// Puts archives one after the other. `None` where they would end at byte 2^63 or beyond.
    pub(crate) fn joined(layers: &[PlainLayer]) -> Option<Self> {
        let mut previous = None;
        let mut archives = Vec::new();
        for plain in layers {
            let sha256 = plain.sha256.map(|digest| digest.0);
            let layer = Layer::after(previous.as_ref(), plain.length, sha256);
            i64::try_from(layer.end()).ok()?;
            archives.push(Archive {
                source: Rc::clone(&plain.source),
                start: layer.sector.saturating_mul(SECTOR),
                length: plain.length,
                sha256,
            });
            previous = Some(layer);
        }
        Some(Self { archives })
    }

    /// The archives' records in the index: none where there is one archive.
    pub fn layers(&self) -> Vec<Layer> {
        if self.only().is_some() {
            return Vec::new();
        }
        let layer = |archive: &Archive| Layer {
            sector: archive.start / SECTOR,
            length: archive.length,
            sha256: archive.sha256,
        };
        self.archives.iter().map(layer).collect()
    }

    /// Byte of the space after the last archive.
    pub fn end(&self) -> u64 {
        let last = self.archives.last();
        last.map_or(0, |last| last.start.saturating_add(last.length))
    }

    /// Goes through the archives.
    pub fn iter(&self) -> impl Iterator<Item = &Archive> {
        self.archives.iter()
    }

    /// Returns the archive, where it is the only one.
    pub fn only(&self) -> Option<&Archive> {
        match self.archives.as_slice() {
            [archive] => Some(archive),
            _ => None,
        }
    }

    /// Fills `buffer` from byte `position` of the space on. What lies past the end of an archive is
    /// zero.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Changed`] where an archive is shorter than when it was opened.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<(), Error> {
        buffer.fill(0);
        // CAST: `usize` is at most 64 bits wide.
        let end = position.saturating_add(buffer.len() as u64);
        for archive in &self.archives {
            let from = position.max(archive.start);
            let to = end.min(archive.start.saturating_add(archive.length));
            if from >= to {
                continue;
            }
            // CAST: both are within the buffer.
            let range =
                from.saturating_sub(position) as usize..to.saturating_sub(position) as usize;
            let part = buffer.get_mut(range).unwrap_or_default();
            let offset = from.saturating_sub(archive.start);
            archive.source.read_exact_at(part, offset)?;
        }
        Ok(())
    }
}
