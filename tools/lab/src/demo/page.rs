// SPDX-License-Identifier: GPL-2.0
//! How the demonstration looks on the terminal.

use std::io::{stdout, Write};
use std::time::Duration;

/// The standard output, with numbered steps.
#[derive(Default)]
pub struct Page {
    steps: u32,
}

impl Page {
    /// Starts a step.
    pub fn step(&mut self, title: &str) {
        self.steps += 1;
        self.text(&format!("\n{}. {title}", self.steps));
    }

    /// Prints a result of the step: what it is, its value, and what is to be said of it.
    pub fn result(&self, what: &str, value: &str, remark: &str) {
        let line = format!("   {what:<24} {value:>14}  {remark}");
        self.text(line.trim_end());
    }

    /// Prints a remark on the step.
    pub fn remark(&self, text: &str) {
        self.text(&format!("   {text}"));
    }

    /// Prints a line. That nobody reads it does not end the demonstration: its status counts.
    pub fn text(&self, line: &str) {
        let _ = writeln!(stdout(), "{line}");
    }
}

/// A time with the precision that a person wants.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// The word for one or for many.
pub fn plural<'a>(count: u64, (one, many): (&'a str, &'a str)) -> &'a str {
    if count == 1 {
        one
    } else {
        many
    }
}
