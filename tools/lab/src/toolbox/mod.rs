// SPDX-License-Identifier: GPL-2.0
//! The toolbox: a Debian 13 root with the compilers, QEMU, and the guests' programs.

mod bootstrap;
pub mod namespaces;
mod recipe;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::{self, Apt};
use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::{libraries, process};

pub use bootstrap::unpack;

/// Where programs are in a merged-/usr system.
const FOLDERS: &[&str] = &["usr/bin", "usr/sbin"];
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// A root folder with the tools in it.
#[derive(Debug, Clone)]
pub struct Toolbox {
    root: PathBuf,
}

impl Toolbox {
    /// Takes a folder that holds a toolbox.
    ///
    /// # Errors
    /// `Missing` where a program is not there.
    pub fn open(root: &Path) -> Result<Self> {
        match missing_program(root) {
            None => Ok(Self {
                root: root.to_owned(),
            }),
            Some(program) => {
                let root = root.display();
                let message = format!("{root} is no toolbox: it has no {program}");
                Err(Error::new(Kind::Missing, message))
            }
        }
    }

    /// The running system where it is a Debian 13 that has all programs, else the one in the
    /// cache folder, which is made if need be, and anew with `update`.
    pub fn provide(cache: &Path, logs: &Path, update: bool) -> Result<Self> {
        let system = Path::new("/");
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        if is_debian_13(&release) && missing_program(system).is_none() {
            return Ok(Self {
                root: system.to_owned(),
            });
        }
        let mut inputs = vec!["recipe 1".to_owned()];
        inputs.extend(apt::SUITES.iter().map(|suite| format!("suite {suite}")));
        inputs.extend(
            recipe::PACKAGES
                .iter()
                .map(|package| format!("package {package}")),
        );
        let mut essential = vec!["root/var/lib/dpkg/status".to_owned()];
        essential.extend(
            recipe::PROGRAMS
                .iter()
                .map(|program| format!("root/{program}")),
        );
        let entry = Entry::new(cache, "toolbox", inputs, essential);
        if update {
            entry.discard()?;
        }
        let folder =
            entry.get(|folder| bootstrap::bootstrap(&Apt::new(cache, logs)?, folder, logs))?;
        Ok(Self {
            root: folder.join("root"),
        })
    }

    /// The root folder; `/` where the running system is the toolbox.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A program's path in the root (without a leading `/`), and its file.
    ///
    /// # Errors
    /// `Missing` where the toolbox has no such program.
    pub fn find_program(&self, name: &str) -> Result<(String, PathBuf)> {
        FOLDERS
            .iter()
            .map(|folder| format!("{folder}/{name}"))
            .find_map(|path| libraries::resolve(&self.root, Path::new(&path)).map(|f| (path, f)))
            .ok_or_else(|| {
                let message = format!("the toolbox {} has no program {name}", self.root.display());
                Error::new(Kind::Missing, message)
            })
    }

    /// The start of a command that runs in the toolbox, in `directory`, with an empty environment;
    /// the caller adds the program. Each of `folders` is seen at the path that stands beside it.
    pub fn command(&self, folders: &[(&Path, &Path)], directory: &Path) -> Command {
        if self.root == Path::new("/") {
            let mut command = process::command("/usr/bin/env");
            command.arg("-i").arg("-C").arg(directory);
            command.args(["PATH=/usr/sbin:/usr/bin", "HOME=/root", "LC_ALL=C.UTF-8"]);
            return command;
        }
        let mut command = namespaces::command();
        command.args(["sh", "-c", include_str!("enter.sh"), "enter"]);
        command.arg(&self.root).arg(directory);
        for (source, target) in folders {
            command.arg(source).arg(target);
        }
        command.arg("--");
        command
    }

    /// Where a command in the toolbox sees a folder that is to be seen at `wanted`: there, unless
    /// the running system is the toolbox.
    pub fn place<'a>(&self, folder: &'a Path, wanted: &'a Path) -> &'a Path {
        if self.root == Path::new("/") {
            folder
        } else {
            wanted
        }
    }

    /// A command that runs a program of the toolbox with this machine's paths: it brings its own
    /// loader and libraries, so that it needs no rights and sees every file.
    pub fn program(&self, name: &str) -> Result<Command> {
        let (_, program) = self.find_program(name)?;
        let mut command = process::command(self.root.join("lib64/ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(self.root.join(LIBRARIES));
        command.arg(program);
        Ok(command)
    }

    /// A command that runs the toolbox's Python with this machine's paths.
    pub fn python(&self) -> Result<Command> {
        let mut command = self.program("python3")?;
        command.env("PYTHONHOME", self.root.join("usr"));
        command.env_remove("PYTHONPATH");
        // The toolbox stays as it is: no compiled modules are left in it.
        command.args(["-s", "-B"]);
        Ok(command)
    }

    /// A command that runs QEMU with this machine's paths.
    pub fn qemu(&self) -> Result<Command> {
        let mut command = self.program("qemu-system-x86_64")?;
        command.env("QEMU_MODULE_DIR", self.root.join(LIBRARIES).join("qemu"));
        command.arg("-L").arg(self.root.join("usr/share/qemu"));
        command.arg("-L").arg(self.root.join("usr/share/seabios"));
        Ok(command)
    }

    /// The versions of the compilers, as "PACKAGE VERSION" each: what an SDK depends on.
    pub fn compilers(&self) -> Result<Vec<String>> {
        let file = self.root.join("var/lib/dpkg/status");
        let status = fs::read_to_string(&file).map_err(|error| Error::io("read", &file, error))?;
        let version = |package: &&str| {
            installed_version(&status, package).map(|version| format!("{package} {version}"))
        };
        Ok(recipe::COMPILERS.iter().filter_map(version).collect())
    }
}

/// The first program of the recipe that a root lacks.
fn missing_program(root: &Path) -> Option<&'static str> {
    let found = |path: &str| libraries::resolve(root, Path::new(path)).is_some();
    recipe::PROGRAMS.iter().copied().find(|path| !found(path))
}

fn is_debian_13(os_release: &str) -> bool {
    let has = |wanted: &str| {
        os_release
            .lines()
            .any(|line| line.replace('"', "") == wanted)
    };
    has("ID=debian") && has("VERSION_ID=13")
}

/// The version of a package in dpkg's status file.
fn installed_version<'a>(status: &'a str, package: &str) -> Option<&'a str> {
    let named = |stanza: &&str| stanza.lines().next() == Some(&format!("Package: {package}"));
    let stanza = status.split("\n\n").find(named)?;
    stanza
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_13_is_debian_13() {
        assert!(is_debian_13(
            "PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"13\"\n"
        ));
        assert!(!is_debian_13("ID=debian\nVERSION_ID=\"12\"\n"));
        assert!(!is_debian_13("ID=other\nVERSION_ID=13\n"));
    }

    #[test]
    fn a_version_is_the_package_s_own() {
        let status = "Package: gcc\nVersion: 4:14\n\nPackage: gcc-14\nStatus: x\nVersion: 14.2-1\n";
        assert_eq!(installed_version(status, "gcc-14"), Some("14.2-1"));
        assert_eq!(installed_version(status, "rustc"), None);
    }
}
