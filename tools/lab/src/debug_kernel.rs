// SPDX-License-Identifier: GPL-2.0
//! The debug kernels: the source of the stock kernel, configured for guests and with the kernel's
//! sanitizers. Clang compiles them: what instruments Rust is LLVM.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::apt::Apt;
use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::kconfig::Config;
use crate::kernel::Kernel;
use crate::progress::Step;
use crate::releases::Release;
use crate::sdk::{self, Sdk};
use crate::toolbox::{self, Toolbox};
use crate::{kernel_source, process};

/// Which debug kernel: not all sanitizers fit into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sanitizers {
    /// All but KCSAN.
    Debug,
    /// KCSAN alone, which looks for data races.
    Kcsan,
}

impl Sanitizers {
    /// Takes the value of `BLOCKYARD_DEBUG`.
    ///
    /// # Errors
    /// `Usage` where it names none.
    pub fn parse(value: &str) -> Result<Self> {
        match value {
            "1" => Ok(Self::Debug),
            "kcsan" => Ok(Self::Kcsan),
            _ => {
                let message =
                    format!("BLOCKYARD_DEBUG={value} is no debug kernel: give 1 or kcsan");
                Err(Error::new(Kind::Usage, message))
            }
        }
    }

    /// What its files are named after.
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Kcsan => "kcsan",
        }
    }

    /// All that is on in its configuration.
    fn config(self) -> &'static str {
        match self {
            Self::Debug => include_str!("../debug.config"),
            Self::Kcsan => include_str!("../kcsan.config"),
        }
    }

    /// What its source lacks, as a patch.
    fn patch(self) -> &'static str {
        match self {
            Self::Debug => include_str!("../debug.patch"),
            Self::Kcsan => include_str!("../kcsan-rust.patch"),
        }
    }
}

/// Drivers for hardware that no guest has, and what is not compiled.
const LEFT_OUT: &[&str] = &[
    "linux-source-7.2/drivers/gpu/*.[ch]",
    "linux-source-7.2/drivers/net/ethernet/*.[ch]",
    "linux-source-7.2/drivers/net/wireless/*.[ch]",
    "linux-source-7.2/sound/*.[chS]",
    "linux-source-7.2/arch/*.dts*",
    "linux-source-7.2/tools/testing/*",
    "linux-source-7.2/Documentation/*.rst",
    "linux-source-7.2/Documentation/*.yaml",
];

/// The kernel as guests boot it, and its tree that modules are built against.
#[derive(Debug, Clone)]
pub struct DebugKernel {
    pub kernel: Kernel,
    pub sdk: Sdk,
}

impl DebugKernel {
    /// The one in the cache folder; it is compiled if need be.
    ///
    /// # Errors
    /// `Build` where it does not compile, or where its source does not know a line of the
    /// configuration.
    pub fn provide(
        sanitizers: Sanitizers,
        release: &Release,
        toolbox: &Toolbox,
        cache: &Path,
        logs: &Path,
        apt: impl FnOnce() -> Result<Apt>,
    ) -> Result<Self> {
        let mut inputs = vec!["recipe 1".to_owned(), release.version.clone()];
        inputs.extend(toolbox.compilers()?);
        inputs.extend(LEFT_OUT.iter().map(|pattern| format!("without {pattern}")));
        inputs.push(sanitizers.config().to_owned());
        inputs.push(sanitizers.patch().to_owned());
        let essential = sdk::ESSENTIAL
            .iter()
            .map(|file| format!("{}/{file}", sdk::TREE));
        let essential = essential.collect();
        let name = format!("{}-kernel", sanitizers.name());
        let entry = Entry::new(cache, &name, inputs, essential);
        let folder = entry.get(|folder| {
            let tree = folder.join(sdk::TREE);
            unpack(release, &tree, logs, &apt()?)?;
            // The tree sees itself where it will be, so that no path in it changes.
            let place = entry.folder().join(sdk::TREE);
            let build = Build {
                sanitizers,
                toolbox,
                tree: &tree,
                place: toolbox.place(&tree, &place),
                logs,
            };
            build.run()?;
            install(&tree, folder)
        })?;
        let sdk = Sdk::in_cache(&folder);
        let kernel = Kernel::open(&folder.join(MODULES).join(sdk.release()?))?;
        Ok(Self { kernel, sdk })
    }
}

/// The modules' folder in the entry of the cache, beside the tree.
const MODULES: &str = "lib/modules";

fn unpack(release: &Release, tree: &Path, logs: &Path, apt: &Apt) -> Result<()> {
    let parts = tree.join("parts");
    let failed = |error| Error::io("create", &parts, error);
    fs::create_dir_all(&parts).map_err(failed)?;
    let packages = apt.download(&[release.source_package()], &parts)?;
    let step = Step::start("unpacking the kernel's source");
    for package in packages {
        toolbox::unpack(&package, &parts)?;
    }
    kernel_source::unpack(&parts, tree, LEFT_OUT, logs)?;
    fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))?;
    step.finish();
    Ok(())
}

/// A tree being compiled.
struct Build<'a> {
    sanitizers: Sanitizers,
    toolbox: &'a Toolbox,
    /// Where it is.
    tree: &'a Path,
    /// Where the toolbox sees it.
    place: &'a Path,
    logs: &'a Path,
}

impl Build<'_> {
    fn run(&self) -> Result<()> {
        let name = self.sanitizers.name();
        let config = format!("{name}.config");
        self.write(&config, self.sanitizers.config())?;
        self.patch()?;
        let step = Step::start(format!("compiling the {name} kernel"));
        let all_config = format!("KCONFIG_ALLCONFIG={}", self.place.join(&config).display());
        self.make(&[&all_config, "allnoconfig"], &step)?;
        let refused = Config::read(&self.tree.join(".config"))?.missing(self.sanitizers.config());
        if !refused.is_empty() {
            let message = format!(
                "the kernel's configuration does not take these lines of {config}: {}",
                refused.join(", ")
            );
            return Err(Error::new(Kind::Build, message));
        }
        self.make(&["bzImage", "modules"], &step)?;
        let stage = format!("INSTALL_MOD_PATH={}", self.place.join(STAGE).display());
        // The lab finds what a module needs by itself.
        self.make(&[&stage, "DEPMOD=true", "modules_install"], &step)?;
        // Objects are most of the tree, and no module is linked with them.
        let mut command = self.command();
        command.args(["find", ".", "-name", "*.[oa]", "-delete"]);
        process::output(command, Kind::Build)?;
        step.finish();
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.tree.join(name);
        fs::write(&file, text).map_err(|error| Error::io("write", &file, error))
    }

    fn patch(&self) -> Result<()> {
        let name = "blockyard.patch";
        self.write(name, self.sanitizers.patch())?;
        let mut command = self.command();
        command.args(["busybox", "patch", "-p1", "-i", name]);
        process::output(command, Kind::Build).map(drop)
    }

    /// The start of a command in the tree, in the toolbox.
    fn command(&self) -> Command {
        self.toolbox.command(&[(self.tree, self.place)], self.place)
    }

    fn make(&self, arguments: &[&str], step: &Step) -> Result<()> {
        let mut command = self.command();
        command
            .args(sdk::make_with(sdk::CLANG, sdk::GCC))
            .args(arguments);
        let log = self
            .logs
            .join(format!("{}-kernel.log", self.sanitizers.name()));
        let doing = "cannot build a debug kernel";
        process::logged(command, doing, &log, Kind::Build, |line| {
            step.note(line.trim())
        })
    }
}

/// Where the modules are installed first, in the tree: all that the toolbox sees.
const STAGE: &str = "stage";

/// Moves the modules and the image out of the tree, as [`Kernel`] has them.
fn install(tree: &Path, folder: &Path) -> Result<()> {
    let (from, to) = (tree.join(STAGE).join("lib"), folder.join("lib"));
    fs::rename(&from, &to).map_err(|error| Error::io("rename", &from, error))?;
    let release = Sdk::in_cache(folder).release()?;
    let image = folder.join(MODULES).join(release).join("vmlinuz");
    let built = tree.join("arch/x86/boot/bzImage");
    fs::rename(&built, &image).map_err(|error| Error::io("rename", &built, error))
}
