// SPDX-License-Identifier: GPL-2.0
//! A stock kernel: its image and its modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::apt::Apt;
use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::releases::Release;
use crate::{modinfo, toolbox};

/// The ends of the debug kernels' releases, as their configurations have them.
const DEBUG_SUFFIXES: &[&str] = &["-blockyard-debug", "-blockyard-kcsan"];

/// The folder of a kernel as Debian packs it, `lib/modules/RELEASE` with `vmlinuz` in it.
#[derive(Debug, Clone)]
pub struct Kernel {
    folder: PathBuf,
    release: String,
}

impl Kernel {
    /// Takes the folder; its name is the release.
    ///
    /// # Errors
    /// `Usage` where it holds no kernel.
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

    /// The one in the cache folder; it is downloaded if need be.
    pub fn provide(
        release: &Release,
        cache: &Path,
        apt: impl FnOnce() -> Result<Apt>,
    ) -> Result<Self> {
        let inputs = vec![release.name.clone(), release.version.clone()];
        let inside = format!("lib/modules/{}", release.name);
        let essential = [
            "vmlinuz",
            "config",
            "modules.builtin",
            "kernel/fs",
            "kernel/drivers/block/null_blk/null_blk.ko.xz",
        ];
        let essential = essential
            .iter()
            .map(|file| format!("{inside}/{file}"))
            .collect();
        let entry = Entry::new(
            cache,
            &format!("kernel-{}", release.name),
            inputs,
            essential,
        );
        let folder = entry.get(|folder| {
            let failed = |error| Error::io("create", folder, error);
            let parts = folder.join("parts");
            fs::create_dir_all(&parts).map_err(failed)?;
            let packages = apt()?.download(&release.kernel_packages(), &parts)?;
            let step = Step::start(format!("unpacking the kernel {}", release.name));
            for package in packages {
                toolbox::unpack(&package, &parts)?;
            }
            fs::create_dir_all(folder.join("lib/modules")).map_err(failed)?;
            fs::rename(parts.join("usr").join(&inside), folder.join(&inside)).map_err(failed)?;
            fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))?;
            step.finish();
            Ok(())
        })?;
        Self::open(&folder.join(inside))
    }

    /// What `uname -r` says in it.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The folder with its image, its configuration (`config`) and its modules (`kernel`).
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is a debug kernel: one with sanitizers, which cost time and memory.
    pub fn is_debug(&self) -> bool {
        DEBUG_SUFFIXES
            .iter()
            .any(|suffix| self.release.ends_with(suffix))
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
