// SPDX-License-Identifier: GPL-2.0
//! What is costly to make, kept under a key of its inputs.
//!
//! An entry NAME-HASH is built in `NAME-HASH.partial` and renamed when it is whole, so a killed
//! build never looks like an entry. Its stamp, `NAME-HASH/stamp`, is written last; it names the
//! inputs, and size and time of the entry's essential files, which are compared at each use: an
//! entry that does not match its stamp is built again.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{flock, FlockOperation};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};
use crate::process;
use crate::progress::Step;

/// An entry, made or to be made.
#[derive(Debug, Clone)]
pub struct Entry {
    folder: PathBuf,
    inputs: Vec<String>,
    essential: Vec<String>,
}

impl Entry {
    /// The entry `name` of a cache folder for `inputs`. `essential` are paths in it, relative;
    /// each must be there, as a file or a link to one, when it is built.
    pub fn new(cache: &Path, name: &str, inputs: Vec<String>, essential: Vec<String>) -> Self {
        let digest = Sha256::digest(inputs.join("\n"));
        let key: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = cache.join(format!("{name}-{key}"));
        Self {
            folder,
            inputs,
            essential,
        }
    }

    /// The folder of the entry if it is whole; else `build` makes it in the folder that it is
    /// given. Only one process builds an entry at a time, the others wait.
    ///
    /// # Errors
    /// What `build` says; `Build` where an essential file is missing after it.
    pub fn get(&self, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        if self.is_whole() {
            return Ok(self.folder.clone());
        }
        let _lock = lock(&self.sibling("lock"))?;
        // Another process may have built it meanwhile.
        if self.is_whole() {
            return Ok(self.folder.clone());
        }
        let partial = Partial {
            folder: self.sibling("partial"),
        };
        remove(&partial.folder)?;
        let failed = |error| Error::io("create", &partial.folder, error);
        fs::create_dir_all(&partial.folder).map_err(failed)?;
        build(&partial.folder)?;
        let stamp = self.stamp(&partial.folder).map_err(|error| {
            error.within(format!(
                "building {} left it incomplete",
                self.folder.display()
            ))
        })?;
        let stamp_file = partial.folder.join(STAMP);
        fs::write(&stamp_file, stamp).map_err(|error| Error::io("write", &stamp_file, error))?;
        remove(&self.folder)?;
        fs::rename(&partial.folder, &self.folder)
            .map_err(|error| Error::io("rename to", &self.folder, error))?;
        Ok(self.folder.clone())
    }

    /// Where the entry is or will be.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn is_whole(&self) -> bool {
        let found = fs::read_to_string(self.folder.join(STAMP));
        matches!((found, self.stamp(&self.folder)), (Ok(found), Ok(stamp)) if found == stamp)
    }

    fn stamp(&self, folder: &Path) -> Result<String> {
        let mut stamp = String::new();
        for input in &self.inputs {
            let _ = writeln!(stamp, "input {input}");
        }
        for path in &self.essential {
            let file = folder.join(path);
            // A link in a root folder leads out of it if it is absolute: it stands for itself.
            let metadata = fs::symlink_metadata(&file).map_err(|error| {
                Error::new(Kind::Build, format!("no {}: {error}", file.display()))
            })?;
            let (size, seconds) = (metadata.size(), metadata.mtime());
            let _ = writeln!(
                stamp,
                "file {path} {size} {seconds}.{:09}",
                metadata.mtime_nsec()
            );
        }
        stamp.push_str("end\n");
        Ok(stamp)
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        let mut name = self.folder.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }
}

const STAMP: &str = "stamp";

/// A folder being built; dropping it removes it, unless it was renamed.
struct Partial {
    folder: PathBuf,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // The next build removes what stays.
        let _ = remove(&self.folder);
    }
}

/// A lock that ends with this value or with the process.
pub struct Lock {
    _file: File,
}

/// Takes the lock of that file, which is made if need be; waits for other processes.
///
/// # Errors
/// `Interrupted` while waiting.
pub fn lock(path: &Path) -> Result<Lock> {
    let file = File::create(path).map_err(|error| Error::io("create", path, error))?;
    let mut waiting = None;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                waiting.get_or_insert_with(|| {
                    Step::start(format!(
                        "waiting for another run that holds {}",
                        path.display()
                    ))
                });
                if process::interrupted() {
                    return Err(process::interruption());
                }
                thread::sleep(Duration::from_millis(200));
            }
            Err(error) => return Err(Error::io("lock", path, error.into())),
        }
    }
}

/// Removes a folder if it is there, files of subordinate users too.
pub fn remove(folder: &Path) -> Result<()> {
    let failed = |error| Error::io("remove", folder, error);
    for _ in 0..50 {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let mut command = std::process::Command::new("unshare");
                command.args(["--user", "--map-auto", "--map-root-user", "rm", "-rf", "--"]);
                let status = command.arg(folder).status().map_err(failed)?;
                return if status.success() {
                    Ok(())
                } else {
                    Err(failed(error))
                };
            }
            // A process that was just killed may have written one file more.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    fs::remove_dir_all(folder).map_err(failed)
}
