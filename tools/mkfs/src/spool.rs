// SPDX-License-Identifier: GPL-2.0

//! Archives that are written to where their image will be, and get their index there.

use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use layout::Superblock;
use tempfile::NamedTempFile;

use crate::align::{align, Alignment, Piece};
use crate::image::Place;
use crate::index::Index;
use crate::interrupt::Interrupt;
use crate::options::ReadOptions;
use crate::output::{persist, temporary_beside, Writer};
use crate::pack::pack;
use crate::progress::Progress;
use crate::stream::Stream;
use crate::{Error, Source};

/// Bytes read and written at once.
const STEP: usize = 1 << 18;

/// An archive that was written to where its image will be.
pub struct Spooled<'a> {
    temporary: NamedTempFile,
    image: &'a Path,
    interrupt: &'a Interrupt,
    /// Bytes that are in the file, and those that come after them.
    length: u64,
    pending: Vec<u8>,
}

impl<'a> Spooled<'a> {
    /// Writes what a stream has to a file beside the image at `image`. `path` is that of the stream.
    ///
    /// # Errors
    ///
    /// Those of the stream; [`Error::NoSpace`], [`Error::Interrupted`] and [`Error::Io`].
    pub fn stream(
        mut stream: Stream,
        path: &Path,
        image: &'a Path,
        interrupt: &'a Interrupt,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        let mut spooled = Self::empty(image, interrupt)?;
        let mut buffer = vec![0; STEP];
        loop {
            spooled.writer().check_interrupt()?;
            match stream.read(&mut buffer, path)? {
                None => continue,
                Some(0) => break,
                Some(count) => spooled.write(buffer.get(..count).unwrap_or_default())?,
            }
            if let Some((done, total)) = stream.progress() {
                progress.report("read", done, total);
            }
        }
        spooled.flush()?;
        Ok(spooled)
    }

    /// Writes a part of a file to a file beside the image at `image`.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`], [`Error::Interrupted`] and [`Error::Io`].
    pub fn part(
        source: &Source,
        range: Range<u64>,
        image: &'a Path,
        interrupt: &'a Interrupt,
    ) -> Result<NamedTempFile, Error> {
        let mut spooled = Self::empty(image, interrupt)?;
        spooled.copy(source, range)?;
        spooled.flush()?;
        Ok(spooled.temporary)
    }

    /// Writes an archive of `length` bytes whose files' data is aligned to a file beside the image
    /// at `image`.
    ///
    /// # Errors
    ///
    /// Where the archive breaks a rule; [`Error::NoSpace`], [`Error::Interrupted`] and
    /// [`Error::Io`].
    pub fn aligned(
        source: &Source,
        length: u64,
        options: ReadOptions,
        alignment: Alignment,
        image: &'a Path,
        interrupt: &'a Interrupt,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        let mut spooled = Self::empty(image, interrupt)?;
        align(source, length, options, alignment, |piece| match piece {
            Piece::Bytes(bytes) => spooled.write(&bytes),
            Piece::Copy(range) => {
                progress.report("copied", range.end, length);
                spooled.copy(source, range)
            }
        })?;
        spooled.flush()?;
        source.check_unchanged()?;
        Ok(spooled)
    }

    /// Writes an archive of the directory at `root` to a file beside the image at `image`.
    ///
    /// # Errors
    ///
    /// Where a file cannot be archived; [`Error::NoSpace`], [`Error::Interrupted`] and
    /// [`Error::Io`].
    pub fn packed(root: &Path, image: &'a Path, interrupt: &'a Interrupt) -> Result<Self, Error> {
        let mut spooled = Self::empty(image, interrupt)?;
        pack(root, &mut spooled)?;
        spooled.flush()?;
        Ok(spooled)
    }

    /// The file, which vanishes unless it becomes another.
    pub fn into_temporary(self) -> NamedTempFile {
        self.temporary
    }

    /// Opens the archive for reading. `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn source(&self, path: &Path) -> Result<Source, Error> {
        let file = self.temporary.reopen().map_err(Error::io("open", path))?;
        Source::new(path, file)
    }

    /// Appends the index, and makes it the image.
    ///
    /// # Errors
    ///
    /// As for [`crate::output::copy`].
    pub fn complete(
        self,
        place: Place,
        index: &Index<'_>,
        progress: &mut Progress,
    ) -> Result<Superblock, Error> {
        let superblock = self.writer().append(self.length, place, index, progress)?;
        persist(self.temporary, self.image)?;
        Ok(superblock)
    }

    fn empty(image: &'a Path, interrupt: &'a Interrupt) -> Result<Self, Error> {
        Ok(Self {
            temporary: temporary_beside(image)?,
            image,
            interrupt,
            length: 0,
            pending: Vec::new(),
        })
    }

    fn writer(&self) -> Writer<'_> {
        Writer {
            file: self.temporary.as_file(),
            path: self.image,
            interrupt: self.interrupt,
        }
    }

    /// Writes bytes of a file.
    pub(crate) fn copy(&mut self, source: &Source, range: Range<u64>) -> Result<(), Error> {
        let mut position = range.start;
        while position < range.end {
            let left = usize::try_from(range.end.saturating_sub(position)).unwrap_or(usize::MAX);
            let count = left.min(STEP);
            let start = self.pending.len();
            self.pending.resize(start.saturating_add(count), 0);
            let bytes = self.pending.get_mut(start..).unwrap_or_default();
            source.read_exact_at(bytes, position)?;
            self.flush_steps()?;
            // CAST: at most STEP.
            position = position.saturating_add(count as u64);
        }
        Ok(())
    }

    /// Writes zeros up to a multiple of `unit`.
    pub(crate) fn pad(&mut self, unit: u64) -> Result<(), Error> {
        // CAST: `usize` is at most 64 bits wide.
        let length = self.length.saturating_add(self.pending.len() as u64);
        let missing = length.next_multiple_of(unit).saturating_sub(length);
        // CAST: below the unit, a sector.
        self.write(&vec![0; missing as usize])
    }

    /// Writes bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(bytes);
        self.flush_steps()
    }

    /// Writes what is pending, if that is much.
    fn flush_steps(&mut self) -> Result<(), Error> {
        if self.pending.len() < STEP {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let writer = self.writer();
        writer.check_interrupt()?;
        // CAST: `usize` is at most 64 bits wide.
        let count = self.pending.len() as u64;
        writer
            .file
            .write_all_at(&self.pending, self.length)
            .map_err(|error| writer.write_error(error, count))?;
        self.length = self.length.saturating_add(count);
        self.pending.clear();
        Ok(())
    }
}
