// SPDX-License-Identifier: GPL-2.0

//! The loaded driver, as configfs has it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::Error;

/// What the drivers call their directory: ours first.
const ROOTS: [&str; 2] = ["rnull", "nullb"];

/// A loaded driver.
pub struct Driver {
    root: PathBuf,
    features: Vec<String>,
}

impl Driver {
    /// Finds the driver in a mounted configfs.
    ///
    /// # Errors
    /// [`Error::NoDriver`], [`Error::Io`].
    pub fn find(configfs: &Path) -> Result<Self, Error> {
        let mut roots = ROOTS.iter().map(|root| configfs.join(root));
        let root = roots.find(|root| root.is_dir());
        let root = root.ok_or_else(|| Error::NoDriver {
            configfs: configfs.to_owned(),
        })?;
        let file = root.join("features");
        let features = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
        let features = features.trim_end().split(',').map(str::to_owned).collect();
        Ok(Self { root, features })
    }

    /// Whether disks have the attribute.
    pub fn has(&self, attribute: &str) -> bool {
        self.features.iter().any(|feature| feature == attribute)
    }

    /// The attributes that disks have.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Makes the directory of a disk.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Exists`], [`Error::Io`].
    pub fn create(&self, name: &str) -> Result<Disk<'_>, Error> {
        let path = self.directory(name)?;
        fs::create_dir(&path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Exists {
                disk: name.to_owned(),
            },
            _ => Error::io("make", &path)(error),
        })?;
        Ok(Disk::new(self, name, path))
    }

    /// A disk that is there.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::NoDisk`].
    pub fn disk(&self, name: &str) -> Result<Disk<'_>, Error> {
        let path = self.directory(name)?;
        if !path.is_dir() {
            return Err(Error::NoDisk {
                disk: name.to_owned(),
            });
        }
        Ok(Disk::new(self, name, path))
    }

    /// All disks, by name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn disks(&self) -> Result<Vec<Disk<'_>>, Error> {
        let failed = || Error::io("list", &self.root);
        let mut disks = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            if path.is_dir() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                disks.push(Disk::new(self, &name, path.clone()));
            }
        }
        disks.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(disks)
    }

    /// The directory of a disk. The kernel cuts names to 31 bytes, and gives a slash another
    /// meaning.
    fn directory(&self, name: &str) -> Result<PathBuf, Error> {
        if name.is_empty() || name.len() > 31 || name.starts_with('.') || name.contains('/') {
            return Err(Error::Name {
                disk: name.to_owned(),
            });
        }
        Ok(self.root.join(name))
    }
}
