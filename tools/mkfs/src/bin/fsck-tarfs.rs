// SPDX-License-Identifier: GPL-2.0

//! `fsck.tarfs`: checks a tarfs image, and that its index says what its archive does.

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

use std::path::PathBuf;
use std::process::{ExitCode, Termination};

use clap::Parser;
use serde_json::json;
use tarfs_tools::cli::{self, print_line};
use tarfs_tools::exit::Status;
use tarfs_tools::fsck::{self, Checked, Finding, Report};
use tarfs_tools::message;
use tarfs_tools::progress::Progress;
use tarfs_tools::Error;

/// Check a tarfs image, and that its index says what its archive does.
///
/// Every structure and checksum of the index is checked; then the archive's headers are read again
/// and compared with it. Checksums of the archive's data are verified where the image has them.
#[derive(Parser)]
#[command(
    name = "fsck.tarfs",
    bin_name = "fsck.tarfs",
    version = concat!(env!("CARGO_PKG_VERSION"), ", format 1"),
    after_help = "Exit status: 0 good; 1 repaired; 4 broken rules are left; 8 the system failed, or \
                  the file has no index that could be checked; 16 usage; 32 interrupted."
)]
struct Arguments {
    /// Make the index again where it breaks a rule, from its archive
    #[arg(short = 'y', long, short_aliases = ['a', 'p'])]
    repair: bool,

    /// Change nothing, as without --repair
    #[arg(short = 'n', long = "no-changes", conflicts_with = "repair")]
    _no_changes: bool,

    /// Check an image that was unmounted as well, as always
    #[arg(short = 'f', long = "force")]
    _force: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    /// The image, or an index of its own
    image: PathBuf,

    /// The archives of an index of its own, in its order; without them it is checked by itself
    #[arg(value_name = "TAR")]
    archives: Vec<PathBuf>,
}

/// How a check ended, as for every `fsck`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good = 0,
    Repaired = 1,
    Broken = 4,
    Failed = 8,
    Usage = 16,
    Interrupted = 32,
}

impl Termination for Outcome {
    fn report(self) -> ExitCode {
        // CAST: the values are above.
        ExitCode::from(self as u8)
    }
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        match status {
            Status::Good => Self::Good,
            Status::Damaged => Self::Broken,
            Status::NotIndexed | Status::Refused | Status::Failed => Self::Failed,
            Status::Usage => Self::Usage,
            Status::Interrupted => Self::Interrupted,
        }
    }
}

impl Outcome {
    /// The word for it in JSON.
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Repaired => "repaired",
            Self::Broken => "broken",
            Self::Failed | Self::Usage | Self::Interrupted => "failed",
        }
    }
}

fn main() -> Outcome {
    let arguments: Arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(status) => return status.into(),
    };
    let mut progress = Progress::new(arguments.quiet);
    let mut report = Report::default();
    let result = arguments.run(&mut report, &mut progress);
    progress.finish();
    let outcome = match &result {
        Ok((outcome, _)) => *outcome,
        Err(error) => error.status().into(),
    };
    arguments.print(&report, outcome, &result);
    outcome
}

impl Arguments {
    fn run(
        &self,
        report: &mut Report,
        progress: &mut Progress,
    ) -> Result<(Outcome, Checked), Error> {
        let checked = fsck::check(&self.image, &self.archives, report, progress)?;
        if report.count() == 0 {
            return Ok((Outcome::Good, checked));
        }
        if !self.repair || report.is_data_damaged() {
            return Ok((Outcome::Broken, checked));
        }
        fsck::repair(&self.image, &self.archives, &checked, progress)?;
        let mut left = Report::default();
        let checked = fsck::check(&self.image, &self.archives, &mut left, progress)?;
        if left.count() == 0 {
            return Ok((Outcome::Repaired, checked));
        }
        *report = left;
        Ok((Outcome::Broken, checked))
    }

    fn print(&self, report: &Report, outcome: Outcome, result: &Result<(Outcome, Checked), Error>) {
        let image = self.image.display();
        if self.json {
            let findings: Vec<_> = report.findings().iter().map(json_of).collect();
            let checked = result.as_ref().ok().map(|(_, checked)| checked);
            let superblock = checked.and_then(|checked| checked.superblock.as_ref());
            print_line(json!({
                "image": message::json(self.image.as_os_str().as_encoded_bytes()),
                "status": outcome.word(),
                "error": result.as_ref().err().map(Error::to_string),
                "inodes": superblock.map(|superblock| superblock.inode_count()),
                "compared": checked.is_some_and(|checked| checked.is_compared),
                "broken_rules": report.count(),
                "findings": findings,
            }));
            return;
        }
        for finding in report.findings() {
            print_line(format_args!("{image}: {}", text_of(finding)));
        }
        match result {
            Err(error) => eprintln!("fsck.tarfs: {error}"),
            Ok(_) if self.quiet && outcome != Outcome::Broken => {}
            Ok((_, checked)) => print_line(format_args!(
                "{image}: {}{}",
                summary(report, outcome),
                inodes(checked)
            )),
        }
    }
}

fn summary(report: &Report, outcome: Outcome) -> String {
    let count = report.count();
    match outcome {
        Outcome::Repaired => format!("{count} broken rules, repaired"),
        Outcome::Broken if report.is_data_damaged() => {
            format!("{count} broken rules; the archive itself is damaged: restore it from a copy")
        }
        Outcome::Broken => format!("{count} broken rules; --repair makes the index again"),
        _ => "good".into(),
    }
}

fn inodes(checked: &Checked) -> String {
    let compared = match checked.is_compared {
        true => "compared with the archive",
        false => "not compared: the archive was not named",
    };
    match &checked.superblock {
        Some(superblock) => format!("; {} inodes, {compared}", superblock.inode_count()),
        None => String::new(),
    }
}

fn text_of(finding: &Finding) -> String {
    let rule = &finding.rule;
    match (finding.inode, &finding.path) {
        (None, _) => rule.clone(),
        (Some(inode), None) => format!("inode {inode}: {rule}"),
        (Some(inode), Some(path)) => format!("inode {inode} {}: {rule}", message::quoted(path)),
    }
}

fn json_of(finding: &Finding) -> serde_json::Value {
    json!({
        "inode": finding.inode,
        "path": finding.path.as_deref().map(message::json),
        "rule": finding.rule,
    })
}
