// SPDX-License-Identifier: GPL-2.0
//! The host's end of the port over which a guest is driven; `init.sh` is the other end.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::Instant;

use rustix::event::{poll, PollFd, PollFlags, Timespec};

/// Why an exchange with the guest did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The deadline passed.
    TimedOut,
    /// The guest is gone.
    Closed,
    /// The guest answered what no agent answers.
    Garbled(String),
}

/// The port, over the standard input and output of QEMU.
pub struct Console {
    to: ChildStdin,
    from: ChildStdout,
    /// Read but not yet given out.
    pending: Vec<u8>,
}

/// The answer to one request.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The exit status.
    pub status: i32,
    /// What the command printed.
    pub output: Vec<u8>,
}

impl Console {
    /// Takes the two pipes and makes them non-blocking, so that a hung guest cannot hang the host.
    pub fn new(to: ChildStdin, from: ChildStdout) -> std::io::Result<Self> {
        rustix::io::ioctl_fionbio(&to, true)?;
        rustix::io::ioctl_fionbio(&from, true)?;
        Ok(Self {
            to,
            from,
            pending: Vec::new(),
        })
    }

    /// Sends one request: `line` (without its newline) and the bytes it announces.
    pub fn send(&mut self, line: &str, body: &[u8], deadline: Instant) -> Result<(), Failure> {
        let mut request = format!("{line}\n").into_bytes();
        request.extend_from_slice(body);
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            match self.to.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(&self.to, PollFlags::OUT, deadline)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Closed),
            }
        }
        Ok(())
    }

    /// Receives one answer.
    pub fn receive(&mut self, deadline: Instant) -> Result<Answer, Failure> {
        let newline = loop {
            match self.pending.iter().position(|&byte| byte == b'\n') {
                Some(newline) => break newline,
                None => self.fill(deadline)?,
            }
        };
        let mut line: Vec<u8> = self.pending.drain(..=newline).collect();
        line.pop();
        let line = String::from_utf8_lossy(&line).into_owned();
        let Some((status, size)) = parse(&line) else {
            return Err(Failure::Garbled(line));
        };
        while self.pending.len() < size {
            self.fill(deadline)?;
        }
        Ok(Answer {
            status,
            output: self.pending.drain(..size).collect(),
        })
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Failure> {
        let mut chunk = [0; 65536];
        loop {
            match self.from.read(&mut chunk) {
                Ok(0) => return Err(Failure::Closed),
                Ok(read) => {
                    self.pending
                        .extend_from_slice(chunk.get(..read).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(&self.from, PollFlags::IN, deadline)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Closed),
            }
        }
    }
}

fn parse(line: &str) -> Option<(i32, usize)> {
    let (status, size) = line.split_once(' ')?;
    Some((status.parse().ok()?, size.parse().ok()?))
}

fn wait(fd: impl AsFd, events: PollFlags, deadline: Instant) -> Result<(), Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).ok();
    match poll(&mut [PollFd::new(&fd, events)], timeout.as_ref()) {
        Ok(0) => Err(Failure::TimedOut),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(_) => Err(Failure::Closed),
    }
}
