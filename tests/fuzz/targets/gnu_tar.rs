// SPDX-License-Identifier: GPL-2.0

//! What GNU tar lists of an archive.

use std::path::Path;
use std::process::{Command, Stdio};

use super::member::{File, Kind, Member};

/// The time that is listed for one: before 1970, the fraction is what is left to the next second, and
/// that second is shown.
pub fn listed_time((seconds, nanoseconds): (i64, u32)) -> (i64, u32) {
    if seconds < 0 && nanoseconds > 0 {
        (seconds + 1, 1_000_000_000 - nanoseconds)
    } else {
        (seconds, nanoseconds)
    }
}

/// Lists an archive's members, with times as [`listed_time`] has them.
///
/// # Errors
///
/// What GNU tar says of an archive that it cannot read.
pub fn list(archive: &Path) -> Result<Vec<Member>, String> {
    let output = Command::new("tar")
        .args([
            "--list",
            "--verbose",
            "--numeric-owner",
            "--full-time",
            "--utc",
        ])
        .args([
            "--absolute-names",
            "--quoting-style=c",
            "--warning=no-all",
            "--file",
        ])
        .arg(archive)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .expect("GNU tar");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("what is no ASCII is escaped");
    // Labels of volumes are no members.
    text.lines()
        .filter(|line| !line.starts_with('V'))
        .map(|line| member(line).ok_or_else(|| format!("it lists: {line}")))
        .collect()
}

/// A line such as `-rw-r--r-- 0/0 5 2025-03-12 01:02:03.5 "name" link to "target"`.
fn member(line: &str) -> Option<Member> {
    let (mode, rest) = word(line)?;
    let (owner, rest) = word(rest)?;
    let (size, rest) = word(rest)?;
    let (date, mut rest) = word(rest)?;
    let mtime = if date.get(1..)?.contains('-') {
        let (clock, after) = word(rest)?;
        rest = after;
        time(date, clock)?
    } else {
        // A time of which the calendar knows nothing.
        split_fraction(date)?
    };
    let (name, rest) = quoted(rest.trim_start())?;
    let target = match rest.find('"') {
        Some(start) => quoted(&rest[start..])?.0,
        None => Vec::new(),
    };
    let (uid, gid) = owner.split_once('/')?;
    let (kind, bits) = mode.split_at_checked(1)?;
    let device = || {
        let (major, minor) = size.split_once(',')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let kind = match kind {
        "-" | "C" => Kind::Regular {
            size: size.parse().ok()?,
        },
        "d" => Kind::Directory,
        "l" => Kind::Symlink { target },
        "h" => Kind::HardLink { target },
        "c" => device().map(|(major, minor)| Kind::CharDevice { major, minor })?,
        "b" => device().map(|(major, minor)| Kind::BlockDevice { major, minor })?,
        "p" => Kind::Fifo,
        _ => return None,
    };
    let file = File {
        kind,
        mode: mode_bits(bits)?,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        mtime,
    };
    Some(Member { name, file })
}

/// The first word, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    text.trim_start().split_once(' ')
}

/// The bits of `rwxr-sr-T`.
fn mode_bits(letters: &str) -> Option<u16> {
    let mut mode = 0;
    for (place, letter) in letters.bytes().enumerate() {
        let (bit, special) = (0o400 >> place, 0o4000 >> (place / 3));
        mode |= match letter {
            b'-' => 0,
            b'r' | b'w' | b'x' => bit,
            b's' | b't' => bit | special,
            b'S' | b'T' => special,
            _ => return None,
        };
    }
    Some(mode)
}

/// A date `YEAR-MONTH-DAY` and a time of the day as seconds since 1970 and nanoseconds.
fn time(date: &str, clock: &str) -> Option<(i64, u32)> {
    let mut from_right = date.rsplitn(3, '-');
    let day: i64 = from_right.next()?.parse().ok()?;
    let month: i64 = from_right.next()?.parse().ok()?;
    let year: i64 = from_right.next()?.parse().ok()?;
    // Years from March on, so that the leap day is the last one of a year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let mut parts = clock.splitn(3, ':');
    let hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let (second, nanoseconds) = split_fraction(parts.next()?)?;
    Some((
        ((days * 24 + hour) * 60 + minute) * 60 + second,
        nanoseconds,
    ))
}

/// A number with decimals or without, as a whole one and nanoseconds.
fn split_fraction(text: &str) -> Option<(i64, u32)> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = format!("{decimals:0<9}").parse().ok()?;
    Some((whole.parse().ok()?, nanoseconds))
}

/// A string between quotation marks as C has it, and what follows it.
fn quoted(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let (first, after) = rest.split_at_checked(1)?;
        rest = after;
        match first {
            "\"" => return Some((bytes, rest)),
            "\\" => {
                let octal = rest
                    .bytes()
                    .take(3)
                    .take_while(|byte| (b'0'..b'8').contains(byte));
                let length = octal.count();
                if length > 0 {
                    bytes.push(u8::from_str_radix(&rest[..length], 8).ok()?);
                    rest = &rest[length..];
                    continue;
                }
                let (letter, after) = rest.split_at_checked(1)?;
                bytes.push(match letter {
                    "a" => 7,
                    "b" => 8,
                    "t" => b'\t',
                    "n" => b'\n',
                    "v" => 11,
                    "f" => 12,
                    "r" => b'\r',
                    other => other.as_bytes()[0],
                });
                rest = after;
            }
            other => bytes.extend_from_slice(other.as_bytes()),
        }
    }
}
