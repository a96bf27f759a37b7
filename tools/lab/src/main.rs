// SPDX-License-Identifier: GPL-2.0
//! The command line of the laboratory; `make` calls it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::{Parser, Subcommand};
use lab::guest::{Access, Boot};
use lab::suites::{blktests, xfstests, Driver};
use lab::{bench, checks, demo, documents, process, Error, Kind, Lab, Result, ENVIRONMENT};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Builds the modules for a stock Debian kernel, and boots guests that run them.
#[derive(Parser)]
#[command(name = "lab", after_help = format!("{ENVIRONMENT}\n\n{EXIT_STATUS}"))]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the toolbox: a Debian 13 root with the compilers, QEMU, and the guests' programs
    Toolbox {
        /// Make it anew, from today's packages
        #[arg(long)]
        update: bool,
    },
    /// Make the kernel SDK, and download the kernel that guests boot
    Sdk(SdkArguments),
    /// Build the modules, where they stand in the checkout
    Modules {
        /// Build rnull by the name of the kernel's own driver as well: null_blk.ko
        #[arg(long)]
        null_blk: bool,
    },
    /// Write the documents that are made of the sources
    Documents,
    /// Check the sources: rustfmt for all, clippy and rustdoc for the kernel's side; and whether
    /// the documents are those of the sources
    Check {
        /// Check only that
        #[arg(value_enum)]
        what: Option<Check>,
    },
    /// Remove the cache folder with all of it
    Clean,
    /// Show both modules at work on the stock kernel, step by step, on real input
    Demo(Demo),
    /// Measure our modules and tools beside their peers
    Bench(Bench),
    /// Show where a benchmark's instructions go: by layer of the stack, and by function
    Profile(Profile),
    /// Run blktests with the kernel's own null_blk and with ours, and compare
    Blktests(Blktests),
    /// Run xfstests on file systems on null block devices of both drivers, or on tarfs
    Xfstests(Xfstests),
    /// Boot a guest with both modules, and a shell on this terminal
    Shell(Guest),
    /// Boot a guest, run one command in it, and end with the command's exit status
    Run(Run),
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Check {
    /// rustfmt, for all Rust files
    Format,
    /// Whether the documents made of the sources are those of today's
    Documents,
    /// clippy and rustdoc, for the kernel's side
    Kernel,
}

#[derive(clap::Args)]
struct SdkArguments {
    /// The release of the kernel (`uname -r`) [default: $KREL, else the newest of the cloud kernel]
    #[arg(long, value_name = "RELEASE", env = "KREL")]
    release: Option<String>,
    /// Ask the archive for a newer kernel, also where one is in the cache
    #[arg(long)]
    update: bool,
}

#[derive(clap::Args)]
struct Demo {
    /// Mount this tar, in place of a Debian root
    #[arg(long, value_name = "FILE")]
    tar: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Bench {
    /// The benchmarks, files of the folder `benches` [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only those that take little time, each figure once; with names, these
    #[arg(long)]
    quick: bool,
    /// Write all figures, and all that is needed to measure them again, to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the figures in benches/results, of which `lab documents` makes the README's table
    #[arg(long, conflicts_with = "quick")]
    keep: bool,
    /// Write a page with plots to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Say what got slower by more than 1 % since --json wrote this file; exit status 6 if anything
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Blktests {
    /// The checkout of blktests, which is left as it is
    #[arg(long, value_name = "FOLDER")]
    checkout: Option<PathBuf>,
    /// Run with this driver only, and fail where a test fails
    #[arg(long)]
    driver: Option<Driver>,
    /// Groups or tests, `zbd` or `block/014` [default: block zbd]
    #[arg(value_name = "TEST")]
    tests: Vec<String>,
}

#[derive(clap::Args)]
struct Profile {
    /// The benchmark, one that counts instructions
    #[arg(value_name = "NAME")]
    name: String,
    /// The measure, as its table calls it [default: the first]
    #[arg(long, value_name = "MEASURE")]
    measure: Option<String>,
}

#[derive(clap::Args)]
struct Xfstests {
    /// The checkout of xfstests, which is left as it is
    #[arg(long, value_name = "FOLDER")]
    checkout: Option<PathBuf>,
    /// The file system under test
    #[arg(long, default_value = "ext4")]
    fs: xfstests::FileSystem,
    /// Run with this null block driver only, and fail where a test fails
    #[arg(long)]
    driver: Option<Driver>,
    /// Tests or groups of xfstests, `generic/001` or `quick` [default: a list of fast ones]
    #[arg(value_name = "TEST")]
    tests: Vec<String>,
}

#[derive(clap::Args)]
struct Run {
    #[command(flatten)]
    guest: Guest,
    /// The command line, for sh
    #[arg(required = true, last = true)]
    command: Vec<String>,
}

/// What a guest holds.
#[derive(clap::Args)]
struct Guest {
    /// The number of CPUs
    #[arg(long, value_name = "N", default_value_t = 1)]
    cpus: u32,
    /// The memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,
    /// Put this module of the stock kernel into the guest; may be repeated
    #[arg(long, value_name = "NAME")]
    stock_module: Vec<String>,
    /// Attach this image as a disk, /dev/vda and so on, read-only; may be repeated
    #[arg(long, value_name = "FILE")]
    disk: Vec<PathBuf>,
    /// Put this module into the guest, with those that it depends on; may be repeated
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// Put this program into the guest: a name in the toolbox, or a path; may be repeated
    #[arg(long, value_name = "NAME")]
    program: Vec<String>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 done, 2 wrong usage, 3 the machine lacks something, 4 no network, 5 disk full, \
6 a build or check failed, 7 a guest failed, 130 interrupted, 1 anything else.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = stop_on_signals().and_then(|()| match arguments.command {
        Command::Toolbox { update } => toolbox(update),
        Command::Sdk(sdk) => sdk.run(),
        Command::Modules { null_blk } => modules(null_blk),
        Command::Documents => documents::write(&Lab::locate()?).map(|()| ExitCode::SUCCESS),
        Command::Check { what } => check(what),
        Command::Clean => Lab::locate()?.clear_cache().map(|()| ExitCode::SUCCESS),
        Command::Demo(demo) => demo.run(),
        Command::Bench(bench) => bench.run(),
        Command::Profile(profile) => profile.run(),
        Command::Blktests(blktests) => blktests.run(),
        Command::Xfstests(xfstests) => xfstests.run(),
        Command::Shell(guest) => shell(&guest),
        Command::Run(run) => run.run(),
    });
    result.unwrap_or_else(|error| {
        eprintln!("lab: {error}");
        error.kind().into()
    })
}

fn toolbox(update: bool) -> Result<ExitCode> {
    let lab = Lab::locate()?;
    if update {
        lab.update_toolbox()?;
    }
    println!("{}", lab.toolbox()?.root().display());
    Ok(ExitCode::SUCCESS)
}

impl SdkArguments {
    fn run(self) -> Result<ExitCode> {
        let lab = Lab::locate()?.with_release(self.release);
        if self.update {
            lab.update_release()?;
        }
        lab.kernel()?;
        println!("{}", lab.sdk()?.tree().display());
        Ok(ExitCode::SUCCESS)
    }
}

fn modules(null_blk: bool) -> Result<ExitCode> {
    Lab::locate()?.ensure_modules(null_blk)?;
    Ok(ExitCode::SUCCESS)
}

fn check(what: Option<Check>) -> Result<ExitCode> {
    let lab = Lab::locate()?;
    let wanted = |check| what.is_none_or(|only| only == check);
    if wanted(Check::Format) {
        checks::format(&lab)?;
    }
    if wanted(Check::Documents) {
        documents::check(&lab)?;
    }
    if wanted(Check::Kernel) {
        checks::kernel_side(&lab)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Guest {
    fn boot<'a>(&self, lab: &'a Lab) -> Boot<'a> {
        let boot = Boot::new(lab).cpus(self.cpus).memory_mib(self.memory);
        let boot = self
            .module
            .iter()
            .fold(boot, |boot, name| boot.module(name));
        let boot = self
            .stock_module
            .iter()
            .fold(boot, |boot, name| boot.stock_module(name));
        let boot = self
            .program
            .iter()
            .fold(boot, |boot, name| boot.program(name));
        self.disk
            .iter()
            .fold(boot, |boot, image| boot.disk(image, Access::ReadOnly))
    }
}

/// What the person sees first.
const WELCOME: &str = "\
modprobe rnull && modprobe tarfs
echo
uname -a
echo 'Both modules are loaded; the null block device:'
ls -l /dev/rnullb*
echo 'End with \"exit\".'
";

fn shell(guest: &Guest) -> Result<ExitCode> {
    let lab = Lab::locate()?;
    guest
        .boot(&lab)
        .module("rnull")
        .module("tarfs")
        .stock_module("loop")
        .shell(WELCOME)?;
    Ok(ExitCode::SUCCESS)
}

impl Demo {
    fn run(self) -> Result<ExitCode> {
        demo::run(&Lab::locate()?, self.tar.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Bench {
    fn run(self) -> Result<ExitCode> {
        let options = bench::Options {
            names: self.names,
            quick: self.quick,
            keep: self.keep,
            json: self.json,
            html: self.html,
            compare: self.compare,
        };
        bench::run(&Lab::locate()?, &options)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Blktests {
    fn run(self) -> Result<ExitCode> {
        let lab = Lab::locate()?;
        blktests::run(&lab, self.checkout.as_deref(), self.driver, &self.tests)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Profile {
    fn run(self) -> Result<ExitCode> {
        bench::profile::run(&Lab::locate()?, &self.name, self.measure.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Xfstests {
    fn run(self) -> Result<ExitCode> {
        let lab = Lab::locate()?;
        let checkout = self.checkout.as_deref();
        xfstests::run(&lab, checkout, self.fs, self.driver, &self.tests)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Run {
    fn run(self) -> Result<ExitCode> {
        let lab = Lab::locate()?;
        let mut guest = self.guest.boot(&lab).boot()?;
        let output = guest.run(&self.command.join(" "))?;
        print(&output.stdout)?;
        guest.shutdown()?;
        // The kernel keeps 8 bits of an exit status.
        Ok(u8::try_from(output.status).unwrap_or(u8::MAX).into())
    }
}

/// Ends the children first: everything here waits for a child, so the error then takes the usual
/// way up, and what is half made is removed on it.
fn stop_on_signals() -> Result<()> {
    let failed = |error| Error::new(Kind::Other, format!("cannot catch signals: {error}"));
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(failed)?;
    thread::spawn(move || signals.forever().for_each(|_| process::interrupt()));
    Ok(())
}

fn print(bytes: &[u8]) -> Result<()> {
    match io::stdout().write_all(bytes) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::io("write to", "the standard output", error)),
    }
}
