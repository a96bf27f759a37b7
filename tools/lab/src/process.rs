// SPDX-License-Identifier: GPL-2.0
//! Children that never outlive this program, however it ends.
//!
//! Each child gets a process group of its own, so that a Ctrl-C at the terminal reaches this
//! program alone, which then ends the children in order; and the kernel is asked to kill the
//! child when its parent dies (`PR_SET_PDEATHSIG`, through util-linux's `setpriv`), which covers
//! a SIGKILL of this program too.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::pipe::{pipe_with, PipeFlags};
use rustix::process::{
    kill_process, kill_process_group, waitid, Pid, Signal, WaitId, WaitIdOptions,
};

use crate::diagnosis::diagnose;
use crate::error::{Error, Kind, Result};

/// Process groups that [`interrupt`] ends.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A running child; dropping it kills it with its process group.
pub struct Child {
    inner: std::process::Child,
}

/// A command that runs `program` so that it dies with this program.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Starts a command made by [`command`].
///
/// # Errors
/// `Interrupted` after [`interrupt`], `Missing` where `setpriv` is not installed.
pub fn spawn(mut command: Command) -> Result<Child> {
    command.process_group(0);
    start(command)
}

/// Starts a command made by [`command`] that may use the terminal, and so stays in this program's
/// process group; it must be one process.
///
/// # Errors
/// As [`spawn`].
pub fn spawn_foreground(command: Command) -> Result<Child> {
    start(command)
}

fn start(command: Command) -> Result<Child> {
    let (reply, answer) = channel();
    let request = Request { command, reply };
    let lost = || Error::new(Kind::Other, "the thread that starts children has ended");
    SPAWNER.send(request).map_err(|_| lost())?;
    let inner = answer.recv().map_err(|_| lost())?.map_err(|error| {
        Error::new(
            Kind::Missing,
            format!("cannot run setpriv: {error}; install util-linux"),
        )
    })?;
    let child = Child { inner };
    // The handler sets the flag before it takes the lock: either it finds the child in the set,
    // or this finds the flag set.
    running().insert(child.inner.id());
    if interrupted() {
        return Err(interruption());
    }
    Ok(child)
}

/// Runs a command made by [`command`] to its end, without input; gives its standard output.
///
/// # Errors
/// As [`spawn`]; `kind` with the last line of its standard error where it failed.
pub fn output(command: Command, kind: Kind) -> Result<String> {
    output_of(command, Stdio::null(), kind)
}

/// The same with an input.
///
/// # Errors
/// As [`output`].
pub fn output_of(mut command: Command, input: Stdio, kind: Kind) -> Result<String> {
    let name = describe(&command);
    command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let (stdout, stderr) = (child.inner.stdout.take(), child.inner.stderr.take());
    let errors = thread::spawn(move || read_all(stderr));
    let text = read_all(stdout);
    let errors = errors.join().unwrap_or_default();
    let status = child.wait()?;
    if status.success() {
        return Ok(text);
    }
    let reason = errors
        .trim()
        .lines()
        .last()
        .unwrap_or("no message")
        .to_owned();
    Err(Error::new(kind, format!("{name}: {reason} ({status})")))
}

/// Runs a command made by [`command`] to its end, without input. What it prints goes to the file
/// `log`, and line by line to `watch`.
///
/// # Errors
/// As [`spawn`]; where it failed, what [`diagnose`] reads from its output, of kind `otherwise`
/// where that finds no other, after the words `doing`.
pub fn logged(
    mut command: Command,
    doing: &str,
    log: &Path,
    otherwise: Kind,
    mut watch: impl FnMut(&str),
) -> Result<()> {
    let failed = |error| Error::io("write", log, error);
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create(log).map_err(failed)?;
    let (from, to) = pipe_with(PipeFlags::CLOEXEC)
        .map_err(|error| Error::new(Kind::Other, format!("cannot make a pipe: {error}")))?;
    let copy = to
        .try_clone()
        .map_err(|error| Error::new(Kind::Other, format!("cannot copy a pipe: {error}")))?;
    command.stdin(Stdio::null()).stdout(to).stderr(copy);
    let mut child = spawn(command)?;

    let mut lines = BufReader::new(File::from(from));
    let mut line = Vec::new();
    while let Ok(1..) = lines.read_until(b'\n', &mut line) {
        file.write_all(&line).map_err(failed)?;
        watch(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    if child.wait()?.success() {
        return Ok(());
    }
    let output = fs::read(log).map_err(|error| Error::io("read", log, error))?;
    let (kind, reason) = diagnose(&String::from_utf8_lossy(&output), otherwise);
    Err(Error::new(
        kind,
        format!("{doing}: {reason}; details: {}", log.display()),
    ))
}

/// What a command made by [`command`] runs, for messages.
pub fn describe(command: &Command) -> String {
    let arguments: Vec<_> = command
        .get_args()
        .skip(3)
        .map(OsStr::to_string_lossy)
        .collect();
    arguments.join(" ")
}

/// Ends all children: their waits return, and [`spawn`] refuses new ones. For signal handlers'
/// threads.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
    for &group in running().iter() {
        kill_group(group);
    }
}

/// Whether [`interrupt`] was called.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// The error after [`interrupt`].
pub fn interruption() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
}

impl Child {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.inner.id()
    }

    /// The pipe to its standard input, once.
    pub fn take_stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.inner.stdin.take()
    }

    /// The pipe from its standard output, once.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.inner.stdout.take()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// `Interrupted` where [`interrupt`] ended it.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let id = self.inner.id();
        if let Some(pid) = pid(id) {
            // Wait without reaping first: as long as the child is a zombie its number cannot go
            // to another process, so that the set never names a stranger.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options));
        }
        let mut running = running();
        running.remove(&id);
        let status = self.inner.wait();
        drop(running);
        if interrupted() {
            return Err(interruption());
        }
        status.map_err(|error| Error::new(Kind::Other, format!("cannot wait for a child: {error}")))
    }

    /// Kills it with its process group, and waits.
    pub fn kill(&mut self) {
        if running().contains(&self.inner.id()) {
            kill_group(self.inner.id());
            let _ = self.wait();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Request {
    command: Command,
    reply: Sender<io::Result<std::process::Child>>,
}

/// `PR_SET_PDEATHSIG` is about the *thread* that made the child: one thread that lives as long as
/// the program makes them all.
static SPAWNER: LazyLock<Sender<Request>> = LazyLock::new(|| {
    let (sender, requests) = channel::<Request>();
    thread::spawn(move || {
        for mut request in requests {
            let _ = request.reply.send(request.command.spawn());
        }
    });
    sender
});

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Kills a child, with its group if it leads one.
fn kill_group(id: u32) {
    if let Some(pid) = pid(id) {
        // It may have ended meanwhile, which is as good.
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn read_all(stream: Option<impl io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // A read error ends the text; the exit status tells what happened.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
