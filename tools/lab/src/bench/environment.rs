// SPDX-License-Identifier: GPL-2.0
//! What figures were measured with.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Kind, Result};
use crate::{process, Lab};

/// The packages of the toolbox whose versions can change a figure.
const PACKAGES: &[&str] = &[
    "bindgen",
    "erofs-utils",
    "findutils",
    "fio",
    "gcc-14",
    "qemu-system-x86",
    "rustc",
];

/// The kernel, the tools and the machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Environment {
    /// What was measured: the commit of the checkout, with "-dirty" where it has changes.
    pub commit: String,
    /// The release of the guests' kernel.
    pub kernel: String,
    /// Packages of the toolbox with their versions.
    pub toolbox: Vec<String>,
    /// The machine's processor.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// Its system and the release of its kernel.
    #[serde(default)]
    pub system: String,
    /// What else ran: the mean number of runnable tasks in the minute before.
    #[serde(default)]
    pub load: f64,
}

impl Environment {
    /// Finds out.
    pub fn of(lab: &Lab) -> Result<Self> {
        let mut command = lab.toolbox()?.command(&[], Path::new("/"));
        command.args([
            "dpkg-query",
            "--show",
            "--showformat=${Package} ${Version}\\n",
        ]);
        command.args(PACKAGES);
        let packages = process::output(command, Kind::Missing)?;
        Ok(Self {
            commit: commit(lab),
            kernel: lab.kernel()?.release().to_owned(),
            toolbox: packages.lines().map(str::to_owned).collect(),
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            processors: std::thread::available_parallelism().map_or(1, |count| count.get()),
            system: system(),
            load: load(&fs::read_to_string("/proc/loadavg").unwrap_or_default()),
        })
    }
}

impl Environment {
    /// For a person.
    pub fn text(&self) -> String {
        format!(
            "commit {}\nguests' kernel {}\n{}\n{}, {} processors, load {:.1}\n{}",
            self.commit,
            self.kernel,
            self.toolbox.join("\n"),
            self.processor,
            self.processors,
            self.load,
            self.system
        )
    }
}

/// A checkout may have come without its history.
fn commit(lab: &Lab) -> String {
    let mut command = process::command("git");
    command.arg("-C").arg(lab.checkout());
    command.args([
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]);
    match process::output(command, Kind::Other) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => "unknown".to_owned(),
    }
}

fn processor(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("unknown", |(_, name)| name).to_owned()
}

fn system() -> String {
    let names = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = names
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = name.unwrap_or("unknown").trim_matches('"');
    format!("{name}, Linux {}", release.trim())
}

fn load(loadavg: &str) -> f64 {
    let first = loadavg.split(' ').next();
    first.and_then(|word| word.parse().ok()).unwrap_or_default()
}
