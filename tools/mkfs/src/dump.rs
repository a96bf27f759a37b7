// SPDX-License-Identifier: GPL-2.0

//! What is in an image, for people and programs.

mod attributes;
pub mod describe;
pub mod extract;
pub mod superblock;
pub mod tar;
pub mod walk;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use layout::{Inode, Kind, BLOCK_SIZE, ROOT_INO};

use crate::archives::Archives;
use crate::blocks::crc32;
use crate::index_reader::IndexReader;
use crate::path;
use crate::{message, Error, BLOCK, SECTOR};

/// Bytes of data read at once.
const STEP: u64 = 1 << 20;

/// An open image, or an index of its own with its archives.
pub struct Image {
    index: IndexReader,
    archives: Option<Archives>,
}

/// A part of a regular file that has data.
struct Piece {
    /// Byte of the file at which it starts.
    logical: u64,
    /// Length in bytes.
    length: u64,
    /// Byte of the archives' space at which its data starts.
    position: u64,
}

impl Image {
    /// Opens the image at `path`; `archives` are those of an index of its own.
    ///
    /// # Errors
    ///
    /// Those of [`IndexReader::open`] and [`Archives::open`].
    pub fn open(path: &Path, archives: &[PathBuf]) -> Result<Self, Error> {
        let index = IndexReader::open(path)?;
        let archives = Archives::open(&index, archives)?;
        Ok(Self { index, archives })
    }

    /// The index.
    pub fn index(&self) -> &IndexReader {
        &self.index
    }

    /// The archives.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] where none were named for an index of its own.
    pub fn archives(&self) -> Result<&Archives, Error> {
        self.archives.as_ref().ok_or_else(|| Error::Unusable {
            path: self.index.path().into(),
            reason: "is an index without its archive; name it with --layer",
        })
    }

    /// Finds the file of a name, which counts from the root. Symbolic links are not followed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; those of [`IndexReader::inode`].
    pub fn find(&self, name: &[u8]) -> Result<(u32, Inode), Error> {
        let not_found = || Error::NotFound {
            path: self.index.path().into(),
            name: message::quoted(name),
        };
        let mut ino = ROOT_INO;
        let mut inode = self.index.inode(ino)?;
        for component in path::components(name) {
            let Kind::Directory(directory) = inode.kind else {
                return Err(not_found());
            };
            let component = component.map_err(|_| not_found())?;
            let child = self.index.find(&directory, component)?;
            ino = child.ok_or_else(not_found)?;
            inode = self.index.inode(ino)?;
        }
        Ok((ino, inode))
    }

    /// Reads the data of regular file `ino`. `visit` gets the byte of the file at which data
    /// stands, and the data; what it does not get is a hole. Where the image has checksums of the
    /// data, they are verified.
    ///
    /// # Errors
    ///
    /// As for [`Image::archives`] and [`IndexReader::inode`]; [`Error::Io`]; those of `visit`.
    pub fn read_data(
        &self,
        ino: u32,
        inode: &Inode,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let mut read = |piece: Piece| {
            let mut done: u64 = 0;
            while done < piece.length {
                let step = piece.length.saturating_sub(done).min(STEP);
                // CAST: at most STEP.
                buffer.resize(step as usize, 0);
                let position = piece.position.saturating_add(done);
                self.read_at(&mut buffer, position)?;
                visit(piece.logical.saturating_add(done), &buffer)?;
                done = done.saturating_add(step);
            }
            Ok(())
        };
        match inode.kind {
            Kind::Regular(extent) => read(Piece {
                logical: 0,
                length: extent.size,
                position: extent.sector.saturating_mul(SECTOR),
            }),
            Kind::Sparse(sparse) => self.index.extents(ino, &sparse).try_for_each(|extent| {
                let extent = extent?;
                read(Piece {
                    logical: extent.logical,
                    length: extent.length,
                    position: extent.position,
                })
            }),
            _ => Ok(()),
        }
    }

    /// Fills `buffer` from byte `position` of the archives' space on. Blocks that have checksums are
    /// read whole and verified.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<(), Error> {
        let archives = self.archives()?;
        if self.index.superblock().data_sums.records() == 0 {
            return archives.read_at(buffer, position);
        }
        let skipped = position % BLOCK;
        let start = position.saturating_sub(skipped);
        // CAST: below a block.
        let skipped = skipped as usize;
        let length = skipped.saturating_add(buffer.len());
        let mut blocks = vec![0; length.next_multiple_of(BLOCK_SIZE)];
        archives.read_at(&mut blocks, start)?;
        for (block, number) in blocks.chunks(BLOCK_SIZE).zip(start / BLOCK..) {
            self.index.check_data(number, crc32(&[block]))?;
        }
        buffer.copy_from_slice(blocks.get(skipped..length).unwrap_or_default());
        Ok(())
    }

    /// Writes the data of the regular file called `name`, with zeros for holes. `failed` makes the
    /// errors of `out`.
    ///
    /// # Errors
    ///
    /// [`Error::NotRegular`]; those of [`Image::read_data`] and of `failed`.
    pub fn write_data(
        &self,
        (ino, inode): (u32, &Inode),
        name: &[u8],
        out: &mut dyn Write,
        failed: fn(io::Error) -> Error,
    ) -> Result<(), Error> {
        if !matches!(inode.kind, Kind::Regular(_) | Kind::Sparse(_)) {
            return Err(Error::NotRegular {
                path: self.index.path().into(),
                name: message::quoted(name),
            });
        }
        let mut written: u64 = 0;
        let fill = |out: &mut dyn Write, written: &mut u64, end: u64| {
            let hole = end.saturating_sub(*written);
            *written = end.max(*written);
            io::copy(&mut io::repeat(0).take(hole), out).map_err(failed)
        };
        self.read_data(ino, inode, |position, bytes| {
            fill(out, &mut written, position)?;
            // CAST: `usize` is at most 64 bits wide.
            written = written.saturating_add(bytes.len() as u64);
            out.write_all(bytes).map_err(failed)
        })?;
        fill(out, &mut written, describe::size(inode))?;
        out.flush().map_err(failed)
    }
}
