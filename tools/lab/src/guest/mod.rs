// SPDX-License-Identifier: GPL-2.0
//! Guests: the stock kernel in QEMU with an initramfs made for one test.
//!
//! ```no_run
//! let lab = lab::Lab::locate()?;
//! let mut guest = lab::guest::Boot::new(&lab).module("rnull").boot()?;
//! guest.run("modprobe rnull && cat /sys/block/rnullb0/size")?.ok()?;
//! guest.shutdown()?;
//! # Ok::<(), lab::Error>(())
//! ```

mod accelerator;
mod console;
mod cpio;
mod initramfs;
mod log;
mod qemu;
mod shell;

use std::borrow::Cow;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::process::{self, Child};
use crate::progress::Step;
use crate::Lab;

pub use accelerator::best as best_accelerator;
use console::{Answer, Console, Failure};
use initramfs::Initramfs;
pub use qemu::{Accelerator, Access};

/// How many lines of the log a message shows.
const TAIL: usize = 40;
/// How many times as long things may take on the debug kernel.
const DEBUG_PATIENCE: u32 = 4;
/// How many crashes of the emulation a start survives: one in some hundred starts crashes.
const CRASHES: u32 = 2;

/// What a guest is to be; [`Boot::boot`] starts it.
#[derive(Clone)]
pub struct Boot<'a> {
    lab: &'a Lab,
    accelerator: Option<Accelerator>,
    machine: qemu::Machine,
    contents: Vec<Content>,
    boot_limit: Duration,
    command_limit: Duration,
    guest_limit: Duration,
}

#[derive(Clone)]
enum Content {
    Module(String),
    StockModule(String),
    Program(String),
    File(PathBuf, String),
    Bytes(Vec<u8>, String),
}

impl<'a> Boot<'a> {
    /// A guest of one CPU and 1024 MiB, with a shell and busybox.
    pub fn new(lab: &'a Lab) -> Self {
        let machine = qemu::Machine {
            accelerator: Accelerator::Tcg,
            cpus: 1,
            memory_mib: 1024,
            disks: Vec::new(),
            plugin: None,
            port: qemu::Port::Control,
            command_line: qemu::KERNEL_COMMAND_LINE.to_owned(),
        };
        Self {
            lab,
            accelerator: None,
            machine,
            contents: Vec::new(),
            boot_limit: Duration::from_secs(180),
            command_limit: Duration::from_secs(300),
            guest_limit: Duration::from_secs(1800),
        }
    }

    /// Sets the number of CPUs, at least 1.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.machine.cpus = cpus;
        self
    }

    /// Sets the memory, in MiB.
    pub fn memory_mib(mut self, mebibytes: u32) -> Self {
        self.machine.memory_mib = mebibytes;
        self
    }

    /// Adds parameters to the kernel's command line.
    pub fn kernel_parameters(mut self, parameters: &str) -> Self {
        self.machine.command_line = format!("{} {parameters}", self.machine.command_line);
        self
    }

    /// Makes the guest's time the count of its instructions, 1 ns each: one CPU, emulated.
    /// Let the guest sleep 10 s before measuring: the kernel calibrates its clock until then.
    pub fn icount(mut self) -> Self {
        self.machine.cpus = 1;
        self.accelerator(Accelerator::Icount)
    }

    /// Sets what executes the guest (without it: KVM where it works, else TCG).
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self.machine.accelerator = accelerator;
        self
    }

    /// Adds one of our modules, or one from a file (a path ending in `.ko`), and the stock
    /// modules that it depends on; `modprobe NAME` loads it in the guest.
    pub fn module(mut self, name: &str) -> Self {
        self.contents.push(Content::Module(name.to_owned()));
        self
    }

    /// Adds a module of the stock kernel, and those that it depends on.
    pub fn stock_module(mut self, name: &str) -> Self {
        self.contents.push(Content::StockModule(name.to_owned()));
        self
    }

    /// Adds a program with its shared libraries to the guest's `PATH`: of the toolbox where
    /// `name` is a bare name (`fio`), of this machine where it is a path.
    pub fn program(mut self, name: &str) -> Self {
        self.contents.push(Content::Program(name.to_owned()));
        self
    }

    /// Adds a file of this machine.
    pub fn file(mut self, host: impl Into<PathBuf>, guest: &str) -> Self {
        self.contents
            .push(Content::File(host.into(), guest.to_owned()));
        self
    }

    /// Adds a file of those bytes.
    pub fn bytes(mut self, guest: &str, bytes: &[u8]) -> Self {
        self.contents
            .push(Content::Bytes(bytes.to_owned(), guest.to_owned()));
        self
    }

    /// Has a plugin watch the software emulation; it gets the argument `out=OUT`.
    pub fn plugin(mut self, file: &Path, out: &Path) -> Self {
        self.machine.plugin = Some((file.to_owned(), out.to_owned()));
        self
    }

    /// Adds a disk: the first is `/dev/vda`, the next `/dev/vdb`.
    pub fn disk(mut self, image: impl Into<PathBuf>, access: Access) -> Self {
        self.machine.disks.push((image.into(), access));
        self
    }

    /// Sets how long the guest may take to start (without it: 3 minutes, for a machine that is
    /// slow and busy), in time of this machine.
    pub fn boot_limit(mut self, limit: Duration) -> Self {
        self.boot_limit = limit;
        self
    }

    /// Sets how long one command may take (without it: 5 minutes), in time of this machine.
    pub fn command_limit(mut self, limit: Duration) -> Self {
        self.command_limit = limit;
        self
    }

    /// Sets how long the guest may live (without it: 30 minutes), in time of this machine.
    pub fn guest_limit(mut self, limit: Duration) -> Self {
        self.guest_limit = limit;
        self
    }

    /// The arguments of QEMU that decide how the guest executes and how fast: for software
    /// emulation, unless [`Boot::accelerator`] said otherwise.
    pub fn machine_arguments(&self) -> Vec<String> {
        self.machine.execution()
    }

    /// Starts the guest and waits until it takes commands. A guest whose emulator crashes before
    /// that is started again: no module has been loaded yet that could be the reason.
    ///
    /// # Errors
    /// `Missing` for a program or module that is not there, `Guest` where the guest did not
    /// start, with the tail of its log.
    pub fn boot(mut self) -> Result<Guest> {
        self.choose_accelerator()?;
        self.allow_for_debug_kernel()?;
        let initramfs = self.initramfs()?;
        let _step = Step::passing("booting a guest");
        let mut crashes = 0;
        loop {
            let mut guest = self.start(&initramfs)?;
            let deadline = Instant::now() + self.boot_limit;
            let Err(failure) = guest.console.receive(deadline) else {
                return Ok(guest);
            };
            let crashed = failure == Failure::Closed && self.emulator_crashed(&mut guest)?;
            let error = guest.failed("the guest did not start", &failure);
            if !crashed || crashes == CRASHES {
                return Err(error);
            }
            crashes += 1;
            eprintln!("lab: it is started again after a crash of the emulation: {error}");
        }
    }

    /// Starts QEMU; nobody has heard of the guest yet.
    fn start(&self, initramfs: &File) -> Result<Guest> {
        let log = self.scratch_file()?;
        let mut command = self.qemu(initramfs, &log)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut qemu = process::spawn(command)?;
        let (Some(to), Some(from)) = (qemu.take_stdin(), qemu.take_stdout()) else {
            return Err(Error::new(Kind::Other, "QEMU started without its pipes"));
        };
        let console = Console::new(to, from)
            .map_err(|error| Error::new(Kind::Other, format!("cannot set up a pipe: {error}")))?;
        Ok(Guest {
            qemu,
            console,
            log,
            kept: self.lab.logs().join(format!("guest-{}.log", test_name())),
            command_limit: self.command_limit,
            deadline: Instant::now() + self.guest_limit,
        })
    }

    /// Whether that guest ended because QEMU's emulation with several threads failed: by a signal
    /// (an assertion of `iotlb_to_section`, say), or with the kernel's panic where it patches its
    /// own code.
    fn emulator_crashed(&self, guest: &mut Guest) -> Result<bool> {
        let status = guest.qemu.wait()?;
        Ok(self.machine.accelerator == Accelerator::Tcg
            && (status.signal().is_some() || status.success()))
    }

    fn choose_accelerator(&mut self) -> Result<()> {
        if self.accelerator.is_none() {
            self.machine.accelerator = accelerator::best(self.lab)?;
        }
        Ok(())
    }

    /// Gives a debug kernel what its sanitizers cost: KASAN's shadow and what it keeps from being
    /// used again, and time.
    fn allow_for_debug_kernel(&mut self) -> Result<()> {
        if self.lab.kernel()?.is_debug() {
            self.machine.memory_mib = self.machine.memory_mib.saturating_mul(2);
            self.boot_limit *= DEBUG_PATIENCE;
            self.command_limit *= DEBUG_PATIENCE;
            self.guest_limit *= DEBUG_PATIENCE;
            self.machine.command_line =
                format!("{} {}", self.machine.command_line, qemu::DEBUG_COMMAND_LINE);
        }
        Ok(())
    }

    /// A command that starts the guest, whose log goes to that file.
    fn qemu(&self, initramfs: &File, log: &File) -> Result<Command> {
        let mut command = self.lab.toolbox()?.qemu()?;
        // The archive has no name; QEMU opens it through this process, which keeps it until then.
        let path = format!("/proc/{}/fd/{}", std::process::id(), initramfs.as_raw_fd());
        self.machine
            .arguments(&mut command, &self.lab.kernel()?.image(), Path::new(&path));
        let log = log.try_clone();
        let log = log.map_err(|error| Error::io("use a file in", self.lab.cache(), error))?;
        command.stderr(log);
        Ok(command)
    }

    /// A file without a name, which ends with this process.
    fn scratch_file(&self) -> Result<File> {
        let folder = self.lab.cache();
        tempfile::tempfile_in(folder).map_err(|error| Error::io("create a file in", folder, error))
    }

    fn initramfs(&self) -> Result<File> {
        let file = self.scratch_file()?;
        let mut initramfs = Initramfs::new(file, self.lab.toolbox()?, self.lab.kernel()?)?;
        for content in &self.contents {
            match content {
                Content::Module(name) => {
                    let file = self.lab.module(name)?;
                    let name = file.file_stem().unwrap_or_default().to_string_lossy();
                    initramfs.module(&name, &file)?;
                }
                Content::StockModule(name) => initramfs.stock_module(name)?,
                Content::Program(name) => initramfs.program(name)?,
                Content::File(host, guest) => initramfs.file(host, guest)?,
                Content::Bytes(bytes, guest) => initramfs.bytes(guest, 0o644, bytes)?,
            }
        }
        for (image, _) in &self.machine.disks {
            initramfs::require_file(image)?;
        }
        if !self.machine.disks.is_empty() {
            initramfs.startup_module("virtio_blk")?;
        }
        initramfs.finish()
    }
}

/// A running guest. Dropping it ends it at once; [`Guest::shutdown`] also judges its log.
///
/// Where anything failed, and where a test panics, the guest's log is kept and its path shown.
pub struct Guest {
    qemu: Child,
    console: Console,
    log: File,
    /// Where the log goes if it is kept.
    kept: PathBuf,
    command_limit: Duration,
    deadline: Instant,
}

impl Guest {
    /// The process id of its QEMU.
    pub fn id(&self) -> u32 {
        self.qemu.id()
    }

    /// Runs a command line with `sh`, without input.
    ///
    /// # Errors
    /// `Guest` where the guest ended or the time was up; a failing command is no error here (see
    /// [`Output::ok`]).
    pub fn run(&mut self, command: &str) -> Result<Output> {
        let answer = self.exchange(&format!("run {}", command.len()), command.as_bytes());
        let answer = answer.map_err(|failure| self.failed(&format!("`{command}`"), &failure))?;
        Ok(Output {
            command: command.to_owned(),
            status: answer.status,
            stdout: answer.output,
        })
    }

    /// Writes a file in the guest, its folder included.
    pub fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let answer = self.exchange(&format!("put {} {path}", bytes.len()), bytes);
        match answer.map_err(|failure| self.failed(&format!("writing {path}"), &failure))? {
            Answer { status: 0, .. } => Ok(()),
            _ => Err(Error::new(
                Kind::Guest,
                format!("the guest cannot write {path}"),
            )),
        }
    }

    /// The kernel's log so far: warnings since the start, everything since the first command.
    pub fn log(&self) -> String {
        log::read(&self.log)
    }

    /// Powers the guest off and reads its whole log.
    ///
    /// # Errors
    /// `Guest` where the kernel reported a bug, a warning or a hang at any time, or does not
    /// power off in time.
    pub fn shutdown(mut self) -> Result<()> {
        let deadline = self.next_deadline();
        let sent = self.console.send("off 0", b"", deadline);
        let end = sent.and_then(|()| match self.console.receive(deadline) {
            Err(Failure::Closed) => Ok(()),
            Err(failure) => Err(failure),
            Ok(answer) => Err(Failure::Garbled(format!("{answer:?}"))),
        });
        end.map_err(|failure| self.failed("powering off", &failure))?;
        self.qemu.wait()?;
        match log::first_complaint(&self.log()) {
            Some(line) => {
                let message = format!("the guest's kernel reported: {line}");
                Err(Error::new(Kind::Guest, message + &self.evidence()))
            }
            None => Ok(()),
        }
    }

    fn exchange(&mut self, line: &str, body: &[u8]) -> Result<Answer, Failure> {
        let deadline = self.next_deadline();
        self.console.send(line, body, deadline)?;
        self.console.receive(deadline)
    }

    fn next_deadline(&self) -> Instant {
        self.deadline.min(Instant::now() + self.command_limit)
    }

    /// Ends the guest and says why it failed.
    fn failed(&mut self, doing: &str, failure: &Failure) -> Error {
        if process::interrupted() {
            return process::interruption();
        }
        self.qemu.kill();
        let log = self.log();
        let complaint = log::first_complaint(&log);
        let reason = match (failure, complaint) {
            (Failure::Closed, Some(line)) => format!("the guest's kernel ended: {line}"),
            (Failure::Closed, None) => "the guest ended".to_owned(),
            (Failure::TimedOut, Some(line)) => {
                format!("no answer within the time limit; the guest's kernel reported: {line}")
            }
            (Failure::TimedOut, None) => "no answer within the time limit".to_owned(),
            (Failure::Garbled(line), _) => format!("the guest answered {line:?}"),
        };
        Error::new(Kind::Guest, format!("{doing}: {reason}") + &self.evidence())
    }

    /// Keeps the log, and shows its end.
    fn evidence(&self) -> String {
        let log = self.log();
        let tail = log::tail(&log, TAIL);
        match self.keep(&log) {
            Ok(()) => format!("\n{tail}\n(the whole log: {})", self.kept.display()),
            Err(error) => format!("\n{tail}\n({error})"),
        }
    }

    fn keep(&self, log: &str) -> Result<()> {
        let failed = |error| Error::io("write", &self.kept, error);
        if let Some(folder) = self.kept.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&self.kept, log).map_err(failed)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the guest's log ends:{}", self.evidence());
        }
    }
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    command: String,
    /// The exit status; 128 + N where signal N ended it.
    pub status: i32,
    /// Standard output and standard error as they came.
    pub stdout: Vec<u8>,
}

impl Output {
    /// The output as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// The output where the exit status is 0.
    ///
    /// # Errors
    /// `Guest` with the command, its status and its output for any other.
    pub fn ok(self) -> Result<Self> {
        if self.status == 0 {
            return Ok(self);
        }
        let Self {
            command, status, ..
        } = &self;
        let message = format!("`{command}` ended with status {status}:\n{}", self.text());
        Err(Error::new(Kind::Guest, message))
    }
}

/// Tests run in threads that have their names; the name tells logs apart.
fn test_name() -> String {
    let current = thread::current();
    let name = current.name().unwrap_or("guest");
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
