// SPDX-License-Identifier: GPL-2.0
//! Archives that the demo and the benches run on, kept in the cache folder.

mod trees;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::apt::Apt;
use crate::cache::Entry;
use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::toolbox::{self, namespaces};
use crate::{process, Lab};

/// An archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// A minimal Debian 13 system: 124 MB, 5,460 entries.
    DebianRoot,
    /// The source of the stock kernel: 1.7 GB, 101,000 entries.
    LinuxSource,
    /// One file of 256 MiB.
    LargeFile,
    /// That many entries: empty files in directories of 999.
    Entries(u64),
    /// Directories of 10 to 100,000 empty files, whose names are these numbers.
    Directories,
}

impl FromStr for Sample {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || {
            let message = format!(
                "no archive {name}; there are: debian-root, linux-source, large-file, entries-N, \
                 directories"
            );
            Error::new(Kind::Usage, message)
        };
        match name {
            "debian-root" => Ok(Self::DebianRoot),
            "linux-source" => Ok(Self::LinuxSource),
            "large-file" => Ok(Self::LargeFile),
            "directories" => Ok(Self::Directories),
            _ => {
                let count = name.strip_prefix("entries-").ok_or_else(unknown)?;
                count.parse().map(Self::Entries).map_err(|_| unknown())
            }
        }
    }
}

/// The time that files of the Debian system get if they are newer, in seconds since 1970: the
/// same packages give the same archive.
const SOURCE_DATE_EPOCH: &str = "1700000000";

impl Sample {
    /// What it is, for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::DebianRoot => "a Debian 13 root",
            Self::LinuxSource => "the Linux source",
            Self::LargeFile => "a file of 256 MiB",
            Self::Entries(_) => "empty files in small directories",
            Self::Directories => "directories of 10 to 100,000 files",
        }
    }

    /// The archive's file, which must not be changed; it is made if need be.
    ///
    /// # Errors
    /// By kind: no network, a full disk, a missing right.
    pub fn provide(self, lab: &Lab) -> Result<PathBuf> {
        match self {
            Self::DebianRoot => debian_root(lab),
            Self::LinuxSource => linux_source(lab),
            Self::LargeFile => large_file(lab),
            Self::Entries(count) => trees::entries(lab, count),
            Self::Directories => trees::directories(lab),
        }
    }
}

fn debian_root(lab: &Lab) -> Result<PathBuf> {
    let inputs = ["recipe 2", "minbase", "trixie", SOURCE_DATE_EPOCH].map(str::to_owned);
    let file = "debian-root.tar";
    let entry = Entry::new(lab.cache(), "debian-root", inputs.into(), vec![file.into()]);
    let folder = entry.get(|folder| {
        let apt = lab.apt()?;
        namespaces::require()?;
        let parts = folder.join("parts");
        fs::create_dir(&parts).map_err(|error| Error::io("create", &parts, error))?;
        for package in apt.download(&["mmdebstrap".to_owned()], &parts)? {
            toolbox::unpack(&package, &parts)?;
        }
        let step = Step::start("installing a Debian 13 root to make a tar of");
        bootstrap(&apt, &parts, &folder.join(file), &lab.logs())?;
        step.finish();
        fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))
    })?;
    Ok(folder.join(file))
}

fn bootstrap(apt: &Apt, parts: &Path, tar: &Path, logs: &Path) -> Result<()> {
    let mut command = namespaces::command();
    // Its temporary files are to go with the folder, also if it is killed.
    command
        .arg("env")
        .arg(format!("TMPDIR={}", parts.display()))
        .arg(format!("SOURCE_DATE_EPOCH={SOURCE_DATE_EPOCH}"));
    command.arg("perl").arg(parts.join("usr/bin/mmdebstrap"));
    command.args(["--variant=minbase", "--architectures=amd64"]);
    command.args(["--mode=root", "--format=tar"]);
    command.arg("--aptopt=Apt::Install-Recommends \"false\"");
    command.args(
        apt.transport()
            .iter()
            .map(|line| format!("--aptopt={line}")),
    );
    // The stable suite alone.
    command.arg("trixie").arg(tar).args(apt.sources().first());
    let log = logs.join("debian-root.log");
    let doing = "cannot install a Debian root";
    process::logged(command, doing, &log, Kind::Other, |_| {})
}

fn large_file(lab: &Lab) -> Result<PathBuf> {
    const WORDS: u64 = (256 << 20) / 8;
    let file = "large-file.tar";
    let inputs = vec!["recipe 1".to_owned()];
    let entry = Entry::new(lab.cache(), "large-file", inputs, vec![file.into()]);
    let folder = entry.get(|folder| {
        let large = folder.join("large");
        let failed = |error| Error::io("write", &large, error);
        let mut out = BufWriter::new(File::create(&large).map_err(failed)?);
        for word in 1..=WORDS {
            // An odd factor: no two words are the same.
            let word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            out.write_all(&word.to_le_bytes()).map_err(failed)?;
        }
        out.into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let mut command = lab.toolbox()?.program("tar")?;
        command
            .args(["--create", "--format=ustar", "--owner=0", "--group=0"])
            .args(["--mtime=@1000000000", "--mode=644", "--file"])
            .arg(folder.join(file))
            .arg("--directory")
            .arg(folder)
            .arg("large");
        process::output(command, Kind::Other)?;
        fs::remove_file(&large).map_err(|error| Error::io("remove", &large, error))
    })?;
    Ok(folder.join(file))
}

fn linux_source(lab: &Lab) -> Result<PathBuf> {
    let release = lab.release()?;
    let inputs = vec!["recipe 1".to_owned(), release.version.clone()];
    let file = "linux-source.tar";
    let entry = Entry::new(lab.cache(), "linux-source", inputs, vec![file.into()]);
    let folder = entry.get(|folder| {
        let parts = folder.join("parts");
        fs::create_dir(&parts).map_err(|error| Error::io("create", &parts, error))?;
        let packages = lab.apt()?.download(&[release.source_package()], &parts)?;
        let step = Step::start("decompressing the Linux source");
        for package in packages {
            toolbox::unpack(&package, &parts)?;
        }
        let source = parts.join("usr/src/linux-source-7.2.tar.xz");
        let mut command = lab.toolbox()?.program("xz")?;
        command.args(["--decompress", "--threads=0"]).arg(&source);
        process::output(command, Kind::Other)?;
        let (from, to) = (source.with_extension(""), folder.join(file));
        fs::rename(&from, &to).map_err(|error| Error::io("rename", &from, error))?;
        step.finish();
        fs::remove_dir_all(&parts).map_err(|error| Error::io("remove", &parts, error))
    })?;
    Ok(folder.join(file))
}
