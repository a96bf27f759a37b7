// SPDX-License-Identifier: GPL-2.0
//! The system that suites run in: all programs of the toolbox, all modules of the stock kernel.
//!
//! Two read-only images below one overlay: the toolbox, and a folder with the suite, the kernel's
//! modules and, in the place of the kernel's own, modules of ours. It is the laboratory's guest, and
//! not virtme-ng's, that mounts them: virtme-ng runs its first command after 55 s under software
//! emulation, needs the modules inside the root that it shares, and has no way
//! to run one test after another and to see after each what became of the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Kind, Result};
use crate::guest::{Access, Boot, Guest, Output};
use crate::progress::Step;
use crate::{process, Lab};

use super::runner::Driver;

/// What no suite needs of the toolbox: most of its size.
const LEFT_OUT: &[&str] = &[
    "usr/include",
    "usr/lib/gcc*",
    "usr/lib/llvm*",
    "usr/lib/modules",
    "usr/lib/rustlib",
    "usr/lib/x86_64-linux-gnu/libLLVM*",
    "usr/lib/x86_64-linux-gnu/librustc*",
    "usr/libexec/gcc*",
    "usr/local",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "usr/src",
];

/// What makes the many short processes of a suite cheaper under software emulation: page tables of
/// four levels, pages that are not cleared twice, and none of what guards against attackers.
const FAST: &str =
    "mitigations=off no5lvl init_on_alloc=0 randomize_kstack_offset=off apparmor=0 audit=0";

/// The images of a system, in a folder that goes with this value.
pub struct System<'a> {
    lab: &'a Lab,
    folder: TempDir,
}

/// A file of this machine and where the system has it, without a leading `/`.
pub struct Part<'a> {
    /// A file, or a folder with all that is in it.
    pub file: &'a Path,
    /// What it is there.
    pub path: &'a str,
}

impl<'a> System<'a> {
    /// Makes the images, with that driver as `null_blk`, and all of our modules.
    ///
    /// # Errors
    /// `DiskFull`, `Build` where an image cannot be made.
    pub fn make(lab: &'a Lab, parts: &[Part<'_>], driver: Driver) -> Result<Self> {
        let step = Step::start("making the images of the guests' system");
        let failed = |error| Error::io("create a folder in", lab.cache(), error);
        let folder = tempfile::tempdir_in(lab.cache()).map_err(failed)?;
        let this = Self { lab, folder };
        let staging = this.folder.path().join("staging");
        for part in parts {
            copy(part.file, &staging.join(part.path))?;
        }
        this.modules(&staging, driver)?;
        this.squash(&staging, &["."], &[], &this.suite())?;
        fs::remove_dir_all(&staging).map_err(|error| Error::io("remove", &staging, error))?;
        this.squash(Path::new("/"), &["usr", "etc"], LEFT_OUT, &this.toolbox())?;
        step.finish();
        Ok(this)
    }

    /// A guest with the system, not yet booted; see [`enter`].
    pub fn boot(&self) -> Boot<'_> {
        Boot::new(self.lab)
            .stock_module("squashfs")
            .stock_module("overlay")
            .stock_module("configfs")
            .kernel_parameters(FAST)
            .disk(self.suite(), Access::ReadOnly)
            .disk(self.toolbox(), Access::ReadOnly)
            .guest_limit(Duration::from_secs(12 * 3600))
    }

    /// The folder of its images.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn suite(&self) -> PathBuf {
        self.folder.path().join("suite.squashfs")
    }

    fn toolbox(&self) -> PathBuf {
        self.folder.path().join("toolbox.squashfs")
    }

    /// Puts the stock kernel's modules and its configuration into the staging folder.
    fn modules(&self, staging: &Path, driver: Driver) -> Result<()> {
        let kernel = self.lab.kernel()?;
        let release = kernel.release();
        let modules = staging.join(format!("usr/lib/modules/{release}"));
        for name in ["kernel", "modules.builtin", "modules.order"] {
            copy(&kernel.folder().join(name), &modules.join(name))?;
        }
        let config = kernel.folder().join("config");
        copy(&config, &staging.join(format!("boot/config-{release}")))?;
        if driver == Driver::Rnull {
            let folder = modules.join("kernel/drivers/block/null_blk");
            fs::remove_dir_all(&folder).map_err(|error| Error::io("remove", &folder, error))?;
            copy(&self.lab.module("null_blk")?, &folder.join("null_blk.ko"))?;
        }
        copy(
            &self.lab.module("tarfs")?,
            &modules.join("updates/tarfs.ko"),
        )?;
        let mut command = self.in_toolbox(staging)?;
        // It looks for lib/modules, and lib is a link that only the guest has.
        command
            .args(["depmod", "--basedir"])
            .arg(staging.join("usr"))
            .arg(release);
        process::output(command, Kind::Build).map(|_| ())
    }

    /// Makes an image of some folders in `directory`, as the toolbox sees it.
    fn squash(&self, directory: &Path, what: &[&str], except: &[&str], image: &Path) -> Result<()> {
        let mut command = self.in_toolbox(directory)?;
        command.arg("mksquashfs").args(what).arg(image);
        // Not compressed: an emulated processor would be slow to undo it.
        command.args(["-noI", "-noD", "-noF", "-noX", "-no-progress", "-quiet"]);
        if !except.is_empty() {
            command.args(["-wildcards", "-e"]).args(except);
        }
        process::output(command, Kind::Build).map(|_| ())
    }

    fn in_toolbox(&self, directory: &Path) -> Result<std::process::Command> {
        let folder = self.folder.path();
        Ok(self.lab.toolbox()?.command(&[(folder, folder)], directory))
    }
}

/// Boots the guest and mounts the system in it.
pub fn enter(boot: Boot<'_>) -> Result<Guest> {
    let mut guest = boot.boot()?;
    guest.run(include_str!("system.sh"))?.ok()?;
    Ok(guest)
}

/// Runs a command line with bash in the system of a guest, in `directory`.
///
/// # Errors
/// As [`Guest::run`].
pub fn run(guest: &mut Guest, directory: &str, command: &str) -> Result<Output> {
    let script = format!("cd {directory} || exit\n{command}\n");
    guest.put("/system/run/command", script.as_bytes())?;
    // udevadm would do nothing in a root that is not the first process's.
    guest.run(
        "exec chroot /system /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root \
         LC_ALL=C.UTF-8 TERM=dumb SYSTEMD_IGNORE_CHROOT=1 bash /run/command",
    )
}

/// Copies a file or a folder, with its folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
    let mut command = process::command("cp");
    command.args([
        "--recursive",
        "--no-dereference",
        "--preserve=mode,timestamps,links",
    ]);
    command.arg("--no-target-directory").arg(from).arg(to);
    process::output(command, Kind::Other).map(|_| ())
}
