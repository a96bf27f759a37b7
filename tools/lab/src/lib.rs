// SPDX-License-Identifier: GPL-2.0
//! The laboratory: the Debian 13 toolbox, the kernel SDK, and guests that run the stock kernel.

mod error;
pub mod guest;
mod kernel;
mod libraries;
mod modinfo;
pub mod process;
mod toolbox;

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

pub use error::{Error, Kind, Result};
pub use kernel::Kernel;
pub use toolbox::Toolbox;

/// A checkout and what it needs around it; each part is made when it is first asked for.
pub struct Lab {
    checkout: PathBuf,
    cache: PathBuf,
    toolbox: OnceCell<Toolbox>,
    kernel: OnceCell<Kernel>,
}

impl Lab {
    /// Finds the checkout (the one this was compiled in) and the cache folder.
    ///
    /// # Errors
    /// `Usage` where no cache folder can be derived from the environment.
    pub fn locate() -> Result<Self> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let checkout = checkout.unwrap_or(Path::new("/")).to_owned();
        let cache = cache_folder()?;
        fs::create_dir_all(&cache).map_err(|error| Error::io("create", &cache, error))?;
        Ok(Self {
            checkout,
            cache,
            toolbox: OnceCell::new(),
            kernel: OnceCell::new(),
        })
    }

    /// The top folder of the source tree.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// The folder for what is costly to make.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The folder for logs of what failed.
    pub fn logs(&self) -> PathBuf {
        self.cache.join("logs")
    }

    /// The toolbox: `BLOCKYARD_TOOLBOX` where it is set.
    pub fn toolbox(&self) -> Result<&Toolbox> {
        once(&self.toolbox, || {
            Ok(Toolbox::open(&required("BLOCKYARD_TOOLBOX")?))
        })
    }

    /// The stock kernel: `BLOCKYARD_KERNEL` where it is set.
    pub fn kernel(&self) -> Result<&Kernel> {
        once(&self.kernel, || {
            Kernel::open(&required("BLOCKYARD_KERNEL")?)
        })
    }

    /// The file of one of our modules by its name, or of any by its path.
    ///
    /// # Errors
    /// `Missing` where it is not built.
    pub fn module_file(&self, name: &str) -> Result<PathBuf> {
        if name.ends_with(".ko") {
            return Ok(PathBuf::from(name));
        }
        let found = ["block", "fs"].iter().find_map(|folder| {
            modinfo::find_all(&self.checkout.join(folder))
                .ok()?
                .remove(&modinfo::canonical(name))
        });
        found.ok_or_else(|| {
            Error::new(
                Kind::Missing,
                format!("{name}.ko is not built; run `make modules`"),
            )
        })
    }
}

fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

fn required(variable: &str) -> Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| Error::new(Kind::Usage, format!("set {variable}")))
}

/// `$BLOCKYARD_CACHE`, else `$XDG_CACHE_HOME/blockyard`, else `~/.cache/blockyard`.
fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("BLOCKYARD_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("blockyard")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/blockyard")))
        .ok_or_else(|| Error::new(Kind::Usage, "no cache folder: set BLOCKYARD_CACHE or HOME"))
}
