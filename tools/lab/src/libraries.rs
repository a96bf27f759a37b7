// SPDX-License-Identifier: GPL-2.0
//! The shared libraries of a program, found the way the dynamic loader does, but inside a given
//! root instead of `/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use object::read::elf::{Dyn, ElfFile64, FileHeader, ProgramHeader};
use object::{elf, Endianness};

use crate::error::{Error, Kind, Result};

/// Where Debian's loader looks (and other 64-bit distributions' do).
const DIRECTORIES: &[&str] = &["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"];

/// What has to stand beside a program for it to run; empty for a static program.
#[derive(Debug, Default)]
pub struct Libraries {
    /// The dynamic loader's path in the root.
    pub loader: Option<String>,
    /// Path in the root (without a leading `/`, `usr` merged) to the file on this machine, the
    /// loader included.
    pub files: BTreeMap<String, PathBuf>,
}

/// Finds them.
///
/// # Errors
/// `Missing` for a program that is no ELF file, or one of whose libraries is not in the root.
pub fn of(root: &Path, program: &Path) -> Result<Libraries> {
    let mut found = Libraries::default();
    let mut open = vec![program.to_owned()];
    while let Some(path) = open.pop() {
        let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        let dynamic = Dynamic::parse(&bytes).map_err(|error| {
            let message = format!("{} is no 64-bit ELF program: {error}", path.display());
            Error::new(Kind::Missing, message)
        })?;
        for name in dynamic.loader.iter().chain(&dynamic.needed) {
            // The loader is needed by path and by name; loaded is what has the name.
            if found
                .files
                .keys()
                .any(|path| base_name(path) == base_name(name))
            {
                continue;
            }
            let (guest, file) = locate(root, name, &dynamic.runpath).ok_or_else(|| {
                let (path, root) = (path.display(), root.display());
                let message = format!("{path} needs the library {name}, which is not in {root}");
                Error::new(Kind::Missing, message)
            })?;
            if dynamic.loader.as_ref() == Some(name) {
                found.loader = Some(guest.clone());
            }
            found.files.insert(guest, file.clone());
            open.push(file);
        }
    }
    Ok(found)
}

/// Follows `path` below `root`, symbolic links as if `root` were `/`; `None` where there is
/// nothing.
pub fn resolve(root: &Path, path: &Path) -> Option<PathBuf> {
    // As many links as the kernel follows.
    let mut links = 40;
    let mut rest: Vec<PathBuf> = vec![path.to_owned()];
    let mut at = root.to_owned();
    while let Some(next) = rest.pop() {
        let mut components = next.components();
        let Some(first) = components.next() else {
            continue;
        };
        let tail = components.as_path();
        if tail.components().next().is_some() {
            rest.push(tail.to_owned());
        }
        match first {
            Component::RootDir => at = root.to_owned(),
            Component::ParentDir if at != root => {
                at.pop();
            }
            Component::Normal(name) => {
                let entry = at.join(name);
                if fs::symlink_metadata(&entry).ok()?.is_symlink() {
                    links -= 1;
                    if links == 0 {
                        return None;
                    }
                    rest.push(fs::read_link(&entry).ok()?);
                } else {
                    at = entry;
                }
            }
            _ => {}
        }
    }
    Some(at)
}

/// The last component of a path in a guest.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path in the root, and the file, of a library's name or an interpreter's path.
fn locate(root: &Path, name: &str, runpath: &[String]) -> Option<(String, PathBuf)> {
    if name.contains('/') {
        // Debian has /lib64 as a link to usr/lib64.
        let name = name.trim_start_matches('/');
        let guest = if name.starts_with("lib") {
            format!("usr/{name}")
        } else {
            name.to_owned()
        };
        return resolve(root, Path::new(name)).map(|file| (guest, file));
    }
    let directories = runpath
        .iter()
        .map(String::as_str)
        .chain(DIRECTORIES.iter().copied());
    directories
        .map(|directory| format!("{}/{name}", directory.trim_matches('/')))
        .find_map(|path| resolve(root, Path::new(&path)).map(|file| (path, file)))
}

/// What the loader reads of an ELF file.
#[derive(Default)]
struct Dynamic {
    loader: Option<String>,
    needed: Vec<String>,
    runpath: Vec<String>,
}

impl Dynamic {
    fn parse(bytes: &[u8]) -> object::read::Result<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes)?;
        let endian = file.endian();
        let mut result = Self::default();
        for header in file.elf_program_headers() {
            if let Some(path) = header.interpreter(endian, bytes)? {
                result.loader = Some(String::from_utf8_lossy(path).into_owned());
            }
        }
        let sections = file.elf_header().sections(endian, bytes)?;
        let Some((entries, link)) = sections.dynamic(endian, bytes)? else {
            return Ok(result);
        };
        let strings = sections.strings(endian, bytes, link)?;
        for entry in entries {
            let text = || {
                let offset = u32::try_from(entry.d_val(endian)).unwrap_or(u32::MAX);
                let text = strings.get(offset).unwrap_or_default();
                String::from_utf8_lossy(text).into_owned()
            };
            match entry.d_tag(endian) {
                elf::DT_NEEDED => result.needed.push(text()),
                elf::DT_RUNPATH | elf::DT_RPATH => {
                    result.runpath.extend(text().split(':').map(str::to_owned));
                }
                _ => {}
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_inside_the_root() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("usr/lib/deep")).unwrap();
        fs::write(root.join("usr/lib/a"), "").unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("/usr/lib/a", root.join("absolute")).unwrap();
        symlink("../../../../lib/a", root.join("usr/lib/deep/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("/etc/passwd", root.join("outside")).unwrap();
        for path in ["lib/a", "/lib/a", "absolute", "usr/lib/deep/up", "../lib/a"] {
            assert_eq!(
                resolve(root, Path::new(path)),
                Some(root.join("usr/lib/a")),
                "{path}"
            );
        }
        for path in ["loop", "outside", "lib/b"] {
            assert_eq!(resolve(root, Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn the_loader_agrees() {
        // ldd asks the loader itself what this test's program needs.
        let program = std::env::current_exe().unwrap();
        let ldd = std::process::Command::new("ldd")
            .arg(&program)
            .output()
            .unwrap();
        let ldd = String::from_utf8(ldd.stdout).unwrap();
        let paths = ldd.split_whitespace().filter(|word| word.starts_with('/'));
        let mut expected: Vec<_> = paths.map(|path| fs::canonicalize(path).unwrap()).collect();
        let found = of(Path::new("/"), &program).unwrap();
        let files = found.files.values();
        let mut files: Vec<_> = files.map(|file| fs::canonicalize(file).unwrap()).collect();
        expected.sort();
        files.sort();
        assert_eq!(files, expected);
        assert!(found.loader.unwrap().contains("ld-linux"));
    }

    #[test]
    fn a_script_is_no_program() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "#!/bin/sh\n").unwrap();
        assert_eq!(
            of(Path::new("/"), file.path()).unwrap_err().kind(),
            Kind::Missing
        );
    }
}
