// SPDX-License-Identifier: GPL-2.0
//! Finds in a kernel's log what no healthy kernel prints.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Texts of which each marks a report by the kernel about itself. "WARNING" and "BUG" need their
/// colon: harmless lines have the words.
const MARKS: &[&str] = &[
    "------------[ cut here",
    "WARNING: ",
    "BUG: ",
    "Oops",
    "Call Trace",
    "Kernel panic",
    "refcount_t: ",
    "UBSAN: ",
    "KASAN: ",
    "KCSAN: ",
    "general protection fault",
    "blocked for more than",
    "detected stall",
    "rcu_preempt kthread starved",
    "soft lockup",
    "list_add corruption",
    "list_del corruption",
    "slab error",
];

/// All of a log that QEMU may still be writing.
pub fn read(file: &File) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 65536];
    // CAST: usize is at most 64 bits wide on every platform Rust has.
    while let Ok(read @ 1..) = file.read_at(&mut chunk, bytes.len() as u64) {
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first line of `log` that reports a bug, a warning, or a hang of the kernel.
pub fn first_complaint(log: &str) -> Option<&str> {
    log.lines()
        .find(|line| MARKS.iter().any(|mark| line.contains(mark)))
        .map(str::trim_end)
}

/// The last `lines` lines.
pub fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    let start = all.len().saturating_sub(lines);
    all.get(start..).unwrap_or_default().join("\n")
}
