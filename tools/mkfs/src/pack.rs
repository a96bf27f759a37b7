// SPDX-License-Identifier: GPL-2.0

//! Archives of directories: what is below one, by the names' bytes, in pax form with GNU tar's
//! records for holes and extended attributes. The same files give the same archive.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::spool::Spooled;
use crate::tar::{record, Member};
use crate::{Error, SECTOR};

/// Zeros that end an archive, in bytes.
const END_MARK: usize = 1024;

/// Largest value of an extended attribute, and of a list of their names, in bytes.
const XATTR_MAX: usize = 65536;

/// A walk through a directory.
struct Packer<'s, 'a> {
    root: &'s Path,
    out: &'s mut Spooled<'a>,
    /// The names of files that have several, by device and inode.
    names: HashMap<(u64, u64), Vec<u8>>,
    /// Room for the names of a file's extended attributes, and for a value.
    xattr_names: Vec<u8>,
    xattr_value: Vec<u8>,
}

/// Writes an archive of what is below the directory at `root`.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::Unusable`] where a file is none that an archive can hold;
/// [`Error::Changed`] where one changes meanwhile; those of writing.
pub(crate) fn pack(root: &Path, out: &mut Spooled<'_>) -> Result<(), Error> {
    let mut packer = Packer {
        root,
        out,
        names: HashMap::new(),
        xattr_names: vec![0; XATTR_MAX],
        xattr_value: vec![0; XATTR_MAX],
    };
    packer.add(PathBuf::new())?;
    // A directory's entries come before those of its subdirectories' files.
    let mut to_do = vec![PathBuf::new()];
    while let Some(directory) = to_do.pop() {
        let mut subdirectories = Vec::new();
        for name in packer.children(&directory)? {
            let path = directory.join(name);
            if packer.add(path.clone())? {
                subdirectories.push(path);
            }
        }
        to_do.extend(subdirectories.into_iter().rev());
    }
    packer.out.write(&[0; END_MARK])
}

impl Packer<'_, '_> {
    /// Returns the names in a directory, in order.
    fn children(&self, directory: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
        let path = self.root.join(directory);
        let failed = |error| Error::io("read", &path)(error);
        let entries = fs::read_dir(&path).map_err(failed)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names = names.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Adds a file of any type; returns whether it is a directory.
    fn add(&mut self, relative: PathBuf) -> Result<bool, Error> {
        let path = self.root.join(&relative);
        let metadata = fs::symlink_metadata(&path).map_err(Error::io("stat", &path))?;
        let is_directory = metadata.is_dir();
        let mut name = relative.as_os_str().as_bytes().to_vec();
        if is_directory {
            let end = if name.is_empty() { &b"./"[..] } else { b"/" };
            name.extend_from_slice(end);
        }
        let mut member = Member {
            name: &name,
            target: b"",
            typeflag: typeflag(&path, &metadata)?,
            permissions: metadata.mode(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            mtime: (
                metadata.mtime(),
                // CAST: below 10^9.
                metadata.mtime_nsec() as u32,
            ),
            size: 0,
            device: (0, 0),
        };
        let identity = (metadata.dev(), metadata.ino());
        if let Some(first) = self.names.get(&identity) {
            let link = Member {
                typeflag: b'1',
                target: first,
                ..member
            };
            self.out.write(&link.headers(Vec::new()))?;
            return Ok(false);
        }
        if metadata.nlink() > 1 && !is_directory {
            self.names.insert(identity, name.clone());
        }
        let records = self.xattr_records(&path)?;
        let target;
        match member.typeflag {
            b'0' => {
                self.add_data(&path, &metadata, member, records)?;
                return Ok(false);
            }
            b'2' => {
                target = fs::read_link(&path).map_err(Error::io("read", &path))?;
                member.target = target.as_os_str().as_bytes();
            }
            b'3' | b'4' => {
                let device = metadata.rdev();
                member.device = (rustix::fs::major(device), rustix::fs::minor(device));
            }
            _ => {}
        }
        self.out.write(&member.headers(records))?;
        Ok(is_directory)
    }

    /// Returns the records for a file's extended attributes, by their names' bytes.
    fn xattr_records(&mut self, path: &Path) -> Result<Vec<u8>, Error> {
        let failed =
            |error: Errno| Error::io("read the extended attributes of", path)(error.into());
        let length = match rustix::fs::llistxattr(path, self.xattr_names.as_mut_slice()) {
            Err(Errno::OPNOTSUPP) => 0,
            length => length.map_err(failed)?,
        };
        let names = self.xattr_names.get(..length).unwrap_or_default();
        let mut names: Vec<&[u8]> = names.split(|&byte| byte == 0).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        let mut records = Vec::new();
        for name in names {
            let length = rustix::fs::lgetxattr(path, name, self.xattr_value.as_mut_slice());
            let value = self.xattr_value.get(..length.map_err(failed)?);
            let keyword = [b"SCHILY.xattr.", escape(name).as_slice()].concat();
            records.extend(record(&keyword, value.unwrap_or_default()));
        }
        Ok(records)
    }

    /// Adds a regular file.
    fn add_data(
        &mut self,
        path: &Path,
        metadata: &Metadata,
        mut member: Member<'_>,
        mut records: Vec<u8>,
    ) -> Result<(), Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let source = crate::Source::new(path, file)?;
        let size = metadata.size();
        let parts = parts(source.file(), size).map_err(Error::io("seek in", path))?;
        let stored = parts.iter().map(|part| part.1).fold(0, u64::saturating_add);
        let mut map = Vec::new();
        if stored < size {
            map = sparse_map(&parts, size);
            for (keyword, value) in [
                (&b"GNU.sparse.major"[..], b"1".to_vec()),
                (b"GNU.sparse.minor", b"0".to_vec()),
                (b"GNU.sparse.name", member.name.to_vec()),
                (b"GNU.sparse.realsize", size.to_string().into_bytes()),
            ] {
                records.extend(record(keyword, &value));
            }
        }
        // CAST: `usize` is at most 64 bits wide.
        member.size = stored.saturating_add(map.len() as u64);
        self.out.write(&member.headers(records))?;
        self.out.write(&map)?;
        for (start, length) in parts {
            self.out
                .copy(&source, start..start.saturating_add(length))?;
        }
        if source.length() != size {
            return Err(source.changed());
        }
        source.check_unchanged()?;
        self.out.pad(SECTOR)
    }
}

/// Returns what a file is, as headers have it.
fn typeflag(path: &Path, metadata: &Metadata) -> Result<u8, Error> {
    let file_type = metadata.file_type();
    Ok(if file_type.is_dir() {
        b'5'
    } else if file_type.is_file() {
        b'0'
    } else if file_type.is_symlink() {
        b'2'
    } else if file_type.is_char_device() {
        b'3'
    } else if file_type.is_block_device() {
        b'4'
    } else if file_type.is_fifo() {
        b'6'
    } else {
        return Err(Error::Unusable {
            path: path.into(),
            reason: "is a socket, which an archive cannot hold; remove it",
        });
    })
}

/// Returns the parts of a file of `size` bytes that are no holes: start and length.
fn parts(file: &File, size: u64) -> std::io::Result<Vec<(u64, u64)>> {
    let mut parts = Vec::new();
    let mut position = 0;
    while position < size {
        let start = match rustix::fs::seek(file, SeekFrom::Data(position)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start))?.min(size);
        // Programs agree on parts of whole sectors only.
        let start = start.saturating_sub(start % SECTOR);
        let end = end.next_multiple_of(SECTOR).min(size);
        if start >= end {
            break;
        }
        parts.push((start, end.saturating_sub(start)));
        position = end;
    }
    Ok(parts)
}

/// Returns the map that stands before the data: version 1.0 of GNU tar's.
fn sparse_map(parts: &[(u64, u64)], size: u64) -> Vec<u8> {
    // The last part is empty, and says where the file ends.
    let end = (size, 0);
    let numbers = parts.iter().chain([&end]);
    let mut map = format!("{}\n", parts.len().saturating_add(1));
    for (start, length) in numbers {
        map.push_str(&format!("{start}\n{length}\n"));
    }
    let mut map = map.into_bytes();
    map.resize(map.len().next_multiple_of(layout::SECTOR_SIZE), 0);
    map
}

/// Escapes what a keyword cannot have, as GNU tar does.
fn escape(name: &[u8]) -> Vec<u8> {
    let bytes = name.iter().flat_map(|byte| match byte {
        b'=' => &b"%3D"[..],
        b'%' => b"%25",
        byte => std::slice::from_ref(byte),
    });
    bytes.copied().collect()
}
