// SPDX-License-Identifier: GPL-2.0
//! Several archives behind one index, with checksums of their data, as `mkfs.tarfs` makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::guest::{Access, Boot};
use lab::Lab;
use tarfs_tools::interrupt::Interrupt;
use tarfs_tools::layer_files::LayerFile;
use tarfs_tools::make_layers;
use tarfs_tools::options::{Options, ReadOptions, Whiteouts};
use tarfs_tools::progress::Progress;
use tempfile::TempDir;
use tests::ok;

/// Prints the names of all files, and the checksums of regular ones.
const LIST: &str = "find . | sort; find . -type f | sort | xargs sha256sum";

/// Runs a command in a folder of the host; returns its output.
fn host(folder: &Path, command: &str) -> String {
    let output = Command::new("sh")
        .args(["-ec", command])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes the two archives and their index in a folder, and in `out` what they leave where `tar`
/// extracts one after the other and whiteouts are obeyed by hand.
fn make(folder: &Path) {
    host(
        folder,
        "mkdir -p lower/a/b lower/gone upper/a/b upper/opaque lower/opaque out
         for i in 1 2 3 4 5 6 7 8; do seq $i 20000 > lower/a/$i; done
         echo old > lower/a/b/file; echo x > lower/gone/x; echo hidden > lower/opaque/hidden
         ln lower/a/1 lower/hard
         tar -C lower -cf lower.tar .
         tar -C lower -xf lower.tar; tar -C out -xf lower.tar
         seq 100000 > upper/a/b/file; echo shown > upper/opaque/shown; ln -s a upper/link
         (cd out; rm -r gone a/3 opaque); tar -C upper -cf - . | tar -C out -xf -
         touch upper/.wh.gone upper/a/.wh.3 upper/opaque/.wh..wh..opq
         tar -C upper -cf upper.tar .",
    );
    let layers: Vec<PathBuf> = ["lower.tar", "upper.tar"]
        .map(|name| folder.join(name))
        .into();
    let options = Options {
        read: ReadOptions {
            whiteouts: Whiteouts::Apply,
            ..ReadOptions::default()
        },
        data_sums: true,
        ..Options::default()
    };
    let index = folder.join("index");
    let layers = layers.iter().map(|tar| LayerFile::at(tar.into())).collect();
    let (interrupt, mut progress) = (Interrupt::watch().unwrap(), Progress::new(true));
    make_layers(layers, &index, &options, &interrupt, &mut progress).unwrap();
}

#[test]
fn several_archives_and_their_checksums() {
    let lab = Lab::locate().unwrap();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    make(folder.path());
    let mut damaged = fs::read(path("lower.tar")).unwrap();
    let header = damaged.windows(6).position(|bytes| bytes == b"./a/7\0");
    let data = header.unwrap() + 512;
    damaged[data + 50_000] ^= 1;
    fs::write(path("damaged.tar"), damaged).unwrap();

    let mut guest = Boot::new(&lab).module("tarfs").program("mount");
    for name in ["index", "lower.tar", "damaged.tar"] {
        guest = guest.disk(path(name), Access::ReadOnly);
    }
    guest = guest.bytes("/upper.tar", &fs::read(path("upper.tar")).unwrap());
    let mut guest = guest.boot().unwrap();
    ok(
        &mut guest,
        "modprobe tarfs; mount -t tarfs -o layer=/dev/vdb,layer=/upper.tar /dev/vda /mnt",
    );
    let found = ok(&mut guest, &format!("cd /mnt; {LIST}"));
    assert_eq!(found, host(&path("out"), LIST));

    // Where a block is not what it was, reading it fails, and nothing else.
    ok(
        &mut guest,
        "cd /; umount /mnt
         mount -t tarfs -o layer=/dev/vdc,layer=/upper.tar /dev/vda /mnt",
    );
    let bad = guest.run("cat /mnt/a/7 > /dev/null").unwrap();
    assert_ne!(bad.status, 0);
    let log = ok(&mut guest, "dmesg | grep 'tarfs.*archive at byte'");
    assert!(log.contains("CRC-32"), "{log}");
    ok(
        &mut guest,
        "cat /mnt/a/6 /mnt/a/8 /mnt/a/b/file > /dev/null",
    );
    guest.shutdown().unwrap();
}
