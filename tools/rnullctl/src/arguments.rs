// SPDX-License-Identifier: GPL-2.0

//! The command line. Completions and the man page come from it too.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::error_rules::ErrorRule;
use crate::profiles::PROFILES;
use crate::setting::Setting;

/// Make and manage the disks of the null block driver.
///
/// A disk is a directory in configfs, and its settings are the files there; this program writes
/// them in the right order and says which value breaks which rule. It works with rnull and with
/// the kernel's null_blk.
#[derive(Parser)]
#[command(
    name = "rnullctl",
    version,
    after_help = "Exit status: 0 done; 2 a value breaks a rule, or the driver refused it; 4 no \
                  such disk, or no driver; 8 the system failed; 16 usage."
)]
pub struct Arguments {
    /// Where configfs is mounted
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = "/sys/kernel/config",
        global = true
    )]
    pub configfs: PathBuf,

    /// Where sysfs is mounted
    #[arg(long, value_name = "DIRECTORY", default_value = "/sys", global = true)]
    pub sysfs: PathBuf,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Make a disk and turn it on
    Create {
        /// Name of the disk, as in /dev
        disk: String,

        /// Start from the settings of a common device
        #[arg(long, value_parser = profile_names())]
        profile: Option<String>,

        /// Leave out what the loaded driver has no attribute for
        #[arg(long)]
        ignore_missing: bool,

        /// Leave the disk off
        #[arg(long)]
        off: bool,

        /// Settings, written in this order after the profile's
        #[arg(value_name = "ATTRIBUTE=VALUE")]
        settings: Vec<Setting>,
    },
    /// List the disks
    List {
        /// Every setting of every disk, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change settings of a disk
    Set {
        /// Name of the disk
        disk: String,

        /// What to change, in this order
        #[arg(value_name = "ATTRIBUTE=VALUE", required = true)]
        settings: Vec<Setting>,
    },
    /// Show settings of a disk
    Show {
        /// Name of the disk
        disk: String,

        /// The settings to show; all without one
        #[arg(value_name = "ATTRIBUTE")]
        attributes: Vec<String>,

        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Turn disks off and remove them, with what they keep
    Destroy {
        /// Names of the disks
        #[arg(value_name = "DISK", required = true)]
        disks: Vec<String>,
    },
    /// Take the power from a disk: it dies, and what its cache held is lost
    ///
    /// It is there, of no use, until it is turned off; turned on again, it shows what is left.
    /// What is not said here is as it was last time.
    Crash {
        /// Name of the disk
        disk: String,

        /// What is lost of the cache: all, none, random PERCENT, or sectors FIRST-LAST[,...]
        #[arg(long, value_name = "WHAT")]
        lose: Option<String>,

        /// Whether blocks are lost or kept alone, not whole pages
        #[arg(long, value_name = "TRUTH", num_args = 0..=1, default_missing_value = "1")]
        torn: Option<String>,

        /// What the random numbers begin with
        #[arg(long, value_name = "NUMBER")]
        seed: Option<String>,
    },
    /// Make requests of a disk fail, or reads lie, by rules
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Show what a disk has done
    Stats {
        /// Name of the disk
        disk: String,

        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the conditions of a disk's zones, a character for each
    #[command(
        after_help = "= conventional  . empty  o implicitly open  O explicitly open  \
                            c closed  # full  r read-only  x offline  ? another; {N} repeats"
    )]
    Zones {
        /// Name of the disk
        disk: String,
    },
    /// Print a script that completes command lines
    Completions {
        /// The shell it is for
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

#[derive(Subcommand)]
pub enum RulesCommand {
    /// Add a rule; the disk must be off, or have been turned on with one or rules/prepared=1
    Add {
        /// Name of the disk
        disk: String,

        #[command(flatten)]
        rule: ErrorRule,
    },
    /// Remove rules
    Remove {
        /// Name of the disk
        disk: String,

        /// Numbers of rules as listed, or `all`
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<String>,
    },
    /// List the rules with their numbers, and how often each had its effect
    List {
        /// Name of the disk
        disk: String,
    },
}

fn profile_names() -> PossibleValuesParser {
    let values = PROFILES
        .iter()
        .map(|profile| clap::builder::PossibleValue::new(&*profile.name).help(&*profile.help));
    PossibleValuesParser::new(values.collect::<Vec<_>>())
}
