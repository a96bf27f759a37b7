// SPDX-License-Identifier: GPL-2.0
//! A small tar with short, known contents, and images of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tarfs_tools::interrupt::Interrupt;
use tarfs_tools::layer_files::LayerFile;
use tarfs_tools::make::Output;
use tarfs_tools::options::{Options, ReadOptions, Whiteouts};
use tarfs_tools::progress::Progress;
use tarfs_tools::{make, make_layers};
use tempfile::{NamedTempFile, TempDir, TempPath};

/// The names in the directory `many`, which takes several leaves.
pub fn many_names() -> impl Iterator<Item = String> {
    (0..1000).map(|number| format!("file-with-number-{number}"))
}

/// The content of the file `large`: 1 MiB and 3 bytes that never repeat a page.
pub fn large_content() -> Vec<u8> {
    (0..262_144u32)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .chain(*b"end")
        .collect()
}

/// Makes the tar, with GNU tar: ustar, so that every inode has a short record.
fn make_tar(folder: &Path) {
    let root = folder.join("root");
    for directory in ["directory/below", "empty", "many"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::write(root.join("directory/file"), "content\n").unwrap();
    fs::write(root.join("directory/below/another"), "more\n").unwrap();
    symlink("file", root.join("directory/link")).unwrap();
    fs::hard_link(
        root.join("directory/file"),
        root.join("directory/hard-link"),
    )
    .unwrap();
    fs::write(root.join("large"), large_content()).unwrap();
    for name in many_names() {
        fs::write(root.join("many").join(&name), &name).unwrap();
    }
    let tar = Command::new("tar")
        .args(["--create", "--format=ustar", "--sort=name", "--owner=0"])
        .args(["--group=0", "--mtime=@1000000000", "--file=sample.tar"])
        .args(["--directory=root", "."])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(tar.success());
}

/// The image that `mkfs.tarfs` makes of the tar.
pub fn image() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    make_tar(folder.path());
    let tar = folder.path().join("sample.tar");
    mkfs(&tar, Output::InPlace);
    fs::read(tar).unwrap()
}

/// The image with sums of data (`mkfs.tarfs --data-checksums`).
pub fn image_with_data_sums() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    make_tar(folder.path());
    let tar = folder.path().join("sample.tar");
    let options = Options {
        data_sums: true,
        ..Options::default()
    };
    make(&tar, Output::InPlace, &options, &mut Progress::new(true)).unwrap();
    fs::read(tar).unwrap()
}

/// The index alone (`mkfs.tarfs --index-only`), and its tar.
pub fn index_and_tar() -> (Vec<u8>, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    make_tar(folder.path());
    let (index, tar) = (
        folder.path().join("index"),
        folder.path().join("sample.tar"),
    );
    mkfs(&tar, Output::IndexOnly(&index));
    (fs::read(index).unwrap(), fs::read(tar).unwrap())
}

/// The index with sums of data (`mkfs.tarfs --index-only --data-checksums`) of a tar without its
/// end, three sectors long: one file, `only`, of [`short_content`].
pub fn index_with_data_sums_and_short_tar() -> (Vec<u8>, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let path = |name| folder.path().join(name);
    fs::write(path("only"), short_content()).unwrap();
    let tar = Command::new("tar")
        .args(["--create", "--file=sample.tar", "only"])
        .current_dir(folder.path())
        .status();
    assert!(tar.unwrap().success());
    let tar = fs::read(path("sample.tar")).unwrap()[..3 * 512].to_vec();
    fs::write(path("sample.tar"), &tar).unwrap();
    let options = Options {
        data_sums: true,
        ..Options::default()
    };
    let index = path("index");
    let output = Output::IndexOnly(&index);
    make(
        &path("sample.tar"),
        output,
        &options,
        &mut Progress::new(true),
    )
    .unwrap();
    (fs::read(index).unwrap(), tar)
}

/// 700 bytes.
pub fn short_content() -> Vec<u8> {
    large_content()[..700].to_vec()
}

/// Two layers of a container image and their index, in a folder: `lower.tar`, `upper.tar` and
/// `index`. The upper one replaces `replaced`, removes `removed` and hides what `opaque` had.
pub fn layers(folder: &Path) {
    let write = |path: &str, content: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    for name in ["kept", "replaced", "removed", "opaque/old", "both/lower"] {
        write(&format!("lower/{name}"), &format!("lower {name}\n"));
    }
    for name in ["replaced", "added", "opaque/new", "both/upper"] {
        write(&format!("upper/{name}"), &format!("upper {name}\n"));
    }
    for whiteout in [".wh.removed", "opaque/.wh..wh..opq"] {
        write(&format!("upper/{whiteout}"), "");
    }
    let tars = ["lower", "upper"].map(|layer| {
        let tar = folder.join(format!("{layer}.tar"));
        let made = Command::new("tar")
            .args([
                "--create",
                "--sort=name",
                "--owner=0",
                "--group=0",
                "--file",
            ])
            .arg(&tar)
            .arg("--directory")
            .arg(folder.join(layer))
            .arg(".")
            .status();
        assert!(made.unwrap().success());
        tar
    });
    let options = Options {
        read: ReadOptions {
            whiteouts: Whiteouts::Apply,
            ..ReadOptions::default()
        },
        ..Options::default()
    };
    let index = folder.join("index");
    let tars = tars.iter().map(|tar| LayerFile::at(tar.into())).collect();
    let (interrupt, mut progress) = (Interrupt::watch().unwrap(), Progress::new(true));
    make_layers(tars, &index, &options, &interrupt, &mut progress).unwrap();
}

/// Appends its index to a tar.
pub fn mkfs_in_place(tar: &Path) {
    mkfs(tar, Output::InPlace);
}

fn mkfs(tar: &Path, output: Output<'_>) {
    make(tar, output, &Options::default(), &mut Progress::new(true)).unwrap();
}

/// [`image`] in a file, which lives as long as the result.
pub fn image_file() -> TempPath {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), image()).unwrap();
    file.into_temp_path()
}
