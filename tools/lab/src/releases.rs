// SPDX-License-Identifier: GPL-2.0
//! Which kernel: its release (`uname -r`) and the version of the packages that it came in.

use std::fs;
use std::path::Path;

use crate::apt::Apt;
use crate::error::{Error, Kind, Result};

/// The series of kernels that the sources are for.
const SERIES: &str = "7.2";
/// The flavour that guests run by default: few drivers, all that QEMU needs built in.
const FLAVOUR: &str = "cloud-amd64";
/// The package of a kernel image is this with the release.
const PACKAGE: &str = "linux-binary-";

/// A stock kernel in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What `uname -r` says in it.
    pub name: String,
    /// The version of its packages.
    pub version: String,
}

impl Release {
    /// The release `name`, or by default the newest of the cloud flavour, with the newest version
    /// that the archive had when it was first asked for: the answer stays in the cache folder, so
    /// that a second run needs no network. `update` asks again.
    pub fn resolve(
        name: Option<&str>,
        update: bool,
        cache: &Path,
        apt: impl FnOnce() -> Result<Apt>,
    ) -> Result<Self> {
        let file = cache.join(format!("release-{}", name.unwrap_or("newest")));
        let kept = fs::read_to_string(&file)
            .ok()
            .and_then(|text| Self::parse(&text));
        if let (Some(kept), false) = (kept, update) {
            return Ok(kept);
        }
        let apt = apt()?;
        let known = apt.names(&format!("{PACKAGE}{SERIES}."))?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => newest(&known).ok_or_else(|| {
                let message = format!("the Debian archive has no kernel {SERIES} ({FLAVOUR})");
                Error::new(Kind::Missing, message)
            })?,
        };
        let package = format!("{PACKAGE}{name}");
        if !known.contains(&package) {
            let mut known: Vec<_> = known
                .iter()
                .filter_map(|p| p.strip_prefix(PACKAGE))
                .collect();
            known.sort_unstable();
            let known = known.join(", ");
            let message = format!("the Debian archive has no kernel {name}; it has {known}");
            return Err(Error::new(Kind::Missing, message));
        }
        let version = apt.version(&package)?;
        let this = Self { name, version };
        fs::write(&file, this.to_line()).map_err(|error| Error::io("write", &file, error))?;
        Ok(this)
    }

    /// The packages with the image and its modules, with their version, for apt.
    pub fn kernel_packages(&self) -> Vec<String> {
        vec![
            self.package(PACKAGE, &self.name),
            self.package("linux-modules-", &self.name),
            // Its configuration, and which modules are part of the image.
            self.package("linux-base-", &self.name),
        ]
    }

    /// The packages with configuration and symbols, and with the source, for apt.
    pub fn source_packages(&self) -> Vec<String> {
        vec![
            self.package("linux-headers-", &self.name),
            self.source_package(),
        ]
    }

    /// The package with the source, for apt.
    pub fn source_package(&self) -> String {
        self.package("linux-source-", SERIES)
    }

    fn package(&self, prefix: &str, name: &str) -> String {
        format!("{prefix}{name}={}", self.version)
    }

    fn to_line(&self) -> String {
        format!("{} {}\n", self.name, self.version)
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, version) = line.strip_suffix('\n')?.split_once(' ')?;
        let (name, version) = (name.to_owned(), version.to_owned());
        (!name.is_empty() && !version.is_empty()).then_some(Self { name, version })
    }
}

/// The newest release of our flavour among names of packages.
fn newest(packages: &[String]) -> Option<String> {
    let releases = packages
        .iter()
        .filter_map(|package| package.strip_prefix(PACKAGE));
    releases
        .filter_map(|name| Some((patch_level(name)?, name)))
        .max()
        .map(|(_, n)| n.to_owned())
}

/// 12 for 7.2.12+deb13-cloud-amd64; nothing for other series, flavours and pre-releases.
fn patch_level(release: &str) -> Option<u32> {
    let rest = release.strip_prefix(SERIES)?.strip_prefix('.')?;
    let (level, flavour) = rest.split_once('+')?;
    let (_, flavour) = flavour.split_once('-')?;
    (flavour == FLAVOUR).then(|| level.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_by_number() {
        let names = [
            "linux-binary-7.2.9+deb13-cloud-amd64",
            "linux-binary-7.2.12+deb13-cloud-amd64",
            "linux-binary-7.2.13+deb13-amd64",
            "linux-binary-7.2.13+deb13-rt-cloud-amd64",
            "linux-binary-7.3.1+deb13-cloud-amd64",
            "linux-binary-7.2~rc1-cloud-amd64",
        ];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(newest(&names).as_deref(), Some("7.2.12+deb13-cloud-amd64"));
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn a_truncated_line_is_no_release() {
        let release = Release {
            name: "7.2.1-x".into(),
            version: "7.2.1-1".into(),
        };
        let line = release.to_line();
        assert_eq!(Release::parse(&line), Some(release));
        assert_eq!(Release::parse(&line[..line.len() - 1]), None);
        assert_eq!(Release::parse(""), None);
    }
}
