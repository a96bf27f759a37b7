// SPDX-License-Identifier: GPL-2.0
//! Hostile images: any field of any structure changed, with checksums that are right again. The
//! kernel refuses each or shows something; it never complains, hangs or runs away with memory.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use lab::guest::Boot;
use lab::Lab;
use tests::image::Image;
use tests::mutation::{damage, Numbers};
use tests::{ok, sample};

/// Images that a run tries; `BLOCKYARD_HOSTILE_IMAGES` in the environment gives another number.
const IMAGES: u64 = 100;

/// The bytes in which two images differ, as lines of offset and bytes in hexadecimal.
fn patch(from: &[u8], to: &[u8]) -> String {
    let mut lines = String::new();
    let chunks = from.chunks(16).zip(to.chunks(16)).enumerate();
    for (number, (_, new)) in chunks.filter(|(_, (old, new))| old != new) {
        write!(lines, "{} ", number * 16).unwrap();
        new.iter()
            .for_each(|byte| write!(lines, "{byte:02x}").unwrap());
        lines.push('\n');
    }
    lines
}

/// Mounts image after image and goes through each: lists, looks up, stats, reads, asks for targets,
/// attributes and extents. An image is the original with a patch from `/patches`,
/// which is taken back afterwards.
const WALK: &str = r#"
    my ($image_file, $target, $type) = ("/original", "/mnt", "tarfs");
    open(my $image, "+<", $image_file) or die;
    open(my $patches, "<", "/patches") or die;
    my ($mounted, $refused) = (0, 0);
    # What stood where the patches are.
    my @before;
    sub put {
        my ($at, $bytes) = @_;
        sysseek($image, $at, 0);
        sysread($image, my $old, length $bytes);
        sysseek($image, $at, 0);
        syswrite($image, $bytes) == length $bytes or die;
        return $old;
    }
    sub walk {
        my ($path, $depth) = @_;
        lstat($path) or return;
        my $names = "\0" x 1024;
        syscall(195, "$path", $names, 1024);
        for my $name ("user.comment", "security.capability", "system.posix_acl_access") {
            my $value = "\0" x 70000;
            syscall(192, "$path", "$name", $value, 70000);
        }
        if (-l _) {
            readlink($path);
        } elsif (-f _) {
            open(my $file, "<", $path) or return;
            sysread($file, my $data, 65536);
            sysseek($file, 1, 3);
            sysseek($file, 1, 4);
            sysseek($file, -4096, 2) and sysread($file, $data, 8192);
        } elsif (-d _ && $depth < 20) {
            opendir(my $directory, $path) or return;
            my $count = 0;
            for my $name (readdir($directory)) {
                last if ++$count > 50;
                walk("$path/$name", $depth + 1) if $name ne "." && $name ne "..";
            }
            lstat("$path/missing");
        }
    }
    while (defined(my $line = <$patches>)) {
        if ($line ne "end\n") {
            my ($at, $hex) = split(" ", $line);
            push @before, [$at, put($at, pack("H*", $hex))];
            next;
        }
        if (syscall(165, $image_file, $target, $type, 1, 0) == 0) {
            $mounted++;
            walk($target, 0);
            syscall(166, $target, 0) == 0 or die "umount: $!";
        } else {
            $refused++;
        }
        put(@$_) for @before;
        @before = ();
    }
    print "$mounted $refused\n";
"#;

#[test]
fn hostile_images_do_no_harm() {
    let images = env::var("BLOCKYARD_HOSTILE_IMAGES")
        .ok()
        .map_or(IMAGES, |count| count.parse().unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let tar = folder.path().join("sample.tar");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/mkfs/tests/make_sample.py");
    let made = Command::new("python3").arg(script).arg(&tar).status();
    assert!(made.unwrap().success());
    sample::mkfs_in_place(&tar);
    let original = Image(fs::read(&tar).unwrap());

    let mut numbers = Numbers::default();
    let mut patches = String::new();
    for _ in 0..images {
        let mut image = original.clone();
        damage(&mut image, &mut numbers);
        patches += &patch(&original.0, &image.0);
        patches += "end\n";
    }
    let lab = Lab::locate().unwrap();
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("perl")
        .bytes("/original", &original.0)
        .bytes("/patches", patches.as_bytes())
        .bytes("/walk.pl", WALK.as_bytes())
        .command_limit(std::time::Duration::from_secs(images + 300))
        .guest_limit(std::time::Duration::from_secs(images + 600))
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs && dmesg -n 1");
    let counts = ok(&mut guest, "perl /walk.pl");
    let counts: Vec<u64> = counts
        .split_whitespace()
        .map(|count| count.parse().unwrap())
        .collect();
    println!("{} mounted, {} refused", counts[0], counts[1]);
    assert_eq!(counts[0] + counts[1], images);
    assert!(counts[0] > images / 2 && counts[1] > 0, "{counts:?}");
    // Nothing is left: the module goes, and its inodes with it.
    ok(&mut guest, "rmmod tarfs && ! grep -q tarfs /proc/slabinfo");
    guest.shutdown().unwrap();
}
