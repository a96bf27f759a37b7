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

    /// Removes the entry, so that the next [`Entry::get`] makes it anew.
    pub fn discard(&self) -> Result<()> {
        let _lock = lock(&self.sibling("lock"))?;
        remove(&self.folder)
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

/// Makes the cache folder if need be. One that is new gets the tag by which backups know it.
pub fn create(cache: &Path) -> Result<()> {
    let failed = |error| Error::io("create", cache, error);
    fs::create_dir_all(cache).map_err(failed)?;
    if fs::read_dir(cache).map_err(failed)?.next().is_none() {
        fs::write(cache.join(TAG), TAG_TEXT).map_err(failed)?;
    }
    Ok(())
}

/// Removes the cache folder.
///
/// # Errors
/// `Usage` for a folder that [`create`] found with other files in it.
pub fn clear(cache: &Path) -> Result<()> {
    if fs::read_to_string(cache.join(TAG)).is_ok_and(|text| text == TAG_TEXT) {
        return remove(cache);
    }
    let cache = cache.display();
    let message = format!("{cache} was there before this program: remove it yourself");
    Err(Error::new(Kind::Usage, message))
}

/// As the Cache Directory Tagging Specification has it.
const TAG: &str = "CACHEDIR.TAG";
const TAG_TEXT: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by Blockyard.\n";

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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn entry(cache: &Path) -> Entry {
        Entry::new(
            cache,
            "thing",
            vec!["one".into(), "two".into()],
            vec!["a".into(), "d/b".into()],
        )
    }

    fn write(folder: &Path) -> Result<()> {
        fs::create_dir(folder.join("d")).unwrap();
        fs::write(folder.join("a"), "alpha").unwrap();
        fs::write(folder.join("d/b"), "beta").unwrap();
        Ok(())
    }

    /// Gets the entry, and says whether it was built for that.
    fn built(cache: &Path) -> bool {
        let built = Cell::new(false);
        let folder = entry(cache).get(|folder| {
            built.set(true);
            write(folder)
        });
        assert_eq!(
            fs::read_to_string(folder.unwrap().join("a")).unwrap(),
            "alpha"
        );
        built.get()
    }

    /// All that is in the cache but locks.
    fn names(cache: &Path) -> Vec<String> {
        let names = fs::read_dir(cache).unwrap().map(|e| e.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }

    #[test]
    fn an_entry_is_built_once() {
        let cache = tempfile::tempdir().unwrap();
        assert!(built(cache.path()));
        assert!(!built(cache.path()));
        entry(cache.path()).discard().unwrap();
        assert!(built(cache.path()));
        let other = Entry::new(cache.path(), "thing", vec!["one".into()], vec!["a".into()]);
        assert_ne!(other.folder(), entry(cache.path()).folder());
    }

    #[test]
    fn what_does_not_match_its_stamp_is_built_again() {
        let cache = tempfile::tempdir().unwrap();
        built(cache.path());
        let folder = entry(cache.path()).folder().to_owned();
        let stamp = fs::read_to_string(folder.join(STAMP)).unwrap();
        let damages: [&dyn Fn(); 5] = [
            &|| fs::write(folder.join(STAMP), &stamp[..stamp.len() - 4]).unwrap(),
            &|| fs::write(folder.join(STAMP), "").unwrap(),
            &|| fs::remove_file(folder.join(STAMP)).unwrap(),
            &|| fs::write(folder.join("a"), "alph").unwrap(),
            &|| fs::remove_dir_all(folder.join("d")).unwrap(),
        ];
        for (number, damage) in damages.iter().enumerate() {
            damage();
            assert!(built(cache.path()), "damage {number}");
            assert!(!built(cache.path()), "after damage {number}");
        }
    }

    #[test]
    fn a_failed_build_leaves_nothing_and_a_killed_one_is_no_entry() {
        let cache = tempfile::tempdir().unwrap();
        let failing = entry(cache.path()).get(|folder| {
            write(folder)?;
            Err(Error::new(Kind::Build, "no"))
        });
        assert_eq!(failing.unwrap_err().kind(), Kind::Build);
        assert_eq!(names(cache.path()), [""; 0]);

        let incomplete = entry(cache.path()).get(|folder| {
            fs::write(folder.join("a"), "").unwrap();
            Ok(())
        });
        assert!(incomplete.unwrap_err().to_string().contains("d/b"));
        assert_eq!(names(cache.path()), [""; 0]);

        let killed = entry(cache.path()).sibling("partial");
        fs::create_dir_all(killed.join("d/rest")).unwrap();
        assert!(built(cache.path()));
        assert_eq!(names(cache.path()).len(), 1);
    }

    #[test]
    fn of_two_builders_at_once_one_waits_for_the_other() {
        let cache = tempfile::tempdir().unwrap();
        let builds = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let build = |folder: &Path| {
                        builds.fetch_add(1, Ordering::Relaxed);
                        thread::sleep(Duration::from_millis(100));
                        write(folder)
                    };
                    entry(cache.path()).get(build).unwrap();
                });
            }
        });
        assert_eq!(builds.into_inner(), 1);
    }

    #[test]
    fn only_our_own_folder_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let ours = folder.path().join("ours");
        create(&ours).unwrap();
        create(&ours).unwrap();
        clear(&ours).unwrap();
        assert!(!ours.exists());

        fs::write(folder.path().join("precious"), "").unwrap();
        create(folder.path()).unwrap();
        assert_eq!(clear(folder.path()).unwrap_err().kind(), Kind::Usage);
        assert!(folder.path().join("precious").exists());
    }
}
