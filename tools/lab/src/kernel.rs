// SPDX-License-Identifier: GPL-2.0
//! A stock kernel: its image and its modules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::modinfo;

/// The folder of a kernel as Debian packs it, `lib/modules/RELEASE` with `vmlinuz` in it.
#[derive(Debug, Clone)]
pub struct Kernel {
    folder: PathBuf,
    release: String,
}

impl Kernel {
    /// Takes the folder; its name is the release.
    pub fn open(folder: &Path) -> Result<Self> {
        let release = folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let this = Self {
            folder: folder.to_owned(),
            release: release.to_owned(),
        };
        if !this.image().is_file() {
            let message = format!(
                "{} holds no vmlinuz; name a folder lib/modules/RELEASE of a Debian kernel",
                folder.display()
            );
            return Err(Error::new(Kind::Usage, message));
        }
        Ok(this)
    }

    /// What `uname -r` says in it.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The bootable image.
    pub fn image(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// Its modules by name.
    pub fn modules(&self) -> Result<BTreeMap<String, PathBuf>> {
        modinfo::find_all(&self.folder.join("kernel"))
    }
}
