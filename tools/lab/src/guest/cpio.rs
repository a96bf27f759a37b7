// SPDX-License-Identifier: GPL-2.0
//! Writes cpio archives in the "newc" format, the one the kernel unpacks as an initramfs
//! (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel tree).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_SYMLINK: u32 = 0o120_000;

/// An archive being written. Paths are relative to the root of the archive; the directories
/// above an entry are made with it.
pub struct Writer<W> {
    output: W,
    paths: BTreeSet<String>,
    inode: u32,
}

impl<W: Write> Writer<W> {
    /// Starts an archive on `output`.
    pub fn new(output: W) -> Self {
        Self {
            output,
            paths: BTreeSet::new(),
            inode: 0,
        }
    }

    /// Whether the archive has an entry of that path.
    pub fn contains(&self, path: &str) -> bool {
        self.paths.contains(normalized(path))
    }

    /// Adds a directory, and those above it; one that is there already stays.
    pub fn directory(&mut self, path: &str) -> io::Result<()> {
        let path = normalized(path);
        if path.is_empty() || self.paths.contains(path) {
            return Ok(());
        }
        self.parents(path)?;
        self.entry(path, TYPE_DIRECTORY | 0o755, &mut io::empty(), 0)
    }

    /// Adds a symbolic link to `target`.
    pub fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        let path = normalized(path);
        self.parents(path)?;
        // CAST: usize is at most 64 bits wide on every platform Rust has.
        self.entry(
            path,
            TYPE_SYMLINK | 0o777,
            &mut target.as_bytes(),
            target.len() as u64,
        )
    }

    /// Adds a regular file of `size` bytes read from `data`, with the permission bits `mode`.
    ///
    /// # Errors
    /// `AlreadyExists` for a second entry of one path, `UnexpectedEof` where `data` has fewer
    /// than `size` bytes, `InvalidInput` for 4 GiB or more (the format has 32 bits).
    pub fn file(&mut self, path: &str, mode: u32, data: impl Read, size: u64) -> io::Result<()> {
        let path = normalized(path);
        self.parents(path)?;
        let mut data = data.take(size);
        self.entry(path, TYPE_FILE | (mode & 0o7777), &mut data, size)
    }

    /// Ends the archive and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        self.inode = 0;
        self.entry("TRAILER!!!", 0, &mut io::empty(), 0)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn parents(&mut self, path: &str) -> io::Result<()> {
        match path.rsplit_once('/') {
            Some((parent, _)) => self.directory(parent),
            None => Ok(()),
        }
    }

    fn entry(&mut self, path: &str, mode: u32, data: &mut dyn Read, size: u64) -> io::Result<()> {
        if !self.paths.insert(path.to_owned()) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("/{path} is in the initramfs already"),
            ));
        }
        let size32 = u32::try_from(size).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("/{path} has {size} bytes, more than an initramfs can hold in one file"),
            )
        })?;
        self.inode += 1;
        let name_size = path.len() + 1;
        // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor,
        // rdevminor, namesize, check
        write!(
            self.output,
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{size32:08x}{:08x}{:08x}{:08x}{:08x}\
             {name_size:08x}{:08x}",
            self.inode, 0, 0, 1, 0, 0, 0, 0, 0, 0,
        )?;
        self.output.write_all(path.as_bytes())?;
        self.output.write_all(b"\0")?;
        self.pad(HEADER_SIZE + name_size as u64)?;
        let copied = io::copy(data, &mut self.output)?;
        if copied != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("/{path} has {copied} bytes, not {size}"),
            ));
        }
        self.pad(size)
    }

    /// Header with name, and data, each end on a multiple of four bytes.
    fn pad(&mut self, length: u64) -> io::Result<()> {
        let zeros: &[u8] = match length % 4 {
            0 => &[],
            1 => &[0; 3],
            2 => &[0; 2],
            _ => &[0; 1],
        };
        self.output.write_all(zeros)
    }
}

const HEADER_SIZE: u64 = 110;

fn normalized(path: &str) -> &str {
    path.trim_matches('/')
}
