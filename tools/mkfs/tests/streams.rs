// SPDX-License-Identifier: GPL-2.0

//! Archives from pipes and compressed ones: the image is that of the plain archive.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{kill_process, Pid, Signal};

use support::header::{archive, file, Header};
use support::{mkfs, mkfs_command, Folder, Run};

/// Compresses a file with the program itself; returns what it writes.
fn compress(program: &str, path: &Path) -> Vec<u8> {
    let output = Command::new(program).arg("-c").arg(path).output().unwrap();
    assert!(output.status.success(), "{program}");
    output.stdout
}

/// Makes an image of the plain archive, and its bytes.
fn sample(folder: &Folder) -> (std::path::PathBuf, Vec<u8>) {
    let (tar, image) = (folder.sample(), folder.path("expected"));
    mkfs(["-o".as_ref(), image.as_path(), &tar]).good();
    let bytes = fs::read(image).unwrap();
    (tar, bytes)
}

#[test]
fn compressed_archives() {
    let folder = Folder::new();
    let (tar, expected) = sample(&folder);
    let image = folder.path("image");
    for program in ["gzip", "xz", "zstd", "bzip2"] {
        // The name says nothing.
        let path = folder.write("input", &compress(program, &tar));
        mkfs(["-o".as_ref(), image.as_path(), &path]).good();
        assert!(fs::read(&image).unwrap() == expected, "{program}");
    }
}

/// Parts that were compressed one by one are one archive.
#[test]
fn compressed_in_parts() {
    let folder = Folder::new();
    let (tar, expected) = sample(&folder);
    let bytes = fs::read(&tar).unwrap();
    let (first, second) = bytes.split_at(100_000);
    let (first, second) = (folder.write("1", first), folder.write("2", second));
    for program in ["gzip", "xz", "zstd", "bzip2"] {
        let both = [compress(program, &first), compress(program, &second)].concat();
        let (path, image) = (folder.write("input", &both), folder.path("image"));
        mkfs(["-o".as_ref(), image.as_path(), &path]).good();
        assert!(fs::read(&image).unwrap() == expected, "{program}");
    }
}

#[test]
fn standard_input() {
    let folder = Folder::new();
    let (tar, expected) = sample(&folder);
    let image = folder.path("image");
    let compressed = folder.write("compressed", &compress("gzip", &tar));
    for input in [tar, compressed] {
        let mut command = mkfs_command();
        command.arg("-o").arg(&image).arg("-");
        let run: Run = command
            .stdin(File::open(input).unwrap())
            .output()
            .unwrap()
            .into();
        run.good();
        assert!(fs::read(&image).unwrap() == expected);
    }
}

#[test]
fn pipes() {
    let folder = Folder::new();
    let (tar, expected) = sample(&folder);
    let (pipe, image) = (folder.path("pipe"), folder.path("image"));
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut cat = Command::new("sh")
        .args(["-c", "cat \"$0\" > \"$1\""])
        .args([&tar, &pipe])
        .spawn()
        .unwrap();
    mkfs(["-o".as_ref(), image.as_path(), &pipe]).good();
    assert!(cat.wait().unwrap().success());
    assert!(fs::read(&image).unwrap() == expected);
}

/// An image is as good an input as its archive.
#[test]
fn images() {
    let folder = Folder::new();
    let (_, expected) = sample(&folder);
    let path = folder.write("input", &compress("zstd", &folder.path("expected")));
    let image = folder.path("image");
    mkfs(["-o".as_ref(), image.as_path(), &path]).good();
    assert!(fs::read(&image).unwrap() == expected);
}

/// Names of first entries that begin as compressed files do.
#[test]
fn names_that_look_compressed() {
    for name in ["BZh91AY&SY", "\u{28}\u{b5}/\u{fd}"] {
        let folder = Folder::new();
        let mut header = Header::new("", 0);
        let bytes: Vec<u8> = name.chars().map(|letter| letter as u8).collect();
        header.set(0, &bytes);
        let path = folder.write("made.tar", &archive(&[header.block()]));
        mkfs([&path]).good();
    }
}

/// Panics unless a run with this input fails so, and leaves nothing behind.
fn fails(input: &[u8], status: i32, text: &str) {
    let folder = Folder::new();
    let path = folder.write("input", input);
    let image = folder.write("image", b"old");
    mkfs(["-o".as_ref(), image.as_path(), &path]).fails(status, text);
    assert_eq!(fs::read(&image).unwrap(), b"old");
    assert_eq!(folder.names(), ["image", "input"]);
}

#[test]
fn damaged_data() {
    let folder = Folder::new();
    let tar = folder.sample();
    for program in ["gzip", "xz", "zstd", "bzip2"] {
        let whole = compress(program, &tar);
        let text = format!("input: {program} data is damaged: ");
        fails(&whole[..whole.len() / 2], 4, &text);
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 0x10;
        changed[whole.len() / 2 + 1] ^= 0x10;
        fails(&changed, 4, &text);
    }
    let text = folder.write("text", &[b'x'; 5000]);
    let reason = "not a tar archive: it does not start with a header";
    fails(&compress("gzip", &text), 4, reason);
    let bad = folder.write("bad", &archive(&[file("/x", b"")]));
    fails(
        &compress("gzip", &bad),
        2,
        "entry \"/x\": the name is absolute",
    );
}

/// A signal ends the run while it waits for its input, and the unfinished image is gone.
#[test]
fn interrupted() {
    let folder = Folder::new();
    let image = folder.path("image");
    let mut child = mkfs_command()
        .arg("-o")
        .arg(&image)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&file("a", b"contents")).unwrap();
    while folder.names().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let pid = Pid::from_child(&child);
    // It looks for signals, and waits: one that comes in between waits for the next.
    while child.try_wait().unwrap().is_none() {
        kill_process(pid, Signal::TERM).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Run::from(child.wait_with_output().unwrap()).fails(32, "interrupted");
    assert!(folder.names().is_empty());
    drop(input);
}

/// Only a new image has room for the archive.
#[test]
fn other_outputs() {
    let folder = Folder::new();
    let tar = folder.sample();
    let path = folder.write("input", &compress("gzip", &tar));
    let text = "is compressed or no file; use -o IMAGE";
    mkfs([&path]).fails(16, text);
    let index = folder.path("index");
    mkfs(["--index-only".as_ref(), index.as_path(), &path]).fails(16, text);
    mkfs(["-o".as_ref(), path.as_path(), &path]).fails(16, "is the output, too");
    let run = mkfs_command().arg("-").stdin(Stdio::null()).output();
    Run::from(run.unwrap()).fails(16, text);
    assert_eq!(folder.names(), ["input", "sample.tar"]);
}
