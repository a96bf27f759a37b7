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

/// The time of one I/O in nanoseconds, from a report of jobs of which each had to do `ios` of them,
/// all reads or all writes: the time of the slowest job, divided by the number of all I/Os. It is
/// as exact as fio's milliseconds are: 10^6 / `ios`.
///
/// # Errors
/// `Guest` where fio met an error or did another number of I/Os.
pub fn nanoseconds_per_io(report: &str, ios: u64) -> Result<f64> {
    let bad = |message: String| Error::new(Kind::Guest, message);
    let report: Report = serde_json::from_str(report)
        .map_err(|error| bad(format!("fio's report is not as expected: {error}")))?;
    for job in &report.jobs {
        job.check(ios).map_err(bad)?;
    }
    let slowest = report.jobs.iter().map(Job::runtime).max();
    let slowest = slowest.ok_or_else(|| bad("fio ran no job".to_owned()))?;
    // CAST: all are far below 2^53.
    Ok(slowest as f64 * 1e6 / (ios as f64 * report.jobs.len() as f64))
}

impl Job {
    fn check(&self, ios: u64) -> Result<(), String> {
        if self.error != 0 {
            return Err(format!("fio met error {}", self.error));
        }
        let (reads, writes) = (self.read.total_ios, self.write.total_ios);
        let one_way = reads == 0 || writes == 0;
        if reads.saturating_add(writes) != ios || ios == 0 || !one_way {
            return Err(format!(
                "fio did {reads} reads and {writes} writes where {ios} I/Os of one kind were due"
            ));
        }
        Ok(())
    }

    fn runtime(&self) -> u64 {
        self.read.runtime.max(self.write.runtime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(error: i64, reads: (u64, u64), writes: (u64, u64)) -> String {
        jobs(&[job(error, reads, writes)])
    }

    fn job(error: i64, reads: (u64, u64), writes: (u64, u64)) -> String {
        let direction = |(ios, runtime): (u64, u64)| {
            format!(r#"{{"io_bytes": 4096, "runtime": {runtime}, "total_ios": {ios}}}"#)
        };
        format!(
            r#"{{"jobname": "bench", "error": {error}, "read": {}, "write": {}}}"#,
            direction(reads),
            direction(writes)
        )
    }

    fn jobs(jobs: &[String]) -> String {
        format!(
            r#"{{"fio version": "fio-3.39", "jobs": [{}]}}"#,
            jobs.join(",")
        )
    }

    #[test]
    fn reads_or_writes_are_divided_by_their_number() {
        let of = |text: String| nanoseconds_per_io(&text, 200_000).unwrap();
        assert_eq!(of(report(0, (200_000, 958), (0, 0))), 4790.0);
        assert_eq!(of(report(0, (0, 0), (200_000, 1072))), 5360.0);
    }

    #[test]
    fn jobs_share_the_time_of_the_slowest() {
        let both = jobs(&[job(0, (1000, 3), (0, 0)), job(0, (1000, 4), (0, 0))]);
        assert_eq!(nanoseconds_per_io(&both, 1000).unwrap(), 2000.0);
        let short = jobs(&[job(0, (1000, 3), (0, 0)), job(0, (999, 4), (0, 0))]);
        assert!(nanoseconds_per_io(&short, 1000).is_err());
    }

    #[test]
    fn errors_and_other_numbers_of_ios_are_refused() {
        let refused = |text: &str| nanoseconds_per_io(text, 10).unwrap_err().to_string();
        assert!(refused(&report(5, (10, 1), (0, 0))).contains("error 5"));
        assert!(refused(&report(0, (9, 1), (0, 0))).contains("9 reads"));
        assert!(refused(&report(0, (5, 1), (5, 1))).contains("5 writes"));
        assert!(refused(r#"{"jobs": []}"#).contains("no job"));
        assert!(refused("fio: no such file").contains("not as expected"));
    }
}
