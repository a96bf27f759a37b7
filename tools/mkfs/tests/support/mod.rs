// SPDX-License-Identifier: GPL-2.0

//! What the tests share. Each test file uses a part of it.
#![allow(dead_code)]

pub mod agreement;
pub mod header;
pub mod refusal;
pub mod walk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder for one test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file; returns its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Names of the files in the folder, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Makes the archive with one of everything.
    pub fn sample(&self) -> PathBuf {
        let path = self.path("sample.tar");
        python("make_sample.py", &[&path]);
        path
    }
}

/// How a run of a program ended.
#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Panics unless the program succeeded.
    pub fn good(self) -> Self {
        assert_eq!(self.status, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Panics unless the program failed with this status and a message that has this text.
    pub fn fails(self, status: i32, text: &str) {
        assert_eq!(self.status, Some(status), "{}{}", self.stdout, self.stderr);
        assert!(
            self.stderr.contains(text),
            "{:?} has no {text:?}",
            self.stderr
        );
        assert_eq!(self.stderr.lines().count(), 1, "{:?}", self.stderr);
    }
}

/// The command for `mkfs.tarfs`.
pub fn mkfs_command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mkfs-tarfs"))
}

/// Runs `mkfs.tarfs`.
pub fn mkfs<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    mkfs_command().args(arguments).output().unwrap().into()
}

/// Makes an image of an archive in place; returns its bytes.
pub fn mkfs_in_place(archive: &Path) -> Vec<u8> {
    mkfs([archive]).good();
    fs::read(archive).unwrap()
}

/// Runs one of the scripts beside the tests; returns what it prints.
pub fn python(script: &str, arguments: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(script);
    let output = Command::new("python3").arg(script).args(arguments).output();
    Run::from(output.unwrap()).good().stdout
}

/// The rules that an image breaks, or an index and its archives.
pub fn broken_rules(image: &Path, archives: &[PathBuf]) -> Vec<String> {
    let mut report = tarfs_tools::fsck::Report::default();
    let mut progress = tarfs_tools::progress::Progress::new(true);
    let checked = tarfs_tools::fsck::check(image, archives, &mut report, &mut progress);
    let error = checked.err().map(|error| error.to_string());
    let rules = report.findings().iter().map(|finding| finding.rule.clone());
    rules.chain(error).collect()
}

/// The files that Python finds in an archive.
pub fn list_tar(archive: &Path) -> Value {
    list_tars(&[archive])
}

/// The files that Python finds in archives that are layers.
pub fn list_tars(archives: &[&Path]) -> Value {
    let text = python("list_tar.py", archives);
    let list: Value = serde_json::from_str(&text).unwrap();
    list["files"].clone()
}

/// What Python finds in an image, or in an index and its archive.
pub fn read_image(files: &[&Path]) -> Value {
    serde_json::from_str(&python("read_image.py", files)).unwrap()
}

/// Runs `tar`; returns what it prints.
pub fn tar<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    let mut command = Command::new("tar");
    let output = command.args(arguments).env("LC_ALL", "C").output();
    Run::from(output.unwrap())
}

/// Panics unless two lists of files are the same but for the inode numbers, of which only matters
/// which of them are equal.
pub fn assert_same_files(found: &Value, expected: &Value) {
    let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
    let (names, expected_names): (Vec<_>, Vec<_>) =
        (found.keys().collect(), expected.keys().collect());
    assert_eq!(names, expected_names);
    let mut numbers = std::collections::BTreeMap::new();
    for (path, record) in found {
        let mut record = record.clone();
        let number = record["ino"].as_u64().unwrap();
        let expected_number = expected[path]["ino"].as_u64().unwrap();
        let known = *numbers.entry(number).or_insert(expected_number);
        assert_eq!(known, expected_number, "inode of {path:?}");
        record["ino"] = expected[path]["ino"].clone();
        assert_eq!(record, expected[path], "{path:?}");
    }
}
