// SPDX-License-Identifier: GPL-2.0
//! The toolbox: a Debian 13 root with the compilers, QEMU, and the guests' programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Kind, Result};
use crate::{libraries, process};

/// Where programs are in a merged-/usr system.
const PROGRAMS: &[&str] = &["usr/bin", "usr/sbin"];
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// A root folder with the tools in it.
#[derive(Debug, Clone)]
pub struct Toolbox {
    root: PathBuf,
}

impl Toolbox {
    /// Takes the folder.
    pub fn open(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
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
        PROGRAMS
            .iter()
            .map(|folder| format!("{folder}/{name}"))
            .find_map(|path| libraries::resolve(&self.root, Path::new(&path)).map(|f| (path, f)))
            .ok_or_else(|| {
                let message = format!("the toolbox {} has no program {name}", self.root.display());
                Error::new(Kind::Missing, message)
            })
    }

    /// A command that runs QEMU from the toolbox with this machine's paths: QEMU brings its own
    /// loader and libraries, so that it needs no rights and sees every file.
    pub fn qemu(&self) -> Result<Command> {
        let (_, program) = self.find_program("qemu-system-x86_64")?;
        let libraries = self.root.join(LIBRARIES);
        let mut command = process::command(self.root.join("lib64/ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(&libraries).arg(program);
        command.env("QEMU_MODULE_DIR", libraries.join("qemu"));
        command.arg("-L").arg(self.root.join("usr/share/qemu"));
        command.arg("-L").arg(self.root.join("usr/share/seabios"));
        Ok(command)
    }
}
