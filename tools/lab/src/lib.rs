// SPDX-License-Identifier: GPL-2.0
//! The laboratory: the Debian 13 toolbox, the kernel SDK, and guests that run the stock kernel.

mod apt;
pub mod bench;
mod cache;
pub mod checks;
pub mod compare;
mod debug_kernel;
pub mod demo;
mod diagnosis;
pub mod documents;
mod error;
pub mod guest;
pub mod in_tree;
mod kconfig;
mod kernel;
mod kernel_source;
mod libraries;
mod mkfs;
mod modinfo;
mod modules;
pub mod process;
pub mod progress;
mod releases;
mod samples;
mod sdk;
mod sources;
pub mod suites;
mod symbols;
mod toolbox;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use error::{Error, Kind, Result};
pub use kernel::Kernel;
pub use sdk::Sdk;
pub use toolbox::Toolbox;

use apt::Apt;
use debug_kernel::{DebugKernel, Sanitizers};
use releases::Release;

/// The variables of the environment that are read, for the program's help.
pub const ENVIRONMENT: &str = "\
Environment:
  KREL                the release of the stock kernel, in place of the newest cloud kernel
  KDIR                a kernel tree built with CONFIG_RUST=y, in place of the SDK
  BLOCKYARD_CACHE     the cache folder [default: $XDG_CACHE_HOME/blockyard, ~/.cache/blockyard]
  BLOCKYARD_MIRROR    the base URI of a Debian mirror, in place of apt's
  BLOCKYARD_TOOLBOX   a Debian 13 root that has the tools
  BLOCKYARD_KERNEL    the folder lib/modules/RELEASE of the kernel that guests boot
  BLOCKYARD_DEBUG     1: guests boot the debug kernel, which has sanitizers, in place of the
                      stock kernel, and modules are built for it; kcsan: the one with KCSAN";

/// A checkout and what it needs around it; each part is made when it is first asked for.
///
/// [`ENVIRONMENT`] can name parts that are there already.
pub struct Lab {
    checkout: PathBuf,
    cache: PathBuf,
    wanted_release: Option<String>,
    debug: Option<Sanitizers>,
    toolbox: OnceLock<Toolbox>,
    release: OnceLock<Release>,
    kernel: OnceLock<Kernel>,
    sdk: OnceLock<Sdk>,
    debug_kernel: OnceLock<DebugKernel>,
}

impl Lab {
    /// Finds the checkout (the one this was compiled in) and the cache folder.
    ///
    /// # Errors
    /// `Usage` where no cache folder can be derived from the environment, or where that names no
    /// debug kernel.
    pub fn locate() -> Result<Self> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let checkout = checkout.unwrap_or(Path::new("/")).to_owned();
        let cache = cache_folder()?;
        cache::create(&cache)?;
        Ok(Self {
            checkout,
            cache,
            wanted_release: variable("KREL"),
            debug: variable("BLOCKYARD_DEBUG")
                .map(|value| Sanitizers::parse(&value))
                .transpose()?,
            toolbox: OnceLock::new(),
            release: OnceLock::new(),
            kernel: OnceLock::new(),
            sdk: OnceLock::new(),
            debug_kernel: OnceLock::new(),
        })
    }

    /// Takes the stock kernel of that release, in place of `KREL`'s.
    pub fn with_release(self, release: Option<String>) -> Self {
        Self {
            wanted_release: release,
            ..self
        }
    }

    /// Takes the debug kernel, whatever the environment says.
    pub fn with_debug_kernel(self) -> Self {
        Self {
            debug: Some(Sanitizers::Debug),
            ..self
        }
    }

    /// Takes the debug kernel with KCSAN, whatever the environment says.
    pub fn with_kcsan_kernel(self) -> Self {
        Self {
            debug: Some(Sanitizers::Kcsan),
            ..self
        }
    }

    /// The top folder of the source tree.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// The folder for what is costly to make.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Removes the cache folder.
    ///
    /// # Errors
    /// `Usage` where it was there before this program.
    pub fn clear_cache(&self) -> Result<()> {
        cache::clear(&self.cache)
    }

    /// The folder for logs.
    pub fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }

    /// The toolbox.
    pub fn toolbox(&self) -> Result<&Toolbox> {
        once(&self.toolbox, || match folder("BLOCKYARD_TOOLBOX")? {
            Some(root) => Toolbox::open(&root),
            None => Toolbox::provide(&self.cache, &self.logs(), false),
        })
    }

    /// Makes the toolbox anew, from today's packages.
    pub fn update_toolbox(&self) -> Result<()> {
        let toolbox = Toolbox::provide(&self.cache, &self.logs(), true)?;
        self.toolbox.get_or_init(|| toolbox);
        Ok(())
    }

    /// Asks the archive for the newest stock kernel, also where one is in the cache.
    pub fn update_release(&self) -> Result<()> {
        let release = self.resolve(true)?;
        self.release.get_or_init(|| release);
        Ok(())
    }

    /// The kernel that guests boot: of `KREL`, or that of `KDIR`, or the newest stock kernel; or the
    /// debug kernel, of the same source.
    pub fn kernel(&self) -> Result<&Kernel> {
        once(&self.kernel, || {
            match (folder("BLOCKYARD_KERNEL")?, self.debug) {
                (Some(folder), _) => Kernel::open(&folder),
                (None, Some(sanitizers)) => Ok(self.debug_kernel(sanitizers)?.kernel.clone()),
                (None, None) => Kernel::provide(self.release()?, &self.cache, || self.apt()),
            }
        })
    }

    /// The kernel tree that modules are built against: `KDIR`, or the SDK of [`Lab::kernel`].
    pub fn sdk(&self) -> Result<&Sdk> {
        once(&self.sdk, || match (folder("KDIR")?, self.debug) {
            (Some(tree), _) => Sdk::open(&tree, self.toolbox()?),
            (None, Some(sanitizers)) => Ok(self.debug_kernel(sanitizers)?.sdk.clone()),
            (None, None) => {
                let (release, toolbox) = (self.release()?, self.toolbox()?);
                Sdk::provide(release, toolbox, &self.cache, &self.logs(), || self.apt())
            }
        })
    }

    /// Builds our modules where they stand in the checkout, for the kernel of [`Lab::sdk`];
    /// `null_blk.ko` too if `null_blk`.
    ///
    /// # Errors
    /// `Build` where they do not compile.
    pub fn ensure_modules(&self, null_blk: bool) -> Result<()> {
        modules::build(self, null_blk)
    }

    /// The file of one of our modules by its name, or of any by its path (ending in `.ko`). Ours
    /// are built if they are missing, older than their sources, or for another kernel.
    ///
    /// # Errors
    /// As [`Lab::ensure_modules`]; `Missing` where there is no such module.
    pub fn module(&self, name: &str) -> Result<PathBuf> {
        if name.ends_with(".ko") {
            return Ok(PathBuf::from(name));
        }
        modules::provide(self, name)
    }

    fn debug_kernel(&self, sanitizers: Sanitizers) -> Result<&DebugKernel> {
        once(&self.debug_kernel, || {
            let (release, toolbox) = (self.release()?, self.toolbox()?);
            DebugKernel::provide(
                sanitizers,
                release,
                toolbox,
                &self.cache,
                &self.logs(),
                || self.apt(),
            )
        })
    }

    fn release(&self) -> Result<&Release> {
        once(&self.release, || self.resolve(false))
    }

    fn resolve(&self, update: bool) -> Result<Release> {
        let name = match (&self.wanted_release, variable("KDIR")) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(_)) => Some(self.sdk()?.release()?),
            (None, None) => None,
        };
        Release::resolve(name.as_deref(), update, &self.cache, || self.apt())
    }

    fn apt(&self) -> Result<Apt> {
        Apt::new(&self.cache, &self.logs())
    }
}

fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A folder that a variable of the environment names.
fn folder(name: &str) -> Result<Option<PathBuf>> {
    variable(name)
        .map(|path| absolute(Path::new(&path)))
        .transpose()
}

/// Commands run in other folders than this program.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("find", path, error))
}

/// `$BLOCKYARD_CACHE`, else `$XDG_CACHE_HOME/blockyard`, else `~/.cache/blockyard`.
fn cache_folder() -> Result<PathBuf> {
    let folder = variable("BLOCKYARD_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&variable("XDG_CACHE_HOME")?).join("blockyard")))
        .or_else(|| Some(Path::new(&variable("HOME")?).join(".cache/blockyard")))
        .ok_or_else(|| Error::new(Kind::Usage, "no cache folder: set BLOCKYARD_CACHE or HOME"))?;
    absolute(&folder)
}
