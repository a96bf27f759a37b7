// SPDX-License-Identifier: GPL-2.0

//! Runs that end before their time: killed, interrupted, out of space.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{flock, FlockOperation};
use rustix::process::{kill_process, Pid, Signal};
use support::header::{archive, file};
use support::walk::superblock;
use support::{mkfs, mkfs_command, mkfs_in_place, Folder, Run};

const FAILED: i32 = 8;
const USAGE: i32 = 16;
const INTERRUPTED: i32 = 32;

/// An archive whose index takes some steps to write, and its image.
fn archive_and_image(folder: &Folder) -> (Vec<u8>, Vec<u8>) {
    let name = |i: usize| format!("{i}-{}", "n".repeat(90));
    let members: Vec<_> = (0..10_000).map(|i| file(&name(i), b"")).collect();
    let archive = archive(&members);
    let path = folder.write("made.tar", &archive);
    let image = mkfs_in_place(&path);
    (archive, image)
}

fn start(path: &Path) -> Child {
    let mut command = mkfs_command();
    command
        .arg(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    // It may have ended already.
    let _ = kill_process(Pid::from_child(child), signal);
}

/// Starts runs and sends each a signal a little later than the one before, until one run ends
/// before its signal.
fn with_signals(path: &Path, archive: &[u8], signal: Signal, check: impl Fn(Option<i32>)) {
    for delay in 0.. {
        fs::write(path, archive).unwrap();
        let mut child = start(path);
        std::thread::sleep(Duration::from_millis(4 * delay));
        send(&child, signal);
        let status = child.wait().unwrap().code();
        check(status);
        if status == Some(0) {
            break;
        }
    }
}

/// Wherever a run is killed, the archive is there, and the next run makes the same image.
#[test]
fn killed() {
    let folder = Folder::new();
    let (archive, image) = archive_and_image(&folder);
    let path = folder.path("made.tar");
    with_signals(&path, &archive, Signal::KILL, |_| {
        assert!(fs::read(&path).unwrap().starts_with(&archive));
        assert!(mkfs_in_place(&path) == image);
    });
}

/// An interrupted run leaves the archive as it was, unless the image was complete.
#[test]
fn interrupted() {
    let folder = Folder::new();
    let (archive, image) = archive_and_image(&folder);
    let path = folder.path("made.tar");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        with_signals(&path, &archive, signal, |status| {
            let found = fs::read(&path).unwrap();
            match status {
                Some(0) => assert!(found == image),
                Some(status) => assert!(status == INTERRUPTED && found == archive),
                // Nothing was written yet, so that the signal had its usual effect.
                None => assert!(found == archive),
            }
        });
    }
}

/// Runs `mkfs.tarfs` with a limit of the size of files, in bytes.
fn mkfs_limited(limit: usize, arguments: &[&Path]) -> Run {
    // The unit of POSIX's ulimit.
    let script = format!("ulimit -f {} && exec \"$0\" \"$@\"", limit / 512);
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    command.arg(mkfs_command().get_program()).args(arguments);
    command.output().unwrap().into()
}

#[test]
fn no_space() {
    let folder = Folder::new();
    let (archive, image) = archive_and_image(&folder);
    let path = folder.write("made.tar", &archive);
    let index = superblock(&image).index_offset as usize;
    let text = "no space for";
    for limit in [
        archive.len(),
        index,
        index + 4096,
        index + (1 << 20),
        image.len() - 4096,
    ] {
        mkfs_limited(limit, &[&path]).fails(FAILED, text);
        assert!(
            fs::read(&path).unwrap() == archive,
            "limit of {limit} bytes"
        );
    }
    let copy = folder.path("copy");
    mkfs_limited(archive.len() / 2, &["-o".as_ref(), &copy, &path]).fails(FAILED, text);
    let index = folder.path("index");
    mkfs_limited(1 << 19, &["--index-only".as_ref(), &index, &path]).fails(FAILED, text);
    assert_eq!(folder.names(), ["made.tar"]);
    mkfs_limited(image.len(), &[&path]).good();
    assert!(fs::read(&path).unwrap() == image);
}

#[test]
fn in_use() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"")]));
    let other = fs::File::open(&path).unwrap();
    flock(&other, FlockOperation::LockShared).unwrap();
    mkfs([&path]).fails(FAILED, "in use by another run");
    // Readers do not disturb each other.
    mkfs([
        "--index-only".as_ref(),
        folder.path("index").as_path(),
        &path,
    ])
    .good();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let run = mkfs([
        "--index-only".as_ref(),
        folder.path("index").as_path(),
        &path,
    ]);
    run.fails(FAILED, "in use by another run");
    flock(&other, FlockOperation::Unlock).unwrap();
    mkfs([&path]).good();
}

#[test]
fn files_that_cannot_be_used() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&[file("a", b"")]));
    let before = fs::read(&path).unwrap();
    mkfs([folder.path("missing")]).fails(FAILED, "missing: cannot open: No such file");
    mkfs([folder.path("")]).fails(USAGE, "is a directory; use -o IMAGE");
    mkfs(["--check".as_ref(), folder.path("").as_path()]).fails(USAGE, "is neither a file nor");
    for form in ["-o", "--index-only"] {
        let text = "is the archive itself";
        mkfs([form.as_ref(), path.as_path(), &path]).fails(USAGE, text);
        let text = "is there and is no regular file";
        mkfs([form.as_ref(), folder.path("").as_path(), &path]).fails(USAGE, text);
        let missing = folder.path("missing/output");
        mkfs([form.as_ref(), missing.as_path(), &path]).fails(FAILED, "cannot create a file");
    }
    assert!(fs::read(&path).unwrap() == before);
}
