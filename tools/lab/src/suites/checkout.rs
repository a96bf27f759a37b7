// SPDX-License-Identifier: GPL-2.0
//! A person's checkout of a suite, and a copy of it that is built: the checkout itself stays as it
//! is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::{process, Lab};

/// How a suite is known and built.
pub struct Suite {
    /// Its name.
    pub name: &'static str,
    /// The variable of `make` that names a checkout.
    pub variable: &'static str,
    /// Files that each checkout has.
    pub marks: &'static [&'static str],
    /// What sh runs in the copy to build it.
    pub build: &'static str,
    /// What the build leaves, relative.
    pub built: &'static [&'static str],
}

impl Suite {
    /// The folder with the built copy of a checkout; it is built anew where the checkout changed.
    ///
    /// # Errors
    /// `Usage` where there is no checkout or it is another thing; `Build` where it does not build.
    pub fn provide(&self, lab: &Lab, checkout: Option<&Path>) -> Result<PathBuf> {
        let checkout = self.find(checkout)?;
        let mut inputs = vec!["recipe 1".to_owned(), self.build.to_owned()];
        list(&checkout, &checkout, &mut inputs)?;
        inputs.sort();
        let essential = self
            .built
            .iter()
            .map(|file| format!("{}/{file}", self.name));
        let entry = Entry::new(lab.cache(), self.name, inputs, essential.collect());
        let folder = entry.get(|folder| self.build(lab, &checkout, &folder.join(self.name)))?;
        Ok(folder.join(self.name))
    }

    fn find(&self, checkout: Option<&Path>) -> Result<PathBuf> {
        let (name, variable) = (self.name, self.variable);
        let Some(checkout) = checkout.filter(|path| !path.as_os_str().is_empty()) else {
            let message = format!(
                "{name} is in no package: clone its repository, and name the clone, \
                 `make {name} {variable}=FOLDER`"
            );
            return Err(Error::new(Kind::Usage, message));
        };
        let lacks = |mark: &&&str| !checkout.join(mark).exists();
        if let Some(mark) = self.marks.iter().find(lacks) {
            let message = format!(
                "{variable}: {} is no checkout of {name}: it has no {mark}",
                checkout.display()
            );
            return Err(Error::new(Kind::Usage, message));
        }
        fs::canonicalize(checkout).map_err(|error| Error::io("find", checkout, error))
    }

    fn build(&self, lab: &Lab, checkout: &Path, copy: &Path) -> Result<()> {
        let step = Step::start(format!("building {}", self.name));
        let mut command = process::command("cp");
        command.args(["--recursive", "--preserve=mode,timestamps,links"]);
        command.arg("--no-target-directory").arg(checkout).arg(copy);
        process::output(command, Kind::Other)?;
        let mut command = lab.toolbox()?.command(&[(copy, copy)], copy);
        command.args(["sh", "-e", "-c", self.build]);
        let log = lab.logs().join(format!("{}-build.log", self.name));
        let doing = format!("cannot build {}", self.name);
        process::logged(command, &doing, &log, Kind::Build, |line| step.note(line))?;
        step.finish();
        Ok(())
    }
}

/// Adds name, size and time of each file below a folder, but for git's.
fn list(top: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    let failed = |error| Error::io("list", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, metadata) = (entry.path(), entry.metadata().map_err(failed)?);
        if entry.file_name() == ".git" {
            continue;
        }
        if metadata.is_dir() {
            list(top, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(top).unwrap_or(&path).display();
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        files.push(format!(
            "{name} {} {seconds}.{nanoseconds:09}",
            metadata.size()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: Suite = Suite {
        name: "suite",
        variable: "SUITE",
        marks: &["check", "tests/block"],
        build: "make",
        built: &["check"],
    };

    #[test]
    fn what_is_no_checkout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let refused = |checkout| SUITE.find(checkout).unwrap_err();
        for nothing in [None, Some(Path::new(""))] {
            let error = refused(nothing);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(
                error.to_string().contains("make suite SUITE=FOLDER"),
                "{error}"
            );
        }
        fs::write(path.join("check"), "").unwrap();
        let error = refused(Some(path));
        assert_eq!(error.kind(), Kind::Usage);
        assert!(
            error.to_string().ends_with("it has no tests/block"),
            "{error}"
        );
        fs::create_dir_all(path.join("tests/block")).unwrap();
        assert!(SUITE.find(Some(path)).is_ok());
    }

    #[test]
    fn a_changed_file_is_another_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let files = || {
            let mut files = Vec::new();
            list(path, path, &mut files).unwrap();
            files
        };
        fs::create_dir_all(path.join("tests")).unwrap();
        fs::create_dir_all(path.join(".git")).unwrap();
        fs::write(path.join("tests/001"), "a").unwrap();
        let before = files();
        fs::write(path.join(".git/HEAD"), "a").unwrap();
        assert_eq!(files(), before);
        fs::write(path.join("tests/001"), "ab").unwrap();
        assert_ne!(files(), before);
    }
}
