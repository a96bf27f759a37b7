// SPDX-License-Identifier: GPL-2.0
//! The kernel SDK: the source tree of a stock kernel with what `make M=` needs to build modules
//! in Rust for it. Debian's header packages lack the compiled kernel crates; they are compiled
//! again, from the same source with the same compiler, and checked to be the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::apt::Apt;
use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::kconfig::Config;
use crate::kernel_source;
use crate::process;
use crate::progress::Step;
use crate::releases::Release;
use crate::symbols;
use crate::toolbox::{self, Toolbox};

/// What the tree must have to build a module, besides the sources.
pub const ESSENTIAL: &[&str] = &[
    ".config",
    "Module.symvers",
    "include/config/auto.conf",
    "include/config/kernel.release",
    "include/generated/autoconf.h",
    "rust/libcore.rmeta",
    "rust/libkernel.rmeta",
    "rust/libmacros.so",
    "scripts/module.lds",
    "scripts/mod/modpost",
    "tools/objtool/objtool",
];

/// Drivers and the like that no out-of-tree module is built from, by far the most of the source.
/// The files that describe the configuration stay, they are read as one.
const LEFT_OUT: &[&str] = &[
    "linux-source-7.2/drivers/*.[cS]",
    "linux-source-7.2/drivers/gpu/*.h",
    "linux-source-7.2/drivers/net/*.h",
    "linux-source-7.2/sound/*.[chS]",
    "linux-source-7.2/net/*.[chS]",
    "linux-source-7.2/arch/[!x]*.[chS]",
    "linux-source-7.2/arch/*.dts*",
    "linux-source-7.2/tools/testing/*",
    "linux-source-7.2/Documentation/*.rst",
    "linux-source-7.2/Documentation/*.yaml",
];

/// A kernel tree to build modules against.
#[derive(Debug, Clone)]
pub struct Sdk {
    tree: PathBuf,
}

impl Sdk {
    /// Takes a tree.
    ///
    /// # Errors
    /// `Usage` where it was not built with Rust, or with another rustc than the toolbox has.
    pub fn open(tree: &Path, toolbox: &Toolbox) -> Result<Self> {
        let this = Self {
            tree: tree.to_owned(),
        };
        if let Some(file) = ESSENTIAL.iter().find(|file| !tree.join(file).exists()) {
            let message = format!(
                "{} has no {file}: KDIR must be a kernel tree that was built with CONFIG_RUST=y",
                tree.display()
            );
            return Err(Error::new(Kind::Usage, message));
        }
        let mut command = toolbox.command(&[], Path::new("/"));
        command.args(["rustc", "--version"]);
        let ours = process::output(command, Kind::Build)?;
        let config = this.config()?;
        let theirs = config.value("CONFIG_RUSTC_VERSION_TEXT").unwrap_or("none");
        if ours.trim() != theirs {
            let message = format!(
                "wrong rustc: {} was built with \"{theirs}\", the toolbox has \"{}\"; build the \
                 modules by `make -C KDIR M=$PWD modules` with the former",
                tree.display(),
                ours.trim()
            );
            return Err(Error::new(Kind::Build, message));
        }
        Ok(this)
    }

    /// The one in the cache folder; it is made if need be.
    pub fn provide(
        release: &Release,
        toolbox: &Toolbox,
        cache: &Path,
        logs: &Path,
        apt: impl FnOnce() -> Result<Apt>,
    ) -> Result<Self> {
        let mut inputs = vec![
            "recipe 1".to_owned(),
            release.name.clone(),
            release.version.clone(),
        ];
        inputs.extend(toolbox.compilers()?);
        inputs.extend(LEFT_OUT.iter().map(|pattern| format!("without {pattern}")));
        let essential = ESSENTIAL
            .iter()
            .map(|file| format!("linux/{file}"))
            .collect();
        let entry = Entry::new(cache, &format!("sdk-{}", release.name), inputs, essential);
        let folder = entry.get(|folder| {
            let apt = apt()?;
            // The tree sees itself where it will be, so that no path in it changes.
            let build = Build {
                release,
                toolbox,
                folder,
                place: entry.folder(),
                logs,
            };
            build.run(&apt)
        })?;
        Ok(Self::in_cache(&folder))
    }

    /// The tree of an entry of the cache.
    pub fn in_cache(entry: &Path) -> Self {
        Self {
            tree: entry.join(TREE),
        }
    }

    /// The folder of the tree, `KDIR` in a kernel module's makefile.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// What `uname -r` says in its kernel.
    pub fn release(&self) -> Result<String> {
        let file = self.tree.join("include/config/kernel.release");
        let text = fs::read_to_string(&file).map_err(|error| Error::io("read", &file, error))?;
        Ok(text.trim().to_owned())
    }

    /// Its configuration.
    pub fn config(&self) -> Result<Config> {
        Config::read(&self.tree.join(".config"))
    }

    /// The start of a `make` in the tree, in the toolbox, which also sees `folders` as
    /// [`Toolbox::command`] has it; the caller adds variables and targets.
    pub fn make(&self, toolbox: &Toolbox, folders: &[(&Path, &Path)]) -> Result<Command> {
        let mut folders = folders.to_owned();
        folders.push((&self.tree, &self.tree));
        let mut command = toolbox.command(&folders, &self.tree);
        command.args(make(&self.config()?));
        Ok(command)
    }
}

/// The name of the tree in its entry of the cache.
pub const TREE: &str = "linux";

/// The start of a `make` with the tools that a configuration names.
fn make(config: &Config) -> Vec<String> {
    // The first word of the compiler's version is its name, unless it is clang.
    let version = config.value("CONFIG_CC_VERSION_TEXT").unwrap_or_default();
    match version.split(' ').next() {
        _ if config.value("CONFIG_CC_IS_CLANG") == Some("y") => make_with(CLANG, GCC),
        Some(name) if !name.is_empty() => make_with(name, name),
        _ => make_with("gcc", "gcc"),
    }
}

/// The toolbox's compilers of C, as commands.
pub const CLANG: &str = "clang-19";
pub const GCC: &str = "x86_64-linux-gnu-gcc-14";

/// The start of a `make` that compiles the kernel with `compiler`, and its tools with
/// `host_compiler`.
pub fn make_with(compiler: &str, host_compiler: &str) -> Vec<String> {
    let jobs = thread::available_parallelism().map_or(1, |count| count.get());
    vec![
        "make".to_owned(),
        format!("-j{jobs}"),
        "ARCH=x86_64".to_owned(),
        format!("CC={compiler}"),
        format!("HOSTCC={host_compiler}"),
    ]
}

/// An SDK being made.
struct Build<'a> {
    release: &'a Release,
    toolbox: &'a Toolbox,
    /// Where it is made.
    folder: &'a Path,
    /// Where it will be.
    place: &'a Path,
    logs: &'a Path,
}

impl Build<'_> {
    fn run(&self, apt: &Apt) -> Result<()> {
        let failed = |error| Error::io("create", self.folder, error);
        let parts = self.folder.join("parts");
        let tree = self.folder.join(TREE);
        fs::create_dir_all(&parts).map_err(failed)?;
        fs::create_dir_all(&tree).map_err(failed)?;
        let packages = apt.download(&self.release.source_packages(), &parts)?;

        let step = Step::start("unpacking the kernel's source");
        for package in packages {
            toolbox::unpack(&package, &parts)?;
            fs::remove_file(&package).map_err(|error| Error::io("remove", &package, error))?;
        }
        let stock = self.unpack_source(&parts, &tree)?;
        fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))?;
        step.finish();

        let step = Step::start("compiling the kernel's Rust crates");
        let place = self.place.join(TREE);
        let place = self.toolbox.place(&tree, &place);
        let mut command = self.toolbox.command(&[(&tree, place)], place);
        command.args(make(&stock));
        command.arg(format!("KERNELRELEASE={}", self.release.name));
        command.args(["olddefconfig", "prepare", "modules_prepare", "rust/"]);
        let log = self.logs.join("sdk.log");
        let doing = "cannot build the kernel SDK";
        process::logged(command, doing, &log, Kind::Build, |line| {
            step.note(line.trim())
        })?;
        // Which tool differs says more than which symbols are missing.
        Config::read(&tree.join(".config"))?.check_tools(&stock)?;
        let count = symbols::check(&tree)?;
        step.finish();
        eprintln!(
            "lab: all {count} Rust symbols are in the stock kernel {}",
            self.release.name
        );
        Ok(())
    }

    /// Unpacks the source and puts the stock configuration and symbols into it.
    fn unpack_source(&self, parts: &Path, tree: &Path) -> Result<Config> {
        kernel_source::unpack(parts, tree, LEFT_OUT, self.logs)?;
        let headers = parts
            .join("usr/src")
            .join(format!("linux-headers-{}", self.release.name));
        for file in [".config", "Module.symvers"] {
            let (from, to) = (headers.join(file), tree.join(file));
            fs::copy(&from, &to).map_err(|error| Error::io("copy", &from, error))?;
        }
        Config::read(&headers.join(".config"))
    }
}
