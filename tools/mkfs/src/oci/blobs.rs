// SPDX-License-Identifier: GPL-2.0

//! The files of an image layout, in a directory or in an archive of one.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::documents::Descriptor;
use crate::digest::Digest;
use crate::interrupt::Interrupt;
use crate::layer_files::LayerFile;
use crate::options::ReadOptions;
use crate::spool::Spooled;
use crate::tar::{Reader, Type};
use crate::{Error, Source};

/// Longest document, in bytes: what registries take. It is held in memory.
const DOCUMENT_MAX: u64 = 4 << 20;

/// The files of an image layout.
pub(super) enum Blobs {
    /// Those of a directory.
    Directory(PathBuf),
    /// Those of an archive: their bytes, by name.
    Archive(Source, HashMap<Vec<u8>, Range<u64>>),
}

impl Blobs {
    /// Opens a layout.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; those of reading an archive.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            return Ok(Self::Directory(path.into()));
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        let source = Source::new(path, file)?;
        let mut files = HashMap::new();
        let mut reader = Reader::new(&source, source.length(), ReadOptions::default());
        while let Some(entry) = reader.next_entry()? {
            if entry.entry_type == Type::Regular && entry.sparse.is_none() {
                let name = entry.name.strip_prefix(b"./").unwrap_or(entry.name);
                let end = entry.data_offset.saturating_add(entry.size);
                files.insert(name.to_vec(), entry.data_offset..end);
            }
        }
        Ok(Self::Archive(source, files))
    }

    /// The layout's own path.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Directory(path) => path,
            Self::Archive(source, _) => source.path(),
        }
    }

    /// Reads and parses the document in the file `name`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Layout`] where it is missing or damaged.
    pub(super) fn document<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        self.parse(name, &self.read(name)?)
    }

    /// Reads and parses the document that a descriptor is for, and compares it with that.
    ///
    /// # Errors
    ///
    /// As for [`Blobs::document`].
    pub(super) fn described<T: DeserializeOwned>(&self, what: &Descriptor) -> Result<T, Error> {
        let name = blob_name(&what.digest);
        let bytes = self.read(&name)?;
        // CAST: `usize` is at most 64 bits wide.
        if bytes.len() as u64 != what.size || Digest::of_bytes(&bytes) != what.digest {
            return Err(self.broken(
                &name,
                "has not the size and digest that its name and the document that refers to it say",
            ));
        }
        self.parse(&name, &bytes)
    }

    /// Takes the blob of a layer, whose archive has the digest `archive`. From an archive, it is
    /// first written to a file beside the one at `index` that vanishes again.
    ///
    /// # Errors
    ///
    /// As for [`Blobs::document`]; [`Error::NoSpace`], [`Error::Interrupted`].
    pub(super) fn layer(
        &self,
        what: &Descriptor,
        archive: Digest,
        index: &Path,
        interrupt: &Interrupt,
    ) -> Result<LayerFile, Error> {
        let name = blob_name(&what.digest);
        let file = match self {
            Self::Directory(path) => LayerFile::at(path.join(name)),
            Self::Archive(source, files) => {
                let range = files.get(name.as_bytes()).cloned();
                let range = range.ok_or_else(|| self.broken(&name, "is missing"))?;
                let extracted = Spooled::part(source, range, index, interrupt)?;
                LayerFile::extracted(source.path().join(name), extracted)
            }
        };
        Ok(file.expecting(what.digest, archive))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let opened;
        let (source, range) = match self {
            Self::Directory(path) => {
                let path = path.join(name);
                let file = File::open(&path).map_err(Error::io("open", &path))?;
                opened = Source::new(&path, file)?;
                (&opened, 0..opened.length())
            }
            Self::Archive(source, files) => {
                let range = files.get(name.as_bytes()).cloned();
                (
                    source,
                    range.ok_or_else(|| self.broken(name, "is missing"))?,
                )
            }
        };
        let length = range.end.saturating_sub(range.start);
        if length > DOCUMENT_MAX {
            return Err(self.broken(name, "has more than 4 MiB, which no document has"));
        }
        // CAST: at most DOCUMENT_MAX.
        let mut bytes = vec![0; length as usize];
        source.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    fn parse<T: DeserializeOwned>(&self, name: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| self.broken(name, &error.to_string()))
    }

    /// The error for a file of the layout.
    pub(super) fn broken(&self, name: &str, reason: &str) -> Error {
        Error::Layout {
            path: self.path().into(),
            reason: format!("{name}: {reason}"),
        }
    }
}

/// The name of the file with the blob of this digest.
fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.digits())
}
