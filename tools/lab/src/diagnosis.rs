// SPDX-License-Identifier: GPL-2.0
//! Reads from a failed tool's output why it failed, in one sentence.

use crate::error::Kind;

/// A text that a tool prints, and what it means.
struct Symptom {
    text: &'static str,
    kind: Kind,
    advice: &'static str,
}

const NETWORK: &str =
    "the package archive does not answer; check the network (and http_proxy), then run again";
const MIRROR: &str = "apt's mirror does not carry all of Debian 13 with backports; \
     name one that does: BLOCKYARD_MIRROR=URI";
const KEYRING: &str = "the keys of the Debian archive are missing; install a newer \
     debian-archive-keyring";
const RIGHTS: &str = "this user may not make namespaces or mounts here; run it as root, or allow \
     unprivileged user namespaces";
const DISK: &str = "the disk is full; free some space, then run again";

/// In the order of trust: a full disk and a dead network make other tools complain too.
const SYMPTOMS: &[Symptom] = &[
    Symptom {
        text: "No space left on device",
        kind: Kind::DiskFull,
        advice: DISK,
    },
    Symptom {
        text: "Disk quota exceeded",
        kind: Kind::DiskFull,
        advice: DISK,
    },
    Symptom {
        text: "You don't have enough free space",
        kind: Kind::DiskFull,
        advice: DISK,
    },
    Symptom {
        text: "Temporary failure resolving",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Could not resolve",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Could not connect",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Unable to connect",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Network is unreachable",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Connection timed out",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Connection failed",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "Connection refused",
        kind: Kind::Network,
        advice: NETWORK,
    },
    Symptom {
        text: "NO_PUBKEY",
        kind: Kind::Missing,
        advice: KEYRING,
    },
    Symptom {
        text: "is not signed",
        kind: Kind::Missing,
        advice: KEYRING,
    },
    Symptom {
        text: "does not have a Release file",
        kind: Kind::Missing,
        advice: MIRROR,
    },
    Symptom {
        text: "Unable to locate package",
        kind: Kind::Missing,
        advice: MIRROR,
    },
    Symptom {
        text: "has no installation candidate",
        kind: Kind::Missing,
        advice: MIRROR,
    },
    Symptom {
        text: "unshare failed",
        kind: Kind::Missing,
        advice: RIGHTS,
    },
    Symptom {
        text: "permission denied",
        kind: Kind::Missing,
        advice: RIGHTS,
    },
    Symptom {
        text: "Failed to fetch",
        kind: Kind::Network,
        advice: NETWORK,
    },
];

/// Why a tool failed that printed `output`: a kind, and a sentence that quotes the line that
/// tells. Where no line is known, the last one that looks like an error, or the last.
pub fn diagnose(output: &str, otherwise: Kind) -> (Kind, String) {
    for symptom in SYMPTOMS {
        if let Some(line) = output.lines().find(|line| line.contains(symptom.text)) {
            return (
                symptom.kind,
                format!("{} ({})", symptom.advice, line.trim()),
            );
        }
    }
    let is_error =
        |line: &&str| line.contains("error:") || line.starts_with("E: ") || line.contains("***");
    let line = output
        .lines()
        .find(is_error)
        .or_else(|| output.lines().rev().find(|line| !line.trim().is_empty()));
    (
        otherwise,
        line.unwrap_or("it printed nothing").trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_is_quoted() {
        let output = "Get:1 x\nE: Unable to locate package nonesuch\nE: more\n";
        let (kind, sentence) = diagnose(output, Kind::Build);
        assert_eq!(kind, Kind::Missing);
        assert!(
            sentence.contains("Unable to locate package nonesuch"),
            "{sentence}"
        );
    }

    #[test]
    fn a_full_disk_goes_before_what_it_causes() {
        let output = "E: Failed to fetch x\nwrite: No space left on device\n";
        assert_eq!(diagnose(output, Kind::Build).0, Kind::DiskFull);
    }

    #[test]
    fn without_a_known_line_the_first_error_stands() {
        let output = "CC a.o\na.c:1: error: no\nmake: *** [a.o] Error 1\n\n";
        let expected = (Kind::Build, "a.c:1: error: no".to_owned());
        assert_eq!(diagnose(output, Kind::Build), expected);
        assert_eq!(diagnose("", Kind::Build).1, "it printed nothing");
    }
}
