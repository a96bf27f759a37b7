// SPDX-License-Identifier: GPL-2.0
//! Modules that the stock kernel's source has but its packages lack: drivers to compare ours with,
//! file systems to put on our disks.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::{process, Lab};

/// A module of the kernel's source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InTree {
    /// Its name.
    pub module: String,
    /// Its folder in the source, `drivers/block/rnull` for one.
    pub folder: PathBuf,
    /// The option of the configuration that builds it, `CONFIG_BLK_DEV_RUST_NULL` for one.
    pub option: String,
}

impl InTree {
    /// The module's file, which is built if need be, for the kernel of the SDK.
    ///
    /// # Errors
    /// `Build` where it does not compile, `Missing` where the source has no such folder.
    pub fn provide(&self, lab: &Lab) -> Result<PathBuf> {
        let (sdk, toolbox) = (lab.sdk()?, lab.toolbox()?);
        let source = sdk.tree().join(&self.folder);
        let mut inputs = vec!["recipe 1".to_owned(), sdk.release()?, self.option.clone()];
        inputs.push(source.display().to_string());
        inputs.extend(toolbox.compilers()?);
        let file = format!("{}.ko", self.module);
        let name = format!("in-tree-{}", self.module);
        let entry = Entry::new(lab.cache(), &name, inputs, vec![file.clone()]);
        let folder = entry.get(|folder| {
            copy(&source, folder)?;
            let step = Step::start(format!("building the kernel's own {}", self.module));
            let mut command = sdk.make(toolbox, &[(folder, folder)])?;
            command
                .arg(format!("M={}", folder.display()))
                .arg(format!("{}=m", self.option))
                .arg("modules");
            let log = lab.logs().join(format!("{name}.log"));
            let doing = format!("cannot build {}", self.folder.display());
            process::logged(command, &doing, &log, Kind::Build, |_| {})?;
            step.finish();
            Ok(())
        })?;
        Ok(folder.join(file))
    }
}

/// Copies the files of a folder, so that nothing is built in the source.
fn copy(source: &Path, folder: &Path) -> Result<()> {
    let failed = |error| Error::io("list", source, error);
    let entries = fs::read_dir(source).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let message = format!("the kernel's source has no {}", source.display());
            Error::new(Kind::Missing, message)
        }
        _ => failed(error),
    })?;
    for entry in entries {
        let from = entry.map_err(failed)?.path();
        let name = from.file_name().unwrap_or_default();
        if from.is_file() {
            fs::copy(&from, folder.join(name)).map_err(|error| Error::io("copy", &from, error))?;
        }
    }
    Ok(())
}
