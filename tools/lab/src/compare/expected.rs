// SPDX-License-Identifier: GPL-2.0
//! What a tar says, read by Python.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::{process, Lab};

use super::entry::{link_up, Entry, FileType, Manifest};
use super::fields::Fields;

/// The manifest of what extracting the tar would give.
///
/// # Errors
/// `Other` where Python cannot read the tar, with its reason.
pub fn read(lab: &Lab, tar: &Path) -> Result<Manifest> {
    let failed = |error| Error::io("create a file in", lab.cache(), error);
    let out = tempfile::NamedTempFile::new_in(lab.cache()).map_err(failed)?;
    let mut command = lab.toolbox()?.python()?;
    command.args(["-c", include_str!("manifest.py")]);
    command.arg(tar).arg(out.path());
    process::output(command, Kind::Other).map_err(|error| {
        Error::new(
            error.kind(),
            format!("Python cannot read {}: {error}", tar.display()),
        )
    })?;
    let text = fs::read(out.path()).map_err(|error| Error::io("read", out.path(), error))?;
    parse(&text)
}

/// Parses what manifest.py writes.
fn parse(text: &[u8]) -> Result<Manifest> {
    let mut manifest = Manifest::new();
    let mut inodes = BTreeMap::new();
    let mut fields = Fields::new(text);
    while !fields.at_end() {
        let path = fields.bytes("path")?.to_vec();
        let entry = Entry {
            file_type: FileType::from_letter(fields.text("type")?)?,
            permissions: fields.number_in_base("permissions", 8)?,
            uid: fields.number("user id")?,
            gid: fields.number("group id")?,
            links: fields.number("number of links")?,
            mtime: fields.optional("mtime", |text| text.parse().ok())?,
            size: fields.optional("size", |text| text.parse().ok())?,
            device: fields.optional("device", device)?,
            target: Some(fields.bytes("target")?.to_vec()).filter(|target| !target.is_empty()),
            sha256: fields.optional("SHA-256", |text| Some(text.to_owned()))?,
            first_path: Vec::new(),
        };
        inodes.insert(path.clone(), fields.number("number of the inode")?);
        manifest.insert(path, entry);
    }
    link_up(&mut manifest, &inodes);
    Ok(manifest)
}

fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_NAMES: &str =
        "a|f|4755|1|2|2|-1500000000|3|||00|7|b|f|4755|1|2|2|-1500000000|3|||00|7|";

    fn parse(text: &str) -> Result<Manifest> {
        super::parse(text.replace('|', "\0").as_bytes())
    }

    #[test]
    fn fields_become_entries_and_names_of_one_inode_are_linked() {
        let manifest = parse(TWO_NAMES).unwrap();
        let (a, b) = (&manifest[&b"a"[..]], &manifest[&b"b"[..]]);
        assert_eq!(a, b);
        assert_eq!((b.permissions, b.mtime), (0o4755, Some(-1_500_000_000)));
        assert_eq!((b.size, b.sha256.as_deref()), (Some(3), Some("00")));
        assert_eq!(b.first_path, b"a");
    }

    #[test]
    fn what_a_tar_leaves_open_is_empty() {
        let directory = &parse("|d|755|0|0|2||||||0|").unwrap()[&b""[..]];
        assert_eq!((directory.mtime, directory.size), (None, None));
        let device = &parse("null|c|666|0|0|1|0||1:3|||1|").unwrap()[&b"null"[..]];
        assert_eq!(device.device, Some((1, 3)));
    }

    #[test]
    fn a_field_that_is_none_is_an_error() {
        for (good, bad) in [
            ("|f|4", "|x|4"),
            ("4755", "4799"),
            ("|3|", "|-3|"),
            ("|7|b", "|7"),
        ] {
            assert!(parse(&TWO_NAMES.replacen(good, bad, 1)).is_err(), "{bad}");
        }
    }
}
