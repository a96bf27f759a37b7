// SPDX-License-Identifier: GPL-2.0
//! fio's report, in JSON.

use serde::Deserialize;

use crate::error::{Error, Kind, Result};

#[derive(Deserialize)]
struct Report {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    error: i64,
    read: Direction,
    write: Direction,
}

#[derive(Deserialize)]
struct Direction {
    total_ios: u64,
    /// In milliseconds.
    runtime: u64,
}

/// The time of one I/O in nanoseconds, from a report of one job that had to do `ios` of them, all
/// reads or all writes. It is as exact as fio's milliseconds are: 10^6 / `ios`.
///
/// # Errors
/// `Guest` where fio met an error or did another number of I/Os.
pub fn nanoseconds_per_io(report: &str, ios: u64) -> Result<f64> {
    let bad = |message: String| Error::new(Kind::Guest, message);
    let report: Report = serde_json::from_str(report)
        .map_err(|error| bad(format!("fio's report is not as expected: {error}")))?;
    let [job] = report.jobs.as_slice() else {
        return Err(bad(format!("fio ran {} jobs, not 1", report.jobs.len())));
    };
    if job.error != 0 {
        return Err(bad(format!("fio met error {}", job.error)));
    }
    let done = job.read.total_ios.saturating_add(job.write.total_ios);
    let one_way = job.read.total_ios == 0 || job.write.total_ios == 0;
    if done != ios || ios == 0 || !one_way {
        let (reads, writes) = (job.read.total_ios, job.write.total_ios);
        let message =
            format!("fio did {reads} reads and {writes} writes where {ios} I/Os were due");
        return Err(bad(message));
    }
    // CAST: both are far below 2^53.
    let milliseconds = job.read.runtime.max(job.write.runtime) as f64;
    Ok(milliseconds * 1e6 / ios as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(error: i64, reads: (u64, u64), writes: (u64, u64)) -> String {
        let direction = |(ios, runtime): (u64, u64)| {
            format!(r#"{{"io_bytes": 4096, "runtime": {runtime}, "total_ios": {ios}}}"#)
        };
        let job = format!(
            r#"{{"jobname": "bench", "error": {error}, "read": {}, "write": {}}}"#,
            direction(reads),
            direction(writes)
        );
        format!(r#"{{"fio version": "fio-3.39", "jobs": [{job}]}}"#)
    }

    #[test]
    fn reads_or_writes_are_divided_by_their_number() {
        let of = |text: String| nanoseconds_per_io(&text, 200_000).unwrap();
        assert_eq!(of(report(0, (200_000, 958), (0, 0))), 4790.0);
        assert_eq!(of(report(0, (0, 0), (200_000, 1072))), 5360.0);
    }

    #[test]
    fn errors_and_other_numbers_of_ios_are_refused() {
        let refused = |text: &str| nanoseconds_per_io(text, 10).unwrap_err().to_string();
        assert!(refused(&report(5, (10, 1), (0, 0))).contains("error 5"));
        assert!(refused(&report(0, (9, 1), (0, 0))).contains("9 reads"));
        assert!(refused(&report(0, (5, 1), (5, 1))).contains("5 writes"));
        assert!(refused(r#"{"jobs": []}"#).contains("0 jobs"));
        assert!(refused("fio: no such file").contains("not as expected"));
    }
}
