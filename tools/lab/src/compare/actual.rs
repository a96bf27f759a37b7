// SPDX-License-Identifier: GPL-2.0
//! What a mounted file system says, read in the guest by coreutils and findutils.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::guest::Guest;

use super::entry::{link_up, Entry, FileType, Manifest};
use super::fields::{bad, Fields};

/// The programs that the guest needs.
pub const PROGRAMS: &[&str] = &["find", "sha256sum", "stat"];

/// stat and not find, whose times before 1970 are wrong where they have a fraction.
const ATTRIBUTES: &str =
    r"find . -exec stat --printf '%n\0%f\0%u\0%g\0%h\0%.9Y\0%s\0%t\0%T\0%i\0' {} +";
const TARGETS: &str = r"find . -type l -printf '%p\0%l\0'";
const SUMS: &str = "find . -type f -exec sha256sum --zero {} +";

/// The manifest of what is mounted at `directory` in the guest, each file's contents read.
///
/// # Errors
/// `Guest` where a program in the guest fails; an I/O error in a file is such a case.
pub fn read(guest: &mut Guest, directory: &str) -> Result<Manifest> {
    let mut list = |command: &str| -> Result<Vec<u8>> {
        Ok(guest
            .run(&format!("cd {directory} && {command}"))?
            .ok()?
            .stdout)
    };
    parse(&list(ATTRIBUTES)?, &list(TARGETS)?, &list(SUMS)?)
}

fn parse(attributes: &[u8], targets: &[u8], sums: &[u8]) -> Result<Manifest> {
    let mut manifest = Manifest::new();
    let mut inodes = BTreeMap::new();
    let mut fields = Fields::new(attributes);
    while !fields.at_end() {
        let path = relative(fields.bytes("path")?);
        let mode = fields.number_in_base("mode", 16)?;
        let file_type = FileType::from_mode(mode)?;
        let (uid, gid) = (fields.number("user id")?, fields.number("group id")?);
        let links = fields.number("number of links")?;
        let mtime = nanoseconds(fields.text("mtime")?)?;
        let size = fields.number("size")?;
        let device = (
            fields.number_in_base("major number", 16)?,
            fields.number_in_base("minor number", 16)?,
        );
        let has_size = matches!(file_type, FileType::Regular | FileType::Symlink);
        let is_device = matches!(file_type, FileType::CharDevice | FileType::BlockDevice);
        let entry = Entry {
            file_type,
            permissions: mode & 0o7777,
            uid,
            gid,
            links,
            mtime: Some(mtime),
            size: has_size.then_some(size),
            device: is_device.then_some(device),
            target: None,
            sha256: None,
            first_path: Vec::new(),
        };
        inodes.insert(path.clone(), fields.number("inode number")?);
        if manifest.insert(path.clone(), entry).is_some() {
            let message = format!(
                "the mount lists {:?} twice",
                path.escape_ascii().to_string()
            );
            return Err(Error::new(Kind::Guest, message));
        }
    }
    let mut fields = Fields::new(targets);
    while !fields.at_end() {
        let entry = listed(&mut manifest, fields.bytes("path")?)?;
        entry.target = Some(fields.bytes("target")?.to_vec());
    }
    let mut fields = Fields::new(sums);
    while !fields.at_end() {
        let (sum, path) = split_sum(fields.bytes("SHA-256")?)?;
        listed(&mut manifest, path)?.sha256 = Some(sum.to_owned());
    }
    link_up(&mut manifest, &inodes);
    Ok(manifest)
}

/// The path below the root, of one that find gives: "." is the root, "./a" is in it.
fn relative(path: &[u8]) -> Vec<u8> {
    path.strip_prefix(b"./").unwrap_or_default().to_vec()
}

fn listed<'a>(manifest: &'a mut Manifest, path: &[u8]) -> Result<&'a mut Entry> {
    manifest.get_mut(&relative(path)).ok_or_else(|| {
        let path = path.escape_ascii();
        let message = format!("the mount lists {path} at one time and not at another");
        Error::new(Kind::Guest, message)
    })
}

/// Seconds with nine decimals.
fn nanoseconds(text: &str) -> Result<i128> {
    let number = text.split_once('.').and_then(|(seconds, decimals)| {
        (decimals.len() == 9).then(|| format!("{seconds}{decimals}"))
    });
    number
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| bad("mtime", text))
}

/// A line of sha256sum: the sum, two characters, the path.
fn split_sum(line: &[u8]) -> Result<(&str, &[u8])> {
    let split = line.split_at_checked(64).and_then(|(sum, rest)| {
        let path = rest.strip_prefix(b"  ")?;
        Some((std::str::from_utf8(sum).ok()?, path))
    });
    split.ok_or_else(|| bad("SHA-256", &String::from_utf8_lossy(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_are_below_zero() {
        assert_eq!(nanoseconds("-1.500000000").unwrap(), -1_500_000_000);
        assert_eq!(nanoseconds("-0.250000000").unwrap(), -250_000_000);
        assert_eq!(
            nanoseconds("1700000000.123456789").unwrap(),
            1_700_000_000_123_456_789
        );
        assert!(nanoseconds("1.5").is_err());
    }

    #[test]
    fn the_three_lists_become_entries() {
        let attributes = b".\x0041ed\x000\x000\x003\x005.000000000\x0060\x000\x000\x001\x00\
            ./a\x0081a4\x001\x002\x002\x006.000000007\x003\x000\x000\x002\x00\
            ./b\x0089ed\x001\x002\x002\x006.000000007\x003\x000\x000\x002\x00\
            ./null\x0021b6\x000\x000\x001\x005.000000000\x000\x001\x003\x003\x00\
            ./l\x00a1ff\x000\x000\x001\x005.000000000\x001\x000\x000\x004\x00";
        let sum = "0".repeat(64);
        let sums = format!("{sum}  ./a\0{sum}  ./b\0");
        let manifest = parse(attributes, b"./l\0a\0", sums.as_bytes()).unwrap();
        let b = &manifest[&b"b"[..]];
        assert_eq!((b.file_type, b.permissions), (FileType::Regular, 0o4755));
        assert_eq!((b.uid, b.gid, b.links, b.size), (1, 2, 2, Some(3)));
        assert_eq!(b.mtime, Some(6_000_000_007));
        assert_eq!(b.first_path, b"a");
        assert_eq!(b.sha256.as_deref(), Some(&*sum));
        assert_eq!(manifest[&b"null"[..]].device, Some((1, 3)));
        assert_eq!(manifest[&b"l"[..]].target.as_deref(), Some(&b"a"[..]));
        assert_eq!(manifest[&b""[..]].size, None);
    }

    #[test]
    fn a_path_listed_twice_or_half_a_list_is_an_error() {
        let once = b"./a\x0081a4\x001\x002\x001\x006.000000007\x003\x000\x000\x002\x00";
        assert!(parse(once, b"", b"").is_ok());
        assert!(parse(&once.repeat(2), b"", b"").is_err());
        assert!(parse(&once[..20], b"", b"").is_err());
        assert!(parse(once, b"./other\0x\0", b"").is_err());
    }
}
