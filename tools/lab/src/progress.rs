// SPDX-License-Identifier: GPL-2.0
//! What a person sees while something takes time: a bar on a terminal, one line a step elsewhere.
//! All of it goes to the standard error.

use std::fs;
use std::io::{stderr, IsTerminal};
use std::path::Path;
use std::sync::mpsc::{channel, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One step under way; dropping it ends the display.
pub struct Step {
    bar: ProgressBar,
    name: String,
    start: Instant,
}

/// What a step counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, shown with their multiples.
    Bytes,
    /// Things.
    Items,
}

impl Step {
    /// Starts a step; `name` says what is being done ("installing the toolbox").
    pub fn start(name: impl Into<String>) -> Self {
        let this = Self::passing(name);
        if this.bar.is_hidden() {
            eprintln!("lab: {} ...", this.name);
        }
        this
    }

    /// Starts a step of a few seconds: it is shown on a terminal only, and leaves no line.
    pub fn passing(name: impl Into<String>) -> Self {
        let name = name.into();
        let bar = if stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.set_style(style("{spinner} {prefix} {elapsed} {wide_msg}"));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            name,
            start: Instant::now(),
        }
    }

    /// Says how much there is to do, from which on the step shows a bar.
    pub fn set_total(&self, total: u64, unit: Unit) {
        self.bar.set_length(total);
        self.bar.set_style(style(match unit {
            Unit::Bytes => "{prefix} {elapsed} [{bar:30}] {bytes}/{total_bytes} {wide_msg}",
            Unit::Items => "{prefix} {elapsed} [{bar:30}] {pos}/{len} {wide_msg}",
        }));
    }

    /// Says how much is done.
    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Counts one more.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// Counts the bytes of the files in a folder until the result is dropped.
    pub fn follow(&self, folder: &Path) -> Following {
        let (stop, stopped) = channel();
        let (bar, folder) = (self.bar.clone(), folder.to_owned());
        thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout)
            {
                bar.set_position(size_of(&folder));
            }
        });
        Following { _stop: stop }
    }

    /// Shows a few words on what is at hand.
    pub fn note(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// Ends a step that succeeded, and says how long it took.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        eprintln!(
            "lab: {}: {:.0} s",
            self.name,
            self.start.elapsed().as_secs_f64()
        );
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// See [`Step::follow`].
pub struct Following {
    _stop: Sender<()>,
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// The templates are constants of this file, so the fallback is never seen.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
