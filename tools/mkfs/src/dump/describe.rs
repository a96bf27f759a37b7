// SPDX-License-Identifier: GPL-2.0

//! A file's inode as text and as JSON.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat};
use layout::{Inode, Kind, S_IFMT};
use serde_json::{json, Map, Value};

use super::Image;
use crate::message;
use crate::Error;

/// The letters of the permission bits, from the highest.
const PERMISSIONS: &[u8; 9] = b"rwxrwxrwx";

/// Bits that take the place of an `x`, with the letter where that is set and where it is not.
const SPECIAL: [(u16, usize, char, char); 3] = [
    (0o4000, 2, 's', 'S'),
    (0o2000, 5, 's', 'S'),
    (0o1000, 8, 't', 'T'),
];

/// Returns a line like those of `find -ls`: inode, mode, links, owner, group, size or device, time
/// and name.
///
/// # Errors
///
/// Those of [`crate::index_reader::IndexReader::target`].
pub fn line(image: &Image, path: &[u8], ino: u32, inode: &Inode) -> Result<String, Error> {
    let size = match inode.kind {
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            format!("{major}, {minor}")
        }
        _ => size(inode).to_string(),
    };
    let mut line = format!(
        "{ino:>9} {} {:>4} {:>6} {:>6} {size:>12} {} {}",
        mode(inode),
        inode.nlink,
        inode.uid,
        inode.gid,
        time(inode),
        name(path),
    );
    if let Kind::Symlink(symlink) = inode.kind {
        let target = image.index.target(&symlink)?;
        let _ = write!(line, " -> {}", name(&target));
    }
    Ok(line)
}

/// Returns all that the index has about a file, a line for each.
///
/// # Errors
///
/// Those of [`crate::index_reader::IndexReader`].
pub fn lines(image: &Image, path: &[u8], ino: u32, inode: &Inode) -> Result<String, Error> {
    let mut text = String::new();
    let mut add = |key: &str, value: String| {
        let _ = writeln!(text, "{:<9} {value}", format!("{key}:"));
    };
    let wide = image.index.wide_number(ino)?;
    add("path", name(path));
    add(
        "inode",
        format!(
            "{ino}{}",
            wide.map_or(String::new(), |wide| format!(" (wide {wide})"))
        ),
    );
    add("type", file_type(inode).into());
    add(
        "mode",
        format!("0{:o} {}", inode.mode & !S_IFMT, mode(inode)),
    );
    add("links", inode.nlink.to_string());
    add("owner", format!("{}:{}", inode.uid, inode.gid));
    add("mtime", time(inode));
    add(
        "header",
        inode
            .header
            .map_or("none".into(), |sector| format!("sector {sector}")),
    );
    match inode.kind {
        Kind::Regular(extent) => {
            add("size", extent.size.to_string());
            add("data", format!("sector {}", extent.sector));
        }
        Kind::Sparse(sparse) => {
            add("size", sparse.size.to_string());
            for extent in image.index.extents(ino, &sparse) {
                let extent = extent?;
                let (logical, end) = (extent.logical, extent.end());
                add(
                    "extent",
                    format!("{logical} to {end}, from byte {} on", extent.position),
                );
            }
        }
        Kind::Directory(directory) => {
            add("parent", directory.parent.to_string());
            add("leaves", directory.leaves.to_string());
        }
        Kind::Symlink(symlink) => add("target", name(&image.index.target(&symlink)?)),
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            add("device", format!("{major}:{minor}"));
        }
        Kind::Fifo | Kind::Socket => {}
    }
    if let Some(xattrs) = inode.xattrs {
        for xattr in image.index.xattrs(&xattrs)? {
            let value = message::quoted(&xattr.value);
            add("xattr", format!("{}={value}", name(&xattr.full_name())));
        }
    }
    Ok(text.trim_end().into())
}

/// Returns all that the index has about a file as an object.
///
/// # Errors
///
/// Those of [`crate::index_reader::IndexReader`].
pub fn object(image: &Image, path: &[u8], ino: u32, inode: &Inode) -> Result<Value, Error> {
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| {
        object.insert(key.into(), value);
    };
    add("path", message::json(path));
    add("inode", ino.into());
    add("type", file_type(inode).into());
    add("mode", (inode.mode & !S_IFMT).into());
    add("links", inode.nlink.into());
    add("uid", inode.uid.into());
    add("gid", inode.gid.into());
    let time = json!({ "seconds": inode.mtime_sec, "nanoseconds": inode.mtime_nsec });
    add("mtime", time);
    add("header", inode.header.into());
    add("size", size(inode).into());
    match inode.kind {
        Kind::Regular(extent) => add("sector", extent.sector.into()),
        Kind::Sparse(sparse) => {
            let extents = image.index.extents(ino, &sparse).map(|extent| {
                let extent = extent?;
                Ok(json!({
                    "offset": extent.logical,
                    "length": extent.length,
                    "position": extent.position,
                }))
            });
            add("extents", extents.collect::<Result<Value, Error>>()?);
        }
        Kind::Directory(directory) => add("parent", directory.parent.into()),
        Kind::Symlink(symlink) => {
            add("target", message::json(&image.index.target(&symlink)?));
        }
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            add("device", json!({ "major": major, "minor": minor }));
        }
        Kind::Fifo | Kind::Socket => {}
    }
    if let Some(xattrs) = inode.xattrs {
        let xattrs = image.index.xattrs(&xattrs)?.into_iter().map(|xattr| {
            json!({
                "name": message::json(&xattr.full_name()),
                "value": message::json(&xattr.value),
            })
        });
        add("xattrs", xattrs.collect());
    }
    Ok(object.into())
}

/// The size in bytes; 0 of what has none.
pub fn size(inode: &Inode) -> u64 {
    match inode.kind {
        Kind::Regular(extent) => extent.size,
        Kind::Sparse(sparse) => sparse.size,
        Kind::Symlink(symlink) => symlink.length.into(),
        _ => 0,
    }
}

/// A name as it is where it is plain text, otherwise between quotation marks; the root is `.`.
fn name(path: &[u8]) -> String {
    let quoted = message::quoted(path);
    match std::str::from_utf8(path) {
        Ok("") => ".".into(),
        Ok(text) if quoted.len() == text.len().saturating_add(2) => text.into(),
        _ => quoted,
    }
}

fn file_type(inode: &Inode) -> &'static str {
    match inode.kind {
        Kind::Regular(_) | Kind::Sparse(_) => "regular",
        Kind::Directory(_) => "directory",
        Kind::Symlink(_) => "symlink",
        Kind::CharDevice { .. } => "char",
        Kind::BlockDevice { .. } => "block",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
    }
}

/// The mode as `ls` shows it, such as `drwxr-xr-x`.
fn mode(inode: &Inode) -> String {
    let letter = match inode.kind {
        Kind::Regular(_) | Kind::Sparse(_) => '-',
        Kind::Directory(_) => 'd',
        Kind::Symlink(_) => 'l',
        Kind::CharDevice { .. } => 'c',
        Kind::BlockDevice { .. } => 'b',
        Kind::Fifo => 'p',
        Kind::Socket => 's',
    };
    let permissions = PERMISSIONS.iter().enumerate().map(|(place, &letter)| {
        let is_set = inode.mode & (0o400 >> place) != 0;
        let special = SPECIAL
            .iter()
            .find(|(bit, at, ..)| *at == place && inode.mode & bit != 0);
        match (special, is_set) {
            (Some((_, _, set, _)), true) => *set,
            (Some((_, _, _, unset)), false) => *unset,
            (None, true) => char::from(letter),
            (None, false) => '-',
        }
    });
    std::iter::once(letter).chain(permissions).collect()
}

/// The time in UTC; where the calendar does not go that far, in seconds since 1970.
pub(super) fn time(inode: &Inode) -> String {
    match DateTime::from_timestamp(inode.mtime_sec, inode.mtime_nsec) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("@{}", inode.mtime_sec),
    }
}
