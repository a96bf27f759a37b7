// SPDX-License-Identifier: GPL-2.0
//! Sparse files of a mounted tar, in each way that GNU tar writes them.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::Command;

use lab::guest::{Access, Boot};
use lab::Lab;
use tests::{ok, sample};

const SIZE: usize = 5_000_001;

/// Where the file has data: at its start, alone, across many blocks, and at its last byte.
const DATA: [Range<usize>; 4] = [0..1, 69_632..69_733, 1_048_576..1_248_576, SIZE - 1..SIZE];

/// The format options of GNU tar.
const WAYS: [(&str, &[&str]); 4] = [
    ("gnu", &["--format=gnu"]),
    ("pax-0.0", &["--format=pax", "--sparse-version=0.0"]),
    ("pax-0.1", &["--format=pax", "--sparse-version=0.1"]),
    ("pax-1.0", &["--format=pax", "--sparse-version=1.0"]),
];

fn content() -> Vec<u8> {
    let mut content = vec![0; SIZE];
    for at in DATA.into_iter().flatten() {
        content[at] = (at % 251) as u8 + 1;
    }
    content
}

/// Tars of one sparse file, and one that is a hole.
fn tars(folder: &std::path::Path) {
    let content = content();
    let file = File::create(folder.join("sparse")).unwrap();
    file.set_len(SIZE as u64).unwrap();
    for data in DATA {
        file.write_all_at(&content[data.clone()], data.start as u64)
            .unwrap();
    }
    let hole = File::create(folder.join("hole")).unwrap();
    hole.set_len(1_000_000).unwrap();
    for (name, format) in WAYS {
        let tar = folder.join(name);
        let made = Command::new("tar")
            .args(["--create", "--sparse", "--hole-detection=raw"])
            .args(format)
            .arg("--file")
            .arg(&tar)
            .args(["sparse", "hole"])
            .current_dir(folder)
            .status()
            .unwrap();
        assert!(made.success());
        sample::mkfs_in_place(&tar);
    }
}

/// Prints the data and the holes of a file as lseek(2) tells them.
const RANGES: &str = r#"
    open(my $file, "<", $ARGV[0]) or die $!;
    my $at = 0;
    while (defined(my $data = sysseek($file, $at, 3))) {
        $at = sysseek($file, $data, 4);
        print $data + 0, "-", $at + 0, " ";
    }
"#;

#[test]
fn holes_are_holes_and_data_is_data() {
    let lab = Lab::locate().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    tars(folder.path());
    let mut boot = Boot::new(&lab)
        .module("tarfs")
        .program("dd")
        .program("filefrag")
        .program("perl")
        .program("stat")
        .bytes("/original", &content())
        .bytes("/ranges.pl", RANGES.as_bytes());
    for (name, _) in WAYS {
        boot = boot.disk(folder.path().join(name), Access::ReadOnly);
    }
    let mut guest = boot.boot().unwrap();
    ok(&mut guest, "modprobe tarfs");
    // GNU tar looks for holes in units of 512 bytes.
    let expected: Vec<String> = DATA
        .iter()
        .map(|data| (data.start / 512 * 512)..data.end.next_multiple_of(512).min(SIZE))
        .map(|data| format!("{}-{} ", data.start, data.end))
        .collect();
    for (disk, (way, _)) in ["vda", "vdb", "vdc", "vdd"].into_iter().zip(WAYS) {
        ok(&mut guest, &format!("mount -t tarfs /dev/{disk} /mnt"));
        ok(&mut guest, "cmp /mnt/sparse /original");
        assert_eq!(
            ok(&mut guest, "perl /ranges.pl /mnt/sparse"),
            expected.concat(),
            "{way}"
        );
        assert_eq!(ok(&mut guest, "perl /ranges.pl /mnt/hole"), "", "{way}");
        ok(
            &mut guest,
            "head -c 1000000 /dev/zero | cmp - /mnt/hole && test $(stat -c %b /mnt/hole) = 0",
        );
        // Less is stored than a tenth of the size, and each extent is told.
        ok(
            &mut guest,
            "set -e
         test $(($(stat -c %b /mnt/sparse) * 512)) -lt 500000
             test $(filefrag -b512 -v /mnt/sparse | grep -c '^ *[0-9]*: ') = 4",
        );
        // From any byte, across extents and holes; direct reads are let pass.
        for (skip, count) in [(69_000, 2_000), (1_000_000, 260_000), (4_999_000, 5_000)] {
            let piece =
                format!("bs=64k iflag=skip_bytes,count_bytes,fullblock skip={skip} count={count}");
            ok(
                &mut guest,
                &format!(
                    "dd if=/mnt/sparse {piece} of=/a 2>/dev/null
                     dd if=/original {piece} of=/b 2>/dev/null; cmp /a /b"
                ),
            );
        }
        ok(
            &mut guest,
            "set -e
         dd if=/mnt/sparse of=/a iflag=direct bs=64k 2>/dev/null; cmp /a /original
             umount /mnt",
        );
    }
    guest.shutdown().unwrap();
}
