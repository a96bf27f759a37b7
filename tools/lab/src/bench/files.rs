// SPDX-License-Identifier: GPL-2.0
//! The files of a benchmark on this machine, and the commands that are run on them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::{Error, Kind, Result};
use crate::{mkfs, process, Lab};

/// The files of one subject, in a folder that lives as long as this.
pub struct Files {
    folder: tempfile::TempDir,
    tar: Option<PathBuf>,
}

impl Files {
    /// Makes the folder; `tar` is the archive for `{tar}`.
    pub fn new(lab: &Lab, tar: Option<PathBuf>) -> Result<Self> {
        let folder = tempfile::tempdir_in(lab.cache())
            .map_err(|error| Error::io("create a folder in", lab.cache(), error))?;
        Ok(Self { folder, tar })
    }

    /// A command of a definition; see [`Subject`](super::definition::Subject).
    ///
    /// # Errors
    /// `Usage` for an unknown name in braces, `Missing` for a program that is not there.
    pub fn command(&self, lab: &Lab, line: &str) -> Result<Command> {
        let mut words = line.split_whitespace();
        let mut command = match words.next() {
            Some("mkfs.tarfs") => mkfs::command()?,
            Some(program) => lab.toolbox()?.program(program)?,
            None => return Err(Error::new(Kind::Usage, "a subject has an empty command")),
        };
        for word in words {
            if word.starts_with('{') {
                command.arg(self.find(word)?);
            } else {
                command.arg(word);
            }
        }
        Ok(command)
    }

    /// Runs a command of a definition, which may end in `<{tar}`: its input is the archive then.
    ///
    /// # Errors
    /// As [`Files::command`]; `Other` where the command fails.
    pub fn run(&self, lab: &Lab, line: &str) -> Result<()> {
        let (line, input) = match line.split_once('<') {
            Some((line, input)) => (line, Some(self.find(input.trim())?)),
            None => (line, None),
        };
        let input = match input {
            Some(path) => File::open(&path)
                .map_err(|error| Error::io("read", &path, error))?
                .into(),
            None => Stdio::null(),
        };
        process::output_of(self.command(lab, line)?, input, Kind::Other).map(drop)
    }

    /// The file that a word in braces stands for. The copy is made when it is first asked for, and
    /// has its original length at each time.
    pub fn find(&self, word: &str) -> Result<PathBuf> {
        match word {
            "{tar}" => self.tar().cloned(),
            "{image}" => Ok(self.folder.path().join("image")),
            "{copy}" => self.copy(),
            _ => {
                let message =
                    format!("a command has {word}; there are {{tar}}, {{copy}}, {{image}}");
                Err(Error::new(Kind::Usage, message))
            }
        }
    }

    /// Removes what a run made.
    pub fn reset(&self) -> Result<()> {
        let image = self.find("{image}")?;
        match fs::remove_file(&image) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", image, error))
            }
            _ => Ok(()),
        }
    }

    /// The bytes that a run wrote into the image or added to the copy.
    pub fn growth(&self) -> Result<u64> {
        let image = self.folder.path().join("image");
        if image.exists() {
            return length(&image);
        }
        let copy = self.folder.path().join("copy");
        Ok(length(&copy)?.saturating_sub(length(self.tar()?)?))
    }

    fn tar(&self) -> Result<&PathBuf> {
        let message = "a command has {tar} or {copy}, but the definition names no `tar`";
        self.tar
            .as_ref()
            .ok_or_else(|| Error::new(Kind::Usage, message))
    }

    fn copy(&self) -> Result<PathBuf> {
        let (tar, copy) = (self.tar()?, self.folder.path().join("copy"));
        if copy.exists() {
            let failed = |error| Error::io("truncate", &copy, error);
            let file = File::options().write(true).open(&copy).map_err(failed)?;
            file.set_len(length(tar)?).map_err(failed)?;
        } else {
            fs::copy(tar, &copy).map_err(|error| Error::io("copy to", &copy, error))?;
        }
        Ok(copy)
    }
}

fn length(path: &PathBuf) -> Result<u64> {
    fs::metadata(path)
        .map(|metadata| metadata.len())
        .map_err(|error| Error::io("read", path, error))
}
