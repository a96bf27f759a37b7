// SPDX-License-Identifier: GPL-2.0
//! Our modules: built where they stand in the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Kind, Result};
use crate::modinfo::{self, ModInfo};
use crate::progress::Step;
use crate::{cache, process, sources, Lab};

/// What a build prints that a person must see although it succeeded.
const WARNING: &str = "warning:";
/// The folders with modules in them.
const FOLDERS: &[&str] = &["block", "fs", "samples", "tests/deliberate_bugs"];

/// The null block driver by the name of the kernel's own, which is not built unless it is asked for.
const NULL_BLK: &str = "null_blk";

/// Builds them for the kernel of the SDK; `null_blk.ko` too if `null_blk`.
///
/// # Errors
/// `Build`, after all that the compiler said.
pub fn build(lab: &Lab, null_blk: bool) -> Result<()> {
    let (sdk, toolbox) = (lab.sdk()?, lab.toolbox()?);
    let _lock = cache::lock(&lab.cache().join("modules.lock"))?;
    let step = Step::start(format!("building the modules for {}", sdk.release()?));
    let mut command = sdk.make(toolbox, &[(lab.checkout(), lab.checkout())])?;
    command
        .arg(format!("M={}", lab.checkout().display()))
        .args(null_blk.then_some("NULL_BLK=1"))
        .arg("modules");
    let log = lab.logs().join("modules.log");
    let built = process::logged(
        command,
        "cannot build the modules",
        &log,
        Kind::Build,
        |line| {
            step.note(line.trim());
        },
    );
    let output = fs::read_to_string(&log).map_err(|error| Error::io("read", &log, error))?;
    if built.is_err() || output.contains(WARNING) {
        eprint!("{output}");
    }
    built?;
    step.finish();
    Ok(())
}

/// The file of a module, which is built if it is missing, older than the sources, or for another
/// kernel than guests boot.
///
/// # Errors
/// As [`build`]; `Missing` where no such module is built.
pub fn provide(lab: &Lab, name: &str) -> Result<PathBuf> {
    // Tests run in threads: the first builds, the others wait.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match find(lab, name)? {
        Some(file) if is_fresh(lab, &file)? => Ok(file),
        _ => {
            build(lab, modinfo::canonical(name) == NULL_BLK)?;
            find(lab, name)?.ok_or_else(|| {
                Error::new(
                    Kind::Missing,
                    format!("there is no module {name} in the checkout"),
                )
            })
        }
    }
}

fn find(lab: &Lab, name: &str) -> Result<Option<PathBuf>> {
    for folder in FOLDERS {
        let mut modules = modinfo::find_all(&lab.checkout().join(folder))?;
        if let Some(file) = modules.remove(&modinfo::canonical(name)) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn is_fresh(lab: &Lab, module: &Path) -> Result<bool> {
    let built = modified(module)?;
    for source in sources::find(lab.checkout(), sources::KERNEL_SIDE)? {
        if modified(&source)? > built {
            return Ok(false);
        }
    }
    let info = ModInfo::parse(&modinfo::read(module)?, module)?;
    Ok(info.release.as_deref() == Some(lab.kernel()?.release()))
}

fn modified(file: &Path) -> Result<std::time::SystemTime> {
    let metadata = fs::metadata(file).and_then(|metadata| metadata.modified());
    metadata.map_err(|error| Error::io("read the time of", file, error))
}
