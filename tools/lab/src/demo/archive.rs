// SPDX-License-Identifier: GPL-2.0
//! The steps that make a tar mountable, mount it, compare it, and give the tar back.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanCount};

use crate::compare::{self, Comparison, FileType, Manifest};
use crate::error::{Error, Kind, Result};
use crate::guest::{Access, Boot, Guest};
use crate::progress::Step;
use crate::{mkfs, process, Lab};

use super::page::{plural, seconds, Page};

/// How many differences are printed.
const SHOWN: usize = 20;

/// A tar, and the copy that becomes an image.
pub struct Archive<'a> {
    tar: &'a Path,
    length: u64,
    image: PathBuf,
    /// Where the copy is; it lives as long as this.
    _folder: tempfile::TempDir,
}

impl<'a> Archive<'a> {
    /// Copies the tar.
    pub fn new(lab: &Lab, tar: &'a Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(lab.cache())
            .map_err(|error| Error::io("create a folder in", lab.cache(), error))?;
        let image = folder.path().join("image.tar");
        let step = Step::start("copying the tar");
        let copied = fs::copy(tar, &image);
        drop(step);
        Ok(Self {
            tar,
            length: copied.map_err(|error| Error::io("copy", tar, error))?,
            image,
            _folder: folder,
        })
    }

    /// Shows all steps.
    ///
    /// # Errors
    /// The first thing that did not hold.
    pub fn show(&self, lab: &Lab, title: &str, page: &mut Page) -> Result<()> {
        page.step(&format!("mkfs.tarfs, in place, on {title}"));
        let expected = self.make_image(lab, page)?;

        page.step("mount -t tarfs -o ro /dev/vda /mnt, in a guest");
        let mut guest = self.mount(lab, page)?;

        page.step("Every path and attribute of the mount compared with the tar");
        self.compare(&mut guest, &expected, page)?;

        page.step("Unmount, unload");
        guest.run("umount /mnt && rmmod tarfs")?.ok()?;
        guest.shutdown()?;
        page.result("kernel log", "clean", "no warning, no leak reported");

        self.give_back(page)
    }

    fn read_tar(&self, lab: &Lab) -> Result<Manifest> {
        let step = Step::start("reading the tar with Python");
        let manifest = compare::read_tar(lab, self.tar);
        drop(step);
        manifest
    }

    /// Makes the copy an image; gives what mounting it must show.
    fn make_image(&self, lab: &Lab, page: &Page) -> Result<Manifest> {
        let mut command = mkfs::command()?;
        command.arg("--quiet").arg(&self.image);
        let step = Step::start("indexing the tar");
        let start = Instant::now();
        let made = process::output(command, Kind::Build);
        let time = start.elapsed();
        drop(step);
        made.map_err(|error| error.within(self.tar.display()))?;
        let expected = self.read_tar(lab)?;
        let added = length(&self.image)?.saturating_sub(self.length);
        // CAST: both are far below 2^53.
        let each = added as f64 / expected.len().max(1) as f64;
        let paths = HumanCount(expected.len() as u64).to_string();
        page.result("tar", &DecimalBytes(self.length).to_string(), "");
        page.result("paths", &paths, "as Python's tarfile reads it");
        page.result("time", &seconds(time), "");
        let remark = format!("{} bytes, {each:.1} for each path", HumanCount(added));
        page.result("index", &DecimalBytes(added).to_string(), &remark);
        Ok(expected)
    }

    fn mount(&self, lab: &Lab, page: &Page) -> Result<Guest> {
        let step = Step::start("booting a guest");
        let mut boot = Boot::new(lab)
            .cpus(2)
            .command_limit(self.command_limit())
            .guest_limit(self.command_limit().saturating_mul(4))
            .module("tarfs")
            .disk(&self.image, Access::ReadOnly);
        for program in compare::PROGRAMS {
            boot = boot.program(program);
        }
        let start = Instant::now();
        let mut guest = boot.boot()?;
        let booted = start.elapsed();
        drop(step);
        guest
            .run("modprobe tarfs && mount -t tarfs -o ro /dev/vda /mnt")?
            .ok()?;
        page.result("boot", &seconds(booted), "the stock kernel, to a shell");
        let line = guest.run("grep ' /mnt ' /proc/mounts")?.ok()?;
        page.remark(line.text().trim_end());
        Ok(guest)
    }

    /// Emulated guests read and hash some 50 MB a second; a tenth of it is allowed for.
    fn command_limit(&self) -> Duration {
        Duration::from_secs(300).saturating_add(Duration::from_secs(self.length / 5_000_000))
    }

    fn compare(&self, guest: &mut Guest, expected: &Manifest, page: &Page) -> Result<()> {
        let step = Step::start("reading all of the mount");
        let start = Instant::now();
        let found = compare::read_mount(guest, "/mnt");
        let time = start.elapsed();
        drop(step);
        let comparison = compare::compare(expected, &found?);
        print(&comparison, page);
        page.result("time", &seconds(time), "");
        let differences = comparison.differences.len();
        page.result("differences", &differences.to_string(), "");
        for difference in comparison.differences.iter().take(SHOWN) {
            page.remark(&difference.to_string());
        }
        if differences == 0 {
            return Ok(());
        }
        let places = plural(differences as u64, ("place", "places"));
        let message = format!("the mount differs from the tar in {differences} {places}");
        Err(Error::new(Kind::Build, message))
    }

    fn give_back(&self, page: &mut Page) -> Result<()> {
        page.step("The tar is still there");
        let (ours, theirs) = (list(&self.image)?, list(self.tar)?);
        if ours != theirs {
            return Err(differs(
                "`tar tf` lists other names in the image than in the tar",
            ));
        }
        let names = HumanCount(ours.lines().count() as u64).to_string();
        page.result("tar tf image", &names, "names, as of the tar itself");
        let failed = |error| Error::io("truncate", &self.image, error);
        let image = File::options()
            .write(true)
            .open(&self.image)
            .map_err(failed)?;
        image.set_len(self.length).map_err(failed)?;
        let step = Step::start("comparing the bytes");
        let equal = same_bytes(&self.image, self.tar);
        drop(step);
        if !equal? {
            return Err(differs("the image cut to the tar's length is not the tar"));
        }
        page.result(
            "image cut to its length",
            "equal",
            "to the tar, byte for byte",
        );
        Ok(())
    }
}

fn differs(message: &str) -> Error {
    Error::new(Kind::Build, message)
}

fn print(comparison: &Comparison, page: &Page) {
    for (file_type, count) in &comparison.counts {
        let remark = match file_type {
            FileType::Regular => format!("{} by SHA-256", DecimalBytes(count.bytes)),
            FileType::Symlink => "their targets".to_owned(),
            FileType::Directory => "their numbers of links".to_owned(),
            FileType::CharDevice | FileType::BlockDevice => "their numbers".to_owned(),
            FileType::Fifo | FileType::Socket => String::new(),
        };
        let paths = HumanCount(count.paths).to_string();
        page.result(plural(count.paths, file_type.names()), &paths, &remark);
    }
    let links = HumanCount(comparison.hard_links).to_string();
    page.result("of them hard-linked", &links, "to the same inodes");
    let attributes = HumanCount(comparison.attributes).to_string();
    let remark = "type, mode, owner, group, links, time in ns, size, ...";
    page.result("attributes", &attributes, remark);
}

/// What this machine's tar lists.
fn list(archive: &Path) -> Result<String> {
    let mut command = process::command("tar");
    command.arg("--list").arg("--file").arg(archive);
    process::output(command, Kind::Build)
}

fn length(path: &Path) -> Result<u64> {
    fs::metadata(path)
        .map(|metadata| metadata.len())
        .map_err(|error| Error::io("read", path, error))
}

fn same_bytes(one: &Path, other: &Path) -> Result<bool> {
    if length(one)? != length(other)? {
        return Ok(false);
    }
    let open = |path: &Path| {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        Ok(BufReader::with_capacity(1 << 20, file))
    };
    let (mut ours, mut theirs) = (open(one)?, open(other)?);
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = ours
            .read(&mut left)
            .map_err(|error| Error::io("read", one, error))?;
        if read == 0 {
            return Ok(true);
        }
        let (left, right) = (left.get(..read), right.get_mut(..read));
        let (Some(left), Some(right)) = (left, right) else {
            return Ok(false);
        };
        theirs
            .read_exact(right)
            .map_err(|error| Error::io("read", other, error))?;
        if left != right {
            return Ok(false);
        }
    }
}
