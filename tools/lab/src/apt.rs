// SPDX-License-Identifier: GPL-2.0
//! Packages of Debian 13 and its backports, through the machine's own apt: its mirror, its proxy
//! and its keys, but lists and state of our own, so that the machine is not touched.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::progress::{Step, Unit};
use crate::{process, variable};

/// The suites of a toolbox.
pub const SUITES: [&str; 2] = ["trixie", "trixie-backports"];
/// Lists older than this are fetched again before something is built from them.
const LISTS_AGE: Duration = Duration::from_secs(24 * 3600);
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];

/// apt, with a configuration of its own in the cache folder.
#[derive(Debug, Clone)]
pub struct Apt {
    folder: PathBuf,
    logs: PathBuf,
    mirror: String,
    /// Lines of apt's configuration that say how to reach a mirror.
    transport: Vec<String>,
}

/// A file in the archive.
struct Download {
    name: String,
    size: u64,
}

impl Apt {
    /// Derives the mirror from the machine's configuration and writes ours.
    ///
    /// # Errors
    /// `Missing` where the machine has no apt or no Debian mirror.
    pub fn new(cache: &Path, logs: &Path) -> Result<Self> {
        let transport = transport()?;
        let mirror = match variable("BLOCKYARD_MIRROR") {
            Some(uri) => uri,
            None => mirror()?,
        };
        let this = Self {
            folder: cache.join("apt"),
            logs: logs.to_owned(),
            mirror,
            transport,
        };
        this.configure()?;
        Ok(this)
    }

    /// The lines of a `sources.list`.
    pub fn sources(&self) -> Vec<String> {
        let keyring = KEYRINGS.iter().find(|path| Path::new(path).is_file());
        let signed = keyring.map_or(String::new(), |path| format!("[signed-by={path}] "));
        let mirror = &self.mirror;
        SUITES
            .iter()
            .map(|suite| format!("deb {signed}{mirror} {suite} main"))
            .collect()
    }

    /// The lines of configuration that say how to reach the mirror (proxies and the like).
    pub fn transport(&self) -> &[String] {
        &self.transport
    }

    /// Names of packages that start with `prefix`.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>> {
        self.refresh(LISTS_AGE)?;
        let mut command = self.command("apt-cache");
        command.args(["pkgnames", prefix]);
        Ok(process::output(command, Kind::Missing)?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// The newest version of a package.
    ///
    /// # Errors
    /// `Missing` where the archive has no such package.
    pub fn version(&self, package: &str) -> Result<String> {
        self.refresh(LISTS_AGE)?;
        let missing = || {
            let message = format!("the Debian archive has no package {package}");
            Error::new(Kind::Missing, message)
        };
        let mut command = self.command("apt-cache");
        command.args(["show", "--no-all-versions", package]);
        let text = process::output(command, Kind::Missing).map_err(|error| match error.kind() {
            Kind::Missing => missing(),
            _ => error,
        })?;
        let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
        version.map(str::to_owned).ok_or_else(missing)
    }

    /// Downloads packages (`name` or `name=version`) into `folder`, which must exist; gives their
    /// files. Their checksums are verified by apt.
    pub fn download(&self, packages: &[String], folder: &Path) -> Result<Vec<PathBuf>> {
        self.refresh(LISTS_AGE)?;
        let downloads = match self.sizes(packages) {
            // The archive drops old versions: the lists may name what is gone.
            Err(error) if error.kind() == Kind::Missing => {
                self.refresh(Duration::ZERO)?;
                self.sizes(packages)?
            }
            other => other?,
        };
        let step = Step::start(format!("downloading {}", packages.join(" ")));
        step.set_total(
            downloads.iter().map(|download| download.size).sum(),
            Unit::Bytes,
        );
        let mut command = self.command("apt-get");
        command.arg("download").args(packages).current_dir(folder);
        let log = self.logs.join("download.log");
        let following = step.follow(folder);
        process::logged(
            command,
            "cannot download packages",
            &log,
            Kind::Network,
            |_| {},
        )?;
        drop(following);
        step.finish();
        Ok(downloads
            .into_iter()
            .map(|download| folder.join(download.name))
            .collect())
    }

    fn sizes(&self, packages: &[String]) -> Result<Vec<Download>> {
        let mut command = self.command("apt-get");
        command.args(["download", "--print-uris"]).args(packages);
        let text = process::output(command, Kind::Missing)?;
        let downloads: Vec<_> = text.lines().filter_map(parse_download).collect();
        if downloads.len() == packages.len() {
            return Ok(downloads);
        }
        let message = format!("the Debian archive lacks one of: {}", packages.join(" "));
        Err(Error::new(Kind::Missing, message))
    }

    /// Fetches the lists of packages, unless those at hand are younger than `age`.
    fn refresh(&self, age: Duration) -> Result<()> {
        let stamp = self.folder.join("updated");
        let fresh = fs::metadata(&stamp)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed < age));
        // The lists are of one mirror.
        if fresh && fs::read_to_string(&stamp).is_ok_and(|mirror| mirror == self.mirror) {
            return Ok(());
        }
        let step = Step::start("fetching the lists of packages");
        let mut command = self.command("apt-get");
        // Without this apt-get calls a failed fetch a warning.
        command.args(["update", "--error-on=any"]);
        process::logged(
            command,
            "cannot fetch the lists of packages",
            &self.logs.join("lists.log"),
            Kind::Network,
            |line| step.note(line),
        )?;
        fs::write(&stamp, &self.mirror).map_err(|error| Error::io("write", &stamp, error))?;
        step.finish();
        Ok(())
    }

    fn configure(&self) -> Result<()> {
        let failed = |error| Error::io("write", &self.folder, error);
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(self.folder.join(folder)).map_err(failed)?;
        }
        fs::write(
            self.folder.join("sources.list"),
            self.sources().join("\n") + "\n",
        )
        .map_err(failed)?;
        fs::write(self.folder.join("status"), "").map_err(failed)?;
        let mut lines = self.transport.join("\n") + "\n";
        let folder = self.folder.display();
        let _ = write!(
            lines,
            "Dir::State \"{folder}/state\";\n\
             Dir::State::status \"{folder}/status\";\n\
             Dir::Cache \"{folder}/cache\";\n\
             Dir::Etc::Main \"/dev/null\";\n\
             Dir::Etc::Parts \"/dev/null\";\n\
             Dir::Etc::SourceList \"{folder}/sources.list\";\n\
             Dir::Etc::SourceParts \"/dev/null\";\n\
             APT::Architecture \"amd64\";\n\
             APT::Architectures \"amd64\";\n\
             APT::Sandbox::User \"\";\n\
             Acquire::Languages \"none\";\n\
             Acquire::Retries \"3\";\n"
        );
        fs::write(self.folder.join("apt.conf"), lines).map_err(failed)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = process::command(program);
        command
            .env("APT_CONFIG", self.folder.join("apt.conf"))
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

/// How the machine's apt reaches mirrors: the settings of its HTTP methods.
fn transport() -> Result<Vec<String>> {
    let mut command = process::command("apt-config");
    command.arg("dump").env("LC_ALL", "C.UTF-8");
    let text = process::output(command, Kind::Missing).map_err(|error| {
        error.within("this machine has no working apt, which the toolbox is made with")
    })?;
    let lines = text
        .lines()
        .filter(|line| line.starts_with("Acquire::http"));
    Ok(lines.map(str::to_owned).collect())
}

/// The base URI of the Debian archive in the machine's sources.
fn mirror() -> Result<String> {
    // This fetches nothing; `indextargets` would show nothing before the first update.
    let mut command = process::command("apt-get");
    command.args(["update", "--print-uris"]);
    let text = process::output(command, Kind::Missing)?;
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    find_mirror(&text, &codename(&release)).ok_or_else(|| {
        let message = "apt's sources name no mirror of the Debian archive; name one: \
                       BLOCKYARD_MIRROR=URI";
        Error::new(Kind::Missing, message)
    })
}

fn codename(os_release: &str) -> String {
    let line = os_release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    line.unwrap_or_default().trim_matches('"').to_owned()
}

/// The archive whose path ends in `/debian`, as Debian's does on all mirrors, and whose suite is
/// this system's or one that only Debian has: others' archives are of either sort, not both.
fn find_mirror(uris: &str, codename: &str) -> Option<String> {
    let suites = [codename, "testing", "unstable", "sid"];
    uris.lines().find_map(|line| {
        let uri = line.strip_prefix('\'')?.split('\'').next()?;
        let (base, suite) = uri.strip_suffix("/InRelease")?.split_once("/dists/")?;
        (base.ends_with("/debian") && suites.contains(&suite)).then(|| base.to_owned())
    })
}

/// A line `'URI' NAME SIZE HASH` of `apt-get --print-uris`.
fn parse_download(line: &str) -> Option<Download> {
    let mut fields = line.strip_prefix('\'')?.split(' ');
    let (_uri, name, size) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Download {
        name: name.to_owned(),
        size: size.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_of_debian_itself() {
        let uris = "\
            'http://m.example/debian-security/dists/bookworm-security/InRelease' a 0 \n\
            'http://tools.example/apt/dists/bookworm/InRelease' b 0 \n\
            'http://other.example/debian/dists/stable/InRelease' c 0 \n\
            'http://m.example/debian/dists/bookworm/InRelease' d 0 \n\
            'http://m.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' e 0 \n";
        assert_eq!(
            find_mirror(uris, "bookworm").as_deref(),
            Some("http://m.example/debian")
        );
        assert_eq!(find_mirror(uris, "trixie"), None);
    }

    #[test]
    fn the_code_name_may_stand_in_quotes() {
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=\"forky\"\n"), "forky");
        assert_eq!(codename("ID=none\n"), "");
    }

    #[test]
    fn a_download_has_a_name_and_a_size() {
        let line = "'http://m.example/pool/a_1%2b1.deb' a_1+1_amd64.deb 4711 SHA256:00";
        let download = parse_download(line).unwrap();
        assert_eq!(
            (download.name.as_str(), download.size),
            ("a_1+1_amd64.deb", 4711)
        );
        assert!(parse_download("Reading package lists...").is_none());
    }
}
