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
    "general protection fault",
    "blocked for more than",
    "detected stall",
    "rcu_preempt kthread starved",
    "soft lockup",
    "list_add corruption",
    "list_del corruption",
    "slab error",
    "new suspected memory leaks",
    "ODEBUG: ",
    "pagealloc: memory corruption",
];

/// Begins a report of a data race, which ends with a line of `=`.
const DATA_RACE: &str = "BUG: KCSAN: ";
/// How a trace of the stack names code of our modules. (`null_blk` is the kernel's own.)
const OURS: &[&str] = &[
    " [rnull]",
    " [tarfs]",
    " [sample_ram_disk]",
    " [sample_memory_fs]",
    " [deliberate_bugs]",
];

/// How many functions of the trace of an access have to do with what is accessed: itself, a helper,
/// a library. What those do that called them is another thing.
const ACCESS_FRAMES: u32 = 3;
/// What the names of the block layer's functions begin with in a trace: whoever calls them, they
/// access what is the block layer's.
const BLOCK_LAYER: &[&str] = &[" blk_", " bio_"];

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

/// The first line of `log` that reports a bug, a warning, or a hang of the kernel. The kernel has
/// data races of its own; those of our modules count.
pub fn first_complaint(log: &str) -> Option<&str> {
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        let is_complaint = if line.contains(DATA_RACE) {
            let report = lines.by_ref().take_while(|line| !line.contains("====="));
            is_ours(report)
        } else {
            MARKS.iter().any(|mark| line.contains(mark))
        };
        if is_complaint {
            return Some(line.trim_end());
        }
    }
    None
}

/// Whether one of the two accesses that the report of a data race shows is by a module of ours:
/// by itself, or by what it calls with its data.
fn is_ours<'a>(report: impl Iterator<Item = &'a str>) -> bool {
    let mut frames = 0;
    for line in report {
        let is_of = |names: &[&str]| names.iter().any(|name| line.contains(name));
        if line.contains(" on cpu ") && line.trim_end().ends_with(':') {
            frames = ACCESS_FRAMES;
        } else if frames > 0 && is_of(OURS) {
            return true;
        } else if is_of(BLOCK_LAYER) {
            frames = 0;
        } else {
            frames = frames.saturating_sub(1);
        }
    }
    false
}

/// The last `lines` lines.
pub fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    let start = all.len().saturating_sub(lines);
    all.get(start..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_report_is_found() {
        let reports = [
            "[    1.0] ------------[ cut here ]------------",
            "[    1.0] WARNING: CPU: 0 PID: 1 at block/blk-mq.c:1 f+0x1/0x2",
            "[    1.0] WARNING: possible circular locking dependency detected",
            "[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000",
            "[    1.0] BUG: KASAN: slab-out-of-bounds in f+0x1/0x2",
            "[    1.0] BUG: sleeping function called from invalid context at mm/x.c:1",
            "[    1.0] Oops: Oops: 0002 [#1] SMP",
            "[    1.0] Oops: general protection fault, probably for non-canonical address",
            "[    1.0] Kernel panic - not syncing: Fatal exception",
            "[    1.0] Call Trace:",
            "[    1.0] refcount_t: underflow; use-after-free.",
            "[    1.0] UBSAN: array-index-out-of-bounds in fs/x.c:1:1",
            "[    1.0] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            "[    1.0] INFO: task dd:33 blocked for more than 61 seconds.",
            "[    1.0] rcu: INFO: rcu_preempt self-detected stall on CPU",
            "[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [dd:33]",
        ];
        for report in reports {
            let log = format!("[    0.5] fine\n{report}\r\n[    2.0] more\n");
            assert_eq!(first_complaint(&log), Some(report));
        }
    }

    #[test]
    fn a_healthy_log_has_none() {
        let log = "\
            [    0.040000] tsc: Unable to calibrate against PIT\n\
            [    0.1] Spectre V2 : Mitigation: Retpolines\n\
            [    0.2] MDS CPU bug present and SMT on, data leak possible\n\
            [    2.1] rnull: loading out-of-tree module taints kernel.\n\
            [    2.2] Warning: unable to open an initial console.\n";
        assert_eq!(first_complaint(log), None);
    }

    #[test]
    fn a_data_race_counts_where_a_module_of_ours_has_part() {
        let race = |frame: &str| {
            format!(
                "[    1.0] =======================\n\
                 [    1.0] BUG: KCSAN: data-race in f / g\n\
                 [    1.0] write to 0xffff888000000000 of 4 bytes by interrupt on cpu 0:\n\
                 [    1.0]  f+0x1/0x2\n\
                 [    1.0] read to 0xffff888000000000 of 4 bytes by task 1 on cpu 1:\n\
                 [    1.0]  {frame}\n\
                 [    1.0] =======================\n"
            )
        };
        let stock = race("g+0x1/0x2 [null_blk]\n a\n b\n h+0x1/0x2 [rnull]");
        let ours = race("memcpy+0x1/0x2\n a\n g+0x1/0x2 [rnull]");
        assert_eq!(first_complaint(&stock), None);
        let called = race("blk_mq_start_request+0x1/0x2\n g+0x1/0x2 [rnull]");
        assert_eq!(first_complaint(&called), None);
        let reported = Some("[    1.0] BUG: KCSAN: data-race in f / g");
        assert_eq!(first_complaint(&ours), reported);
        assert_eq!(first_complaint(&(stock.clone() + &ours)), reported);
        let loaded = "[    2.0]  h+0x1/0x2 [rnull]\n";
        assert_eq!(first_complaint(&(stock.clone() + loaded)), None);
        let oops = "[    2.0] BUG: unable to handle page fault";
        assert_eq!(first_complaint(&(stock + oops)), Some(oops));
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 2), "a");
        assert_eq!(tail("", 2), "");
    }
}
