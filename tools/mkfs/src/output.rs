// SPDX-License-Identifier: GPL-2.0

//! Writing images. The superblock is written last, after everything else is on the disk: without
//! it, a file is still the archive.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use layout::Superblock;
use tempfile::NamedTempFile;

use crate::archives::Archives;
use crate::blocks::crc32;
use crate::image::Place;
use crate::index::Index;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{Error, Source, BLOCK};

/// Bytes copied between two looks for a signal.
const COPY_STEP: u64 = 1 << 26;

/// A file that is being written.
pub(crate) struct Writer<'a> {
    pub(crate) file: &'a File,
    pub(crate) path: &'a Path,
    pub(crate) interrupt: &'a Interrupt,
}

/// Appends an index to its archive, instead of what follows the archive now; returns its superblock.
/// Should that fail, the file ends with the archive.
///
/// # Errors
///
/// [`Error::Changed`] where the file is not as it was when it was read, which leaves it as it is;
/// [`Error::NoSpace`], [`Error::Interrupted`] and [`Error::Io`].
pub fn append(
    source: &Source,
    place: Place,
    index: &Index<'_>,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Superblock, Error> {
    let writer = Writer {
        file: source.file(),
        path: source.path(),
        interrupt,
    };
    source.check_unchanged()?;
    let result = writer.append(source.length(), place, index, progress);
    if result.is_err() {
        writer.set_length(place.tar_length)?;
    }
    result
}

/// Writes an image of its own: a copy of the archive, and the index.
///
/// # Errors
///
/// [`Error::Changed`], [`Error::NoSpace`], [`Error::Interrupted`] and [`Error::Io`]; in each case,
/// what was at `path` is still there.
pub fn copy(
    source: &Source,
    place: Place,
    index: &Index<'_>,
    path: &Path,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Superblock, Error> {
    let temporary = temporary_beside(path)?;
    let writer = Writer {
        file: temporary.as_file(),
        path,
        interrupt,
    };
    writer.copy_archive(source, place.tar_length, progress)?;
    source.check_unchanged()?;
    let superblock = writer.append(place.tar_length, place, index, progress)?;
    persist(temporary, path)?;
    Ok(superblock)
}

/// Writes an index of its own. Other files that were written for it go to their places, just before
/// it does.
///
/// # Errors
///
/// As for [`copy`].
pub fn index_only(
    archives: &Archives,
    index: &Index<'_>,
    path: &Path,
    others: Vec<(NamedTempFile, PathBuf)>,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Superblock, Error> {
    let temporary = temporary_beside(path)?;
    let writer = Writer {
        file: temporary.as_file(),
        path,
        interrupt,
    };
    for archive in archives.iter() {
        archive.source.check_unchanged()?;
    }
    let superblock = writer.write_index(index, 0, progress)?;
    for (file, path) in others {
        file.as_file()
            .sync_data()
            .map_err(Error::io("sync", &path))?;
        persist(file, &path)?;
    }
    persist(temporary, path)?;
    Ok(superblock)
}

impl Writer<'_> {
    /// Makes the index follow the archive in a file of `length` bytes.
    pub(crate) fn append(
        &self,
        length: u64,
        place: Place,
        index: &Index<'_>,
        progress: &mut Progress,
    ) -> Result<Superblock, Error> {
        if length != place.tar_length {
            self.set_length(place.tar_length)?;
        }
        // One small write takes the file from the archive's end to the index's start: there is no
        // moment at which the file is longer than the archive without the header that tells.
        self.write(&place.header_block(index.blocks()), place.header, index)?;
        self.write_index(index, place.index, progress)
    }

    fn write_index(
        &self,
        index: &Index<'_>,
        offset: u64,
        progress: &mut Progress,
    ) -> Result<Superblock, Error> {
        let mut position = offset;
        let mut watch = |done| {
            progress.report("data read", done, index.tar_length());
            self.check_interrupt()
        };
        let superblock = index.write(offset, &mut watch, |bytes| {
            self.check_interrupt()?;
            self.write(bytes, position, index)?;
            // CAST: `usize` is at most 64 bits wide.
            position = position.saturating_add(bytes.len() as u64);
            Ok(())
        })?;
        self.sync()?;
        self.check_interrupt()?;
        self.write(&superblock.encode(crc32), position, index)?;
        self.sync()?;
        Ok(superblock)
    }

    fn write(&self, bytes: &[u8], position: u64, index: &Index<'_>) -> Result<(), Error> {
        self.file
            .write_all_at(bytes, position)
            .map_err(|error| self.write_error(error, index.length().saturating_add(BLOCK)))
    }

    fn copy_archive(
        &self,
        source: &Source,
        length: u64,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let mut input = source.file();
        let mut output = self.file;
        io::Seek::rewind(&mut input).map_err(Error::io("seek in", source.path()))?;
        let mut copied: u64 = 0;
        while copied < length {
            self.check_interrupt()?;
            let step = length.saturating_sub(copied).min(COPY_STEP);
            // Between two files, this lets the file system share the blocks where it can.
            let count = io::copy(&mut io::Read::take(input, step), &mut output)
                .map_err(|error| self.write_error(error, length))?;
            if count != step {
                return Err(source.changed());
            }
            copied = copied.saturating_add(count);
            progress.report("copied", copied, length);
        }
        Ok(())
    }

    pub(crate) fn write_error(&self, error: io::Error, needed: u64) -> Error {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => Error::NoSpace {
                path: self.path.into(),
                needed,
            },
            _ => Error::io("write", self.path)(error),
        }
    }

    fn set_length(&self, length: u64) -> Result<(), Error> {
        self.file
            .set_len(length)
            .map_err(Error::io("set the length of", self.path))
    }

    fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io("sync", self.path))
    }

    pub(crate) fn check_interrupt(&self) -> Result<(), Error> {
        self.interrupt.check(self.path)
    }
}

/// Makes a file that becomes the one at `path` when it is complete, and vanishes otherwise.
pub(crate) fn temporary_beside(path: &Path) -> Result<NamedTempFile, Error> {
    if path.exists() && !path.is_file() {
        return Err(Error::Unusable {
            path: path.into(),
            reason: "is there and is no regular file; name another",
        });
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    tempfile::Builder::new()
        .prefix(".mkfs.tarfs-")
        // As for any new file, the process's umask has the last word.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .map_err(Error::io("create a file beside", path))
}

pub(crate) fn persist(temporary: NamedTempFile, path: &Path) -> Result<(), Error> {
    temporary
        .persist(path)
        .map_err(|error| Error::io("replace", path)(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::rc::Rc;

    use super::*;
    use crate::options::Options;
    use crate::tree::Tree;

    /// An interrupted run leaves the archive, not a part of the index.
    #[test]
    fn interrupted() {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(&file, [0; 1024]).unwrap();
        let opened = OpenOptions::new().read(true).write(true).open(&file);
        let source = Source::new(file.path(), opened.unwrap()).unwrap();
        let tree = Tree::default();
        let source = Rc::new(source);
        let archives = Archives::one(Rc::clone(&source), 1024, None);
        let index = Index::new(&tree, &archives, &Options::default(), file.path()).unwrap();
        let place = Place::after(1024, 0).unwrap();
        let mut progress = Progress::new(true);
        let interrupt = Interrupt::watch().unwrap();
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        let result = append(&source, place, &index, &interrupt, &mut progress);
        assert!(matches!(result, Err(Error::Interrupted { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), [0; 1024]);
    }
}
