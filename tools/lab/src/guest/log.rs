// SPDX-License-Identifier: GPL-2.0
//! Finds in a kernel's log what no healthy kernel prints.

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
