// SPDX-License-Identifier: GPL-2.0
//! What a kernel module says about itself (its ELF section `.modinfo`), and where modules are.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};

use crate::error::{Error, Kind, Result};

/// The facts of a module that loading it needs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ModInfo {
    /// Names of the modules that must be loaded before it.
    pub depends: Vec<String>,
    /// Other names that it answers to, `fs-tarfs` for one; may be patterns.
    pub aliases: Vec<String>,
    /// The release of the kernel that it was built for.
    pub release: Option<String>,
}

impl ModInfo {
    /// Reads them from the bytes of a `.ko` file; `path` is for messages.
    pub fn parse(module: &[u8], path: &Path) -> Result<Self> {
        let bad = |what: &str| {
            let message = format!(
                "{} is no kernel module: {what}; build it again",
                path.display()
            );
            Error::new(Kind::Build, message)
        };
        let file = object::File::parse(module).map_err(|error| bad(&error.to_string()))?;
        let section = file
            .section_by_name(".modinfo")
            .ok_or_else(|| bad("no .modinfo section"))?;
        let data = section.data().map_err(|error| bad(&error.to_string()))?;
        let mut info = Self::default();
        for entry in data.split(|&byte| byte == 0) {
            match String::from_utf8_lossy(entry).split_once('=') {
                Some(("depends", names)) => {
                    let names = names.split(',').filter(|name| !name.is_empty());
                    info.depends.extend(names.map(canonical));
                }
                Some(("vermagic", magic)) => {
                    info.release = magic.split(' ').next().map(str::to_owned);
                }
                Some(("alias", alias)) => info.aliases.push(alias.to_owned()),
                _ => {}
            }
        }
        Ok(info)
    }
}

/// A module's name as the kernel has it: `-` and `_` are one character there.
pub fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

/// All modules below `folder` by name (`x.ko`, `x.ko.xz`).
pub fn find_all(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| Error::io("list", &folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if let Some((name, ".ko" | ".ko.xz")) = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(split_suffix)
            {
                found.insert(canonical(name), path.clone());
            }
        }
    }
    Ok(found)
}

/// The bytes of a module, decompressed.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(|error| Error::io("read", path, error))?;
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(bytes);
    }
    let mut module = Vec::new();
    lzma_rust2::XzReader::new(bytes.as_slice(), false)
        .read_to_end(&mut module)
        .map_err(|error| Error::io("decompress", path, error))?;
    Ok(module)
}

fn split_suffix(name: &str) -> Option<(&str, &str)> {
    name.find(".ko").map(|dot| name.split_at(dot))
}
