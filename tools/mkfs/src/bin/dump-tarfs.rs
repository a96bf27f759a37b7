// SPDX-License-Identifier: GPL-2.0

//! `dump.tarfs`: shows and extracts what is in a tarfs image.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tarfs_tools::cli;
use tarfs_tools::dump::walk::Walk;
use tarfs_tools::dump::{describe, extract, superblock, tar, Image};
use tarfs_tools::exit::Status;
use tarfs_tools::progress::Progress;
use tarfs_tools::Error;

/// Show and extract what is in a tarfs image.
#[derive(Parser)]
#[command(
    name = "dump.tarfs",
    bin_name = "dump.tarfs",
    version = concat!(env!("CARGO_PKG_VERSION"), ", format 1"),
    after_help = "Exit status: 0 done; 1 the file has no index; 2 the index is of a version or has a \
                  feature that is not known; 4 the index or the archive is damaged; 8 the system \
                  failed, or the image has no such file; 16 usage."
)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// What to do.
#[derive(Subcommand)]
enum Action {
    /// Show the superblock and the regions
    Super(Common),
    /// List files, like find -ls; with --json an object a line
    Tree {
        #[command(flatten)]
        common: Common,
        /// Start here instead of at the root
        path: Option<OsString>,
    },
    /// Show all that the index has about a file; symbolic links are not followed
    Stat {
        #[command(flatten)]
        common: Common,
        /// The file, from the root on
        path: OsString,
    },
    /// Write a regular file's data to standard output
    Cat {
        #[command(flatten)]
        common: Common,
        /// The file, from the root on
        path: OsString,
    },
    /// Make the files in a directory, as far as that is possible without being root
    Extract {
        #[command(flatten)]
        common: Common,
        /// Where to make them; made where it is not there
        directory: PathBuf,
        /// Extract these only, and what is below them
        paths: Vec<OsString>,
    },
    /// Write the archive as it was before it got an index, and check its SHA-256 where that was
    /// recorded
    ToTar {
        #[command(flatten)]
        common: Common,
        /// Write it to this file instead of standard output
        #[arg(short, long, value_name = "TAR")]
        output: Option<PathBuf>,
    },
}

/// What all actions take.
#[derive(Args)]
struct Common {
    /// The archive of an index of its own; repeat it for each, in the order of the index
    #[arg(long = "layer", value_name = "TAR")]
    layers: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Print nothing but what was asked for, and errors
    #[arg(short, long)]
    quiet: bool,

    /// The image, or an index of its own
    image: PathBuf,
}

fn main() -> Status {
    let arguments: Arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    match arguments.run() {
        Ok(()) => Status::Good,
        // Nobody listens any more.
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => Status::Good,
        Err(error) => {
            eprintln!("dump.tarfs: {error}");
            error.status()
        }
    }
}

impl Arguments {
    fn run(&self) -> Result<(), Error> {
        match &self.action {
            Action::Super(common) => common.superblock(),
            Action::Tree { common, path } => {
                common.tree(path.as_deref().map_or(b"", |path| path.as_bytes()))
            }
            Action::Stat { common, path } => common.stat(path.as_bytes()),
            Action::Cat { common, path } => common.cat(path.as_bytes()),
            Action::Extract {
                common,
                directory,
                paths,
            } => common.extract(directory, paths),
            Action::ToTar { common, output } => common.to_tar(output.as_deref()),
        }
    }
}

impl Common {
    fn open(&self) -> Result<Image, Error> {
        Image::open(&self.image, &self.layers)
    }

    fn superblock(&self) -> Result<(), Error> {
        let image = self.open()?;
        if self.json {
            print(superblock::object(&image)?)
        } else {
            print(superblock::lines(&image)?)
        }
    }

    fn tree(&self, path: &[u8]) -> Result<(), Error> {
        let image = self.open()?;
        let mut out = BufWriter::new(io::stdout().lock());
        let mut walk = Walk::new(&image, path)?;
        while let Some(file) = walk.next_file()? {
            if self.json {
                let object = describe::object(&image, file.path, file.ino, &file.inode)?;
                writeln!(out, "{object}").map_err(write_error)?;
            } else {
                let line = describe::line(&image, file.path, file.ino, &file.inode)?;
                writeln!(out, "{line}").map_err(write_error)?;
            }
        }
        out.flush().map_err(write_error)
    }

    fn stat(&self, path: &[u8]) -> Result<(), Error> {
        let image = self.open()?;
        let mut walk = Walk::new(&image, path)?;
        let Some(file) = walk.next_file()? else {
            return Ok(());
        };
        if self.json {
            print(describe::object(&image, file.path, file.ino, &file.inode)?)
        } else {
            print(describe::lines(&image, file.path, file.ino, &file.inode)?)
        }
    }

    fn cat(&self, path: &[u8]) -> Result<(), Error> {
        let image = self.open()?;
        let (ino, inode) = image.find(path)?;
        image.write_data((ino, &inode), path, &mut io::stdout().lock(), write_error)
    }

    fn extract(&self, directory: &Path, paths: &[OsString]) -> Result<(), Error> {
        let image = self.open()?;
        let mut progress = Progress::new(self.quiet);
        let names: Vec<_> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let result = extract::extract(&image, directory, &names, &mut progress);
        progress.finish();
        let extracted = result?;
        let left_out = extracted.left_out;
        if self.json {
            return print(json!({
                "files": extracted.files,
                "bytes": extracted.bytes,
                "left_out": {
                    "devices": left_out.devices,
                    "owners": left_out.owners,
                    "set_ids": left_out.set_ids,
                    "xattrs": left_out.xattrs,
                },
            }));
        }
        if self.quiet {
            return Ok(());
        }
        let (files, bytes) = (extracted.files, extracted.bytes);
        print(format!(
            "{}: {files} files, {bytes} bytes{}",
            directory.display(),
            describe_left_out(&left_out)
        ))
    }

    fn to_tar(&self, output: Option<&Path>) -> Result<(), Error> {
        let image = self.open()?;
        let mut progress = Progress::new(self.quiet || output.is_none());
        let Some(path) = output else {
            if io::stdout().is_terminal() {
                return Err(Error::Unusable {
                    path: "standard output".into(),
                    reason: "is a terminal; name a file with --output",
                });
            }
            let mut out = io::stdout().lock();
            return tar::write(&image, &mut out, STDOUT.as_ref(), &mut progress).map(|_| ());
        };
        let mut out = File::create_new(path).map_err(Error::io("make", path))?;
        let result = tar::write(&image, &mut out, path, &mut progress);
        progress.finish();
        let written = result?;
        let sha256 = superblock::hex(&written.sha256);
        if self.json {
            return print(json!({
                "length": written.length,
                "sha256": sha256,
                "verified": written.is_verified,
            }));
        }
        if self.quiet {
            return Ok(());
        }
        let verified = match written.is_verified {
            true => "as recorded",
            false => "none was recorded",
        };
        print(format!(
            "{}: {} bytes, SHA-256 {sha256} ({verified})",
            path.display(),
            written.length
        ))
    }
}

/// What standard output is called in errors.
const STDOUT: &str = "standard output";

fn print(text: impl std::fmt::Display) -> Result<(), Error> {
    writeln!(io::stdout(), "{text}").map_err(write_error)
}

fn write_error(error: io::Error) -> Error {
    Error::io("write", STDOUT.as_ref())(error)
}

fn describe_left_out(left_out: &extract::LeftOut) -> String {
    let counts = [
        (left_out.devices, "devices"),
        (left_out.owners, "owners"),
        (left_out.set_ids, "set-user-id and set-group-id bits"),
        (left_out.xattrs, "extended attributes"),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what} ({count})"))
        .collect();
    match parts.as_slice() {
        [] => String::new(),
        parts => format!("; left out: {}", parts.join(", ")),
    }
}
