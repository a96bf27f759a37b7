// SPDX-License-Identifier: GPL-2.0

//! The archive's file, read at positions.

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::Error;

/// An open archive or image.
pub struct Source {
    path: PathBuf,
    file: File,
    length: u64,
    is_device: bool,
    opened: Identity,
}

/// What changes when somebody writes to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    mtime: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Source {
    /// Takes an open file or block device.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Unusable`] where it is neither.
    pub fn new(path: &Path, mut file: File) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(Error::io("stat", path))?;
        let file_type = metadata.file_type();
        let is_device = file_type.is_block_device();
        if !file_type.is_file() && !is_device {
            return Err(Error::Unusable {
                path: path.into(),
                reason: "is neither a file nor a block device",
            });
        }
        // A device's metadata does not have its size.
        let length = file
            .seek(SeekFrom::End(0))
            .map_err(Error::io("seek in", path))?;
        Ok(Self {
            path: path.into(),
            file,
            length,
            is_device,
            opened: Identity::of(&metadata),
        })
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Length in bytes, as it was when the file was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether it is a block device.
    pub fn is_device(&self) -> bool {
        self.is_device
    }

    /// Reads into `buffer` from byte `offset` on, until it is full or the file ends; returns the
    /// number of bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            // CAST: `usize` is at most 64 bits wide.
            let position = offset.saturating_add(filled as u64);
            match self.file.read_at(rest, position) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path)(error)),
            }
        }
        Ok(filled)
    }

    /// Fills `buffer` from byte `offset` on.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Changed`] where the file ends before, as it did not when opened.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        if self.read_at(buffer, offset)? == buffer.len() {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    /// The error for a file that is not as it was when it was opened.
    pub fn changed(&self) -> Error {
        Error::Changed {
            path: self.path.clone(),
        }
    }

    /// Checks that nobody changed the file since it was opened.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] where somebody did; [`Error::Io`].
    pub fn check_unchanged(&self) -> Result<(), Error> {
        let metadata = self
            .file
            .metadata()
            .map_err(Error::io("stat", &self.path))?;
        if Identity::of(&metadata) != self.opened {
            return Err(self.changed());
        }
        Ok(())
    }

    /// Whether the file at `path` is this one.
    pub fn is_same_file(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| {
            metadata.dev() == self.opened.device && metadata.ino() == self.opened.inode
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Source {
        Source::new(path, File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn changes_are_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, b"contents").unwrap();
        let source = open(file.path());
        assert!(source.check_unchanged().is_ok());
        std::fs::write(&file, b"contents, longer").unwrap();
        assert!(matches!(
            source.check_unchanged(),
            Err(Error::Changed { .. })
        ));
        let source = open(file.path());
        let epoch = std::time::SystemTime::UNIX_EPOCH;
        file.as_file().set_modified(epoch).unwrap();
        assert!(matches!(
            source.check_unchanged(),
            Err(Error::Changed { .. })
        ));
    }

    #[test]
    fn reading_beyond_the_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, b"contents").unwrap();
        let source = open(file.path());
        let mut buffer = [0; 6];
        assert_eq!(source.read_at(&mut buffer, 4).unwrap(), 4);
        assert_eq!(buffer, *b"ents\0\0");
        let result = source.read_exact_at(&mut buffer, 4);
        assert!(matches!(result, Err(Error::Changed { .. })));
    }
}
