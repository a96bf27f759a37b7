// SPDX-License-Identifier: GPL-2.0

//! A progress bar for what takes long enough to want one.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long to stay silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows how far a run has come, on a terminal and after two seconds.
pub struct Progress {
    started: Instant,
    is_wanted: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts the clock. Nothing is ever shown where `is_quiet`, or where standard error is no
    /// terminal.
    pub fn new(is_quiet: bool) -> Self {
        Self {
            started: Instant::now(),
            is_wanted: !is_quiet && std::io::stderr().is_terminal(),
            bar: None,
        }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reports that `done` of `total` bytes are `action`, for example "read".
    pub fn report(&mut self, action: &'static str, done: u64, total: u64) {
        if !self.is_wanted || self.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let template = "{bar:40} {bytes} of {total_bytes} {msg}, {eta} left";
            let style = ProgressStyle::with_template(template);
            let bar = ProgressBar::new(total).with_elapsed(self.started.elapsed());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_message(action);
        bar.set_length(total);
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
