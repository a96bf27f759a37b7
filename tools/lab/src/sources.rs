// SPDX-License-Identifier: GPL-2.0
//! The files of the checkout that people wrote, as opposed to what was built beside them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What Kbuild compiles.
pub const KERNEL_SIDE: &[&str] = &[
    "Kbuild",
    "rust",
    "block",
    "fs",
    "samples",
    "tests/deliberate_bugs",
];
/// What has Rust files.
pub const RUST: &[&str] = &[
    "rust", "block", "fs", "samples", "tools", "tests", "benches",
];

/// The sources in those files and folders of the checkout.
pub fn find(checkout: &Path, parts: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in parts {
        collect(&checkout.join(part), &mut files)?;
    }
    files.retain(|file| is_source(file));
    Ok(files)
}

/// Adds a file, or all files below a folder, `target` folders aside.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let failed = |error| Error::io("list", path, error);
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != "target" {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

fn is_source(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, "rs")) => !stem.ends_with("_generated"),
        Some((stem, "c")) => !stem.ends_with(".mod"),
        Some((_, extension)) => extension == "h",
        None => matches!(name, "Kbuild" | "Makefile"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let all = [
            "rust/a.rs",
            "rust/a_generated.rs",
            "rust/liba.rmeta",
            "block/x/Kbuild",
            "block/x/x.mod.c",
            "block/x/x.c",
            "block/x/x.ko",
            "block/target/b.rs",
        ];
        for file in all {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let mut found = find(folder.path(), &["rust", "block"]).unwrap();
        found.sort();
        let expected = ["block/x/Kbuild", "block/x/x.c", "rust/a.rs"];
        assert_eq!(found, expected.map(|file| folder.path().join(file)));
    }
}
