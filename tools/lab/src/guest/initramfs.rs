// SPDX-License-Identifier: GPL-2.0
//! The guest's root: a shell, busybox, and what a test asks for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::kernel::Kernel;
use crate::libraries::{self, base_name};
use crate::modinfo::{self, ModInfo};
use crate::toolbox::Toolbox;

use super::cpio;

/// An initramfs being written.
pub struct Initramfs<'a> {
    archive: cpio::Writer<BufWriter<File>>,
    toolbox: &'a Toolbox,
    kernel: &'a Kernel,
    /// The stock kernel's modules by name; found when the first one is asked for.
    stock: Option<BTreeMap<String, PathBuf>>,
    /// Modules that init loads.
    startup: String,
    /// `modules.dep` and `modules.alias` so far, for `modprobe` in the guest.
    dep: String,
    alias: String,
}

impl<'a> Initramfs<'a> {
    /// Starts one with the shell, busybox's commands, and the agent.
    pub fn new(output: File, toolbox: &'a Toolbox, kernel: &'a Kernel) -> Result<Self> {
        let mut this = Self {
            archive: cpio::Writer::new(BufWriter::new(output)),
            toolbox,
            kernel,
            stock: None,
            startup: String::new(),
            dep: String::new(),
            alias: String::new(),
        };
        this.skeleton()
            .map_err(|error| Error::io("write", "the initramfs", error))?;
        this.program("busybox")?;
        // Busybox's own shell prefers its applets to the programs in PATH; dash does not.
        this.program("dash")?;
        this.bytes("init", 0o755, include_bytes!("init.sh"))?;
        Ok(this)
    }

    fn skeleton(&mut self) -> io::Result<()> {
        for directory in ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64"] {
            self.archive.directory(directory)?;
            let short = directory.trim_start_matches("usr/");
            self.archive.symlink(short, directory)?;
        }
        for directory in [
            "dev",
            "etc",
            "mnt",
            "proc",
            "root",
            "run",
            "sys",
            "tmp",
            "usr/lib/busybox",
        ] {
            self.archive.directory(directory)?;
        }
        self.archive.symlink("usr/bin/sh", "dash")?;
        // Where the kernel looks for it.
        self.archive
            .symlink("usr/sbin/modprobe", "../lib/busybox/modprobe")
    }

    /// Adds a program with its shared libraries: from the toolbox where `name` is a bare name,
    /// from this machine where it is a path.
    ///
    /// A program of this machine brings its own C library, which may differ from the toolbox's,
    /// so it gets a folder of its own and a script in `/usr/bin` that starts it from there.
    pub fn program(&mut self, name: &str) -> Result<()> {
        if name.contains('/') {
            return self.host_program(Path::new(name));
        }
        let (guest, file) = self.toolbox.find_program(name)?;
        if self.archive.contains(&guest) {
            return Ok(());
        }
        self.file(&file, &guest)?;
        for (guest, file) in libraries::of(self.toolbox.root(), &file)?.files {
            if !self.archive.contains(&guest) {
                self.file(&file, &guest)?;
            }
        }
        Ok(())
    }

    fn host_program(&mut self, program: &Path) -> Result<()> {
        let name = program
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| {
                Error::new(
                    Kind::Usage,
                    format!("{} is no path of a program", program.display()),
                )
            })?;
        let folder = format!("opt/{name}");
        self.file(program, &format!("{folder}/{name}"))?;
        let libraries = libraries::of(Path::new("/"), program)?;
        for (guest, file) in &libraries.files {
            self.file(file, &format!("{folder}/{}", base_name(guest)))?;
        }
        let start = match &libraries.loader {
            Some(loader) => {
                let loader = base_name(loader);
                format!("/{folder}/{loader} --library-path /{folder} /{folder}/{name}")
            }
            None => format!("/{folder}/{name}"),
        };
        let script = format!("#!/bin/sh\nexec {start} \"$@\"\n");
        self.bytes(&format!("usr/bin/{name}"), 0o755, script.as_bytes())
    }

    /// Adds a file of this machine with its permission bits.
    pub fn file(&mut self, host: &Path, guest: &str) -> Result<()> {
        let failed = |error| Error::io("read", host, error);
        let file = File::open(host).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        self.archive
            .file(guest, metadata.permissions().mode(), file, metadata.len())
            .map_err(|error| Error::io("copy into the initramfs", host, error))
    }

    /// Adds a file of those bytes.
    pub fn bytes(&mut self, guest: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        // CAST: usize is at most 64 bits wide on every platform Rust has.
        self.archive
            .file(guest, mode, bytes, bytes.len() as u64)
            .map_err(|error| Error::io("write into the initramfs", guest, error))
    }

    /// Adds a module from a file, and the stock modules that it depends on.
    pub fn module(&mut self, name: &str, file: &Path) -> Result<()> {
        let name = modinfo::canonical(name);
        let guest = format!("usr/lib/modules/{}/{name}.ko", self.kernel.release());
        if self.archive.contains(&guest) {
            return Ok(());
        }
        let bytes = modinfo::read(file)?;
        let info = ModInfo::parse(&bytes, file)?;
        self.bytes(&guest, 0o644, &bytes)?;
        let mut needed = Vec::new();
        for depend in &info.depends {
            self.stock_module(depend)?;
            needed.push(format!("{depend}.ko"));
        }
        self.dep
            .push_str(&format!("{name}.ko: {}\n", needed.join(" ")));
        for alias in &info.aliases {
            self.alias.push_str(&format!("alias {alias} {name}\n"));
        }
        Ok(())
    }

    /// Adds a module of the stock kernel, and those that it depends on.
    pub fn stock_module(&mut self, name: &str) -> Result<()> {
        match self.stock_file(name)? {
            Some(file) => self.module(name, &file),
            None => {
                let release = self.kernel.release();
                let message = format!("the kernel {release} has no module {name}");
                Err(Error::new(Kind::Missing, message))
            }
        }
    }

    /// Adds a module of the stock kernel that init loads, unless it is built in.
    pub fn startup_module(&mut self, name: &str) -> Result<()> {
        if let Some(file) = self.stock_file(name)? {
            self.module(name, &file)?;
            self.startup.push_str(name);
            self.startup.push('\n');
        }
        Ok(())
    }

    fn stock_file(&mut self, name: &str) -> Result<Option<PathBuf>> {
        let stock = match &mut self.stock {
            Some(stock) => stock,
            empty => empty.insert(self.kernel.modules()?),
        };
        Ok(stock.get(&modinfo::canonical(name)).cloned())
    }

    /// Writes the lists of modules and the end; gives the file back.
    pub fn finish(mut self) -> Result<File> {
        let folder = format!("usr/lib/modules/{}", self.kernel.release());
        let (dep, alias) = (
            std::mem::take(&mut self.dep),
            std::mem::take(&mut self.alias),
        );
        self.bytes(&format!("{folder}/modules.dep"), 0o644, dep.as_bytes())?;
        self.bytes(&format!("{folder}/modules.alias"), 0o644, alias.as_bytes())?;
        let startup = std::mem::take(&mut self.startup);
        self.bytes("etc/modules", 0o644, startup.as_bytes())?;
        let failed = |error| Error::io("write", "the initramfs", error);
        let buffer = self.archive.finish().map_err(failed)?;
        buffer
            .into_inner()
            .map_err(|error| failed(error.into_error()))
    }
}

/// Whether `path` is there as a file; for messages before a guest is built.
pub fn require_file(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(Error::new(
            Kind::Usage,
            format!("{} is not a file", path.display()),
        )),
        Err(error) => Err(Error::io("read", path, error)),
    }
}
