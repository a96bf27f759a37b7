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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::Lab;

    /// What the toolbox's program says to a file.
    fn read_by(program: &str, archive: &[u8]) -> String {
        let lab = Lab::locate().unwrap();
        let folder = tempfile::tempdir_in(lab.cache()).unwrap();
        std::fs::write(folder.path().join("archive"), archive).unwrap();
        let folders = [(folder.path(), folder.path())];
        let mut command: Command = lab.toolbox().unwrap().command(&folders, folder.path());
        command.args(["sh", "-c", program]);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn other_readers_read_what_was_written() {
        let mut writer = Writer::new(Vec::new());
        writer.file("/usr/bin/x", 0o755, &b"12345"[..], 5).unwrap();
        writer.directory("usr/bin/").unwrap();
        writer.file("usr/bin/empty", 0o600, &b""[..], 0).unwrap();
        writer.symlink("usr/bin/link", "../bin/x").unwrap();
        writer
            .file("name of 22 characters!", 0o644, &b"abc"[..], 3)
            .unwrap();
        assert!(writer.contains("/usr/bin") && !writer.contains("usr/lib"));
        let archive = writer.finish().unwrap();

        let list = read_by(
            "cpio -itv --quiet -n <archive | awk '{print $1, $5, $9, $10, $11}'",
            &archive,
        );
        let expected = "\
            drwxr-xr-x 0 usr  \n\
            drwxr-xr-x 0 usr/bin  \n\
            -rwxr-xr-x 5 usr/bin/x  \n\
            -rw------- 0 usr/bin/empty  \n\
            lrwxrwxrwx 8 usr/bin/link -> ../bin/x\n\
            -rw-r--r-- 3 name of 22\n";
        assert_eq!(list, expected);
        assert_eq!(
            read_by(
                "bsdtar -xOf archive usr/bin/x 'name of 22 characters!'",
                &archive
            ),
            "12345abc"
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let mut writer = Writer::new(Vec::new());
        writer.file("a", 0o644, &b"1"[..], 1).unwrap();
        let kind = |result: io::Result<()>| result.unwrap_err().kind();
        assert_eq!(
            kind(writer.file("/a", 0o644, &b"2"[..], 1)),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(
            kind(writer.file("b", 0o644, &b"2"[..], 2)),
            io::ErrorKind::UnexpectedEof
        );
        let huge = writer.file("c", 0o644, &b""[..], 1 << 32);
        assert_eq!(kind(huge), io::ErrorKind::InvalidInput);
    }
}
