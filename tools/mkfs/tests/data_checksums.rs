// SPDX-License-Identifier: GPL-2.0

//! Checksums of the archive's data: computed as Python does, and noticed where they are wrong.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{mkfs, python, read_image, Folder, Run};

const BROKEN: i32 = 4;

fn fsck(arguments: &[&Path]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fsck-tarfs"));
    command.args(arguments).output().unwrap().into()
}

/// In each of the three ways of writing, with an archive whose end is in the midst of a block.
#[test]
fn as_python_computes_them() {
    let folder = Folder::new();
    let (archive, copy, index) = (folder.sample(), folder.path("copy"), folder.path("index"));
    let bytes = fs::read(&archive).unwrap();
    assert_ne!(bytes.len() % 4096, 0);
    let option = Path::new("--data-checksums");
    mkfs([option, Path::new("--index-only"), &index, &archive]).good();
    mkfs([option, Path::new("-o"), &copy, &archive]).good();
    let tar = folder.write("tar", &bytes);
    mkfs([option, &archive]).good();
    for files in [&[copy.as_path()][..], &[&index, &tar], &[&archive]] {
        let image = read_image(files);
        assert_eq!(image["data_sums"], bytes.len().div_ceil(4096));
        assert_ne!(image["sha256"], Value::Null);
        fsck(files).good();
    }
    // Nothing else depends on them: the files are the same.
    let plain = folder.write("plain", &bytes);
    mkfs([&plain]).good();
    let image = read_image(&[&plain]);
    assert_eq!(image["data_sums"], 0);
    assert_eq!(image["sha256"], Value::Null);
    assert_eq!(image["files"], read_image(&[&archive])["files"]);
}

/// Data that has changed is named, and no new index hides it; a damaged index is made again with
/// its checksums.
#[test]
fn damaged_data() {
    let folder = Folder::new();
    let path = folder.sample();
    mkfs([Path::new("--data-checksums"), &path]).good();
    let good = fs::read(&path).unwrap();
    let mut image = good.clone();
    let files = read_image(&[&path]);
    let file = &files["files"]["sizes/file-1048579"];
    let at = 512 * file["data"].as_u64().unwrap() as usize + 700_000;
    image[at] ^= 0x10;
    fs::write(&path, &image).unwrap();
    let repair = Path::new("--repair");
    for arguments in [&[path.as_path()][..], &[repair, &path]] {
        let run = fsck(arguments);
        assert_eq!(run.status, Some(BROKEN), "{run:?}");
        let block = format!("archive at byte {}: CRC-32", at / 4096 * 4096);
        assert!(run.stdout.contains(&block), "{run:?}");
        assert!(
            run.stdout.contains("SHA-256 is not the recorded one"),
            "{run:?}"
        );
        assert!(
            run.stdout
                .contains("2 broken rules; the archive itself is damaged"),
            "{run:?}"
        );
        assert!(fs::read(&path).unwrap() == image);
    }
    let out = folder.path("out.tar");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dump-tarfs"));
    command.args(["to-tar".as_ref(), "-o".as_ref(), out.as_path(), &path]);
    Run::from(command.output().unwrap()).fails(BROKEN, "SHA-256 is not the recorded one");

    let name = "sizes/file-1048579";
    let cat = |name: &str| -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dump-tarfs"));
        let arguments = ["cat".as_ref(), path.as_os_str(), name.as_ref()];
        command.args(arguments).output().unwrap().into()
    };
    let byte = at / 4096 * 4096;
    cat(name).fails(BROKEN, &format!("archive at byte {byte}: CRC-32"));
    cat("sizes/file-4097").good();

    let mut image = good.clone();
    let index = image.len() - 4096 - 8192;
    image[index] ^= 0x10;
    fs::write(&path, &image).unwrap();
    let run = fsck(&[repair, &path]);
    assert_eq!(run.status, Some(1), "{run:?}");
    assert!(fs::read(&path).unwrap() == good);
    python("read_image.py", &[&path]);
}
