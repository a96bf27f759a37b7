// SPDX-License-Identifier: GPL-2.0
//! Damaged and hostile images: refused at mount, or harmless.

use lab::guest::{Boot, Guest};
use lab::Lab;
use tests::image::{Image, Region};
use tests::sample;

/// A way to damage an image.
type Damage = fn(&mut Image);

/// Boots a guest with each image at `/images/<name>`, the loop driver and tarfs loaded.
fn boot_with(lab: &Lab, images: &[(&str, Vec<u8>)]) -> Guest {
    let mut boot = Boot::new(lab)
        .module("tarfs")
        .stock_module("loop")
        .program("losetup")
        .program("ls");
    for (name, bytes) in images {
        boot = boot.bytes(&format!("/images/{name}"), bytes);
    }
    let mut guest = boot.boot().unwrap();
    guest
        .run("modprobe loop && modprobe tarfs")
        .unwrap()
        .ok()
        .unwrap();
    guest
}

/// The kernel's messages that tarfs wrote since the last call.
fn messages(guest: &mut Guest) -> String {
    let log = guest.run("dmesg -c | grep 'tarfs: (' || true").unwrap();
    log.ok().unwrap().text().into_owned()
}

fn mount(name: &str) -> String {
    format!("mount -t tarfs -o loop,ro /images/{name} /mnt")
}

#[test]
fn a_superblock_that_is_not_right_is_refused_with_the_reason() {
    const INVALID: &str = "Invalid argument";
    const UNSUPPORTED: &str = "Operation not supported";
    const UNCLEAN: &str = "Structure needs cleaning";
    let cases: [(&str, Damage, &str, &str); 13] = [
        (
            "not-tarfs",
            |image| image.put(image.superblock(), b"x"),
            INVALID,
            "magic",
        ),
        (
            "cut-short",
            |image| image.0.truncate(image.superblock()),
            INVALID,
            "magic",
        ),
        (
            "flipped-bit",
            |image| {
                let at = image.superblock() + 40;
                image.0[at] ^= 1;
            },
            UNCLEAN,
            "CRC-32",
        ),
        (
            "version",
            |image| set32(image, 8, 2),
            UNSUPPORTED,
            "version is 2",
        ),
        (
            "feature",
            |image| set32(image, 24, 0x80),
            UNSUPPORTED,
            "0x80",
        ),
        (
            "tar-length",
            |image| set64(image, 112, image.u64(image.superblock() + 120) + 1),
            UNCLEAN,
            "archive",
        ),
        (
            "index-offset",
            |image| set64(image, 120, image.u64(image.superblock() + 120) + 1),
            UNCLEAN,
            "index",
        ),
        (
            "index-blocks",
            |image| set64(image, 128, image.u64(image.superblock() + 128) + 1),
            UNCLEAN,
            "index",
        ),
        (
            "no-inodes",
            |image| set64(image, 192 + 8, 0),
            UNCLEAN,
            "inodes",
        ),
        (
            "many-inodes",
            |image| set64(image, 192 + 8, u64::MAX),
            UNCLEAN,
            "inodes",
        ),
        (
            "region-start",
            |image| set32(image, 192 + 2 * 16, 0),
            UNCLEAN,
            "leaves",
        ),
        (
            "region-length",
            |image| set32(image, 192 + 2 * 16 + 4, u32::MAX),
            UNCLEAN,
            "leaves",
        ),
        ("not-zero", |image| set32(image, 400, 1), UNCLEAN, "zero"),
    ];
    let good = Image(sample::image());
    let images = cases.map(|(name, damage, ..)| {
        let mut image = good.clone();
        damage(&mut image);
        (name, image.0)
    });
    let lab = Lab::locate().unwrap();
    let mut guest = boot_with(&lab, &images);
    messages(&mut guest);
    for (name, _, errno, reason) in cases {
        let output = guest.run(&mount(name)).unwrap();
        let log = messages(&mut guest);
        assert_ne!(output.status, 0, "{name} was mounted");
        assert!(output.text().contains(errno), "{name}: {}", output.text());
        assert!(log.contains(reason), "{name}: {log}");
        assert!(log.contains("superblock at byte"), "{name}: {log}");
    }
    guest.run("rmmod tarfs").unwrap().ok().unwrap();
    guest.shutdown().unwrap();
}

#[test]
fn damage_inside_is_an_error_where_it_is_used_and_nowhere_else() {
    // What to do with the image, the command that must fail, what the log must say.
    let cases: [(&str, Damage, &str, &str); 15] = [
        (
            "inode-bit",
            |image| {
                let at = image.inode(image.ino("directory/file")) + 6;
                image.0[at] ^= 1;
            },
            "stat /mnt/directory/file",
            "CRC-32",
        ),
        (
            "sum-bit",
            |image| {
                let at = image.region(Region::Inodes) + 4095;
                image.0[at] ^= 1;
            },
            "stat /mnt/directory/file",
            "CRC-32",
        ),
        (
            "file-type",
            |image| inode16(image, "directory/file", 0, 0o150644),
            "stat /mnt/directory/file",
            "type",
        ),
        (
            "no-links",
            |image| inode16(image, "directory/file", 2, 0),
            "stat /mnt/directory/file",
            "links",
        ),
        (
            "nanoseconds",
            |image| inode32(image, "directory/file", 24, 1_000_000_000),
            "stat /mnt/directory/file",
            "nanoseconds",
        ),
        (
            "past-the-tar",
            |image| inode32(image, "directory/file", 16, u32::MAX),
            "cat /mnt/directory/file",
            "sector",
        ),
        (
            "too-long",
            |image| inode32(image, "directory/file", 12, u32::MAX),
            "cat /mnt/directory/file",
            "4294967295",
        ),
        (
            "cycle",
            |image| {
                let child = image.ino("directory/below");
                inode32(image, "directory/below", 24, child);
            },
            "ls /mnt/directory/below",
            "parent",
        ),
        (
            "two-parents",
            |image| {
                let other = image.ino("empty").to_le_bytes();
                let entry = image.entry(image.ino("directory"), "below");
                image.put(entry + 4, &other);
            },
            "ls /mnt/directory/below",
            "parent",
        ),
        (
            "no-such-inode",
            |image| {
                let entry = image.entry(image.ino("directory"), "file");
                image.put(entry + 4, &u32::MAX.to_le_bytes());
            },
            "ls /mnt/directory",
            "4294967295",
        ),
        (
            "slash",
            |image| {
                let leaf = image.leaf(image.ino("directory"));
                let entry = image.entry(image.ino("directory"), "file");
                let name = leaf + usize::from(image.u16(entry + 8));
                image.put(name, b"/");
            },
            "ls /mnt/directory",
            "name",
        ),
        (
            "name-position",
            |image| {
                let entry = image.entry(image.ino("directory"), "file");
                image.put(entry + 8, &u16::MAX.to_le_bytes());
            },
            "ls /mnt/directory",
            "65535",
        ),
        (
            "many-entries",
            |image| {
                let leaf = image.leaf(image.ino("directory"));
                image.put(leaf, &u16::MAX.to_le_bytes());
            },
            "ls /mnt/directory",
            "65535",
        ),
        (
            "leaf-outside",
            |image| inode32(image, "directory", 16, u32::MAX),
            "ls /mnt/directory",
            "lea",
        ),
        (
            "link-target",
            |image| {
                let record = image.inode(image.ino("directory/link"));
                let target = image.region(Region::Heap) + image.u32(record + 16) as usize;
                image.put(target, b"\0");
            },
            "cat /mnt/directory/link",
            "NUL",
        ),
    ];
    let good = Image(sample::image());
    let images = cases.map(|(name, damage, ..)| {
        let mut image = good.clone();
        damage(&mut image);
        if !name.ends_with("-bit") {
            image.repair();
        }
        (name, image.0)
    });
    let lab = Lab::locate().unwrap();
    let mut guest = boot_with(&lab, &images);
    messages(&mut guest);
    for (name, _, command, reason) in cases {
        let whole = format!("{} && echo mounted; {command}", mount(name));
        let output = guest.run(&whole).unwrap();
        let log = messages(&mut guest);
        assert_ne!(output.status, 0, "{name}: {}", output.text());
        let text = output.text();
        assert!(text.contains("Structure needs cleaning"), "{name}: {text}");
        assert!(log.contains(reason), "{name}: {log}");
        // The rest of the tree is still there, and the mount can go.
        if text.contains("mounted") {
            let rest = "find /mnt > /dev/null 2>&1; umount /mnt";
            guest.run(rest).unwrap().ok().unwrap();
        }
        messages(&mut guest);
    }
    guest.run("rmmod tarfs").unwrap().ok().unwrap();
    guest.shutdown().unwrap();
}

fn set32(image: &mut Image, offset: usize, value: u32) {
    let superblock = image.superblock();
    image.put(superblock + offset, &value.to_le_bytes());
    image.repair_superblock();
}

fn set64(image: &mut Image, offset: usize, value: u64) {
    let superblock = image.superblock();
    image.put(superblock + offset, &value.to_le_bytes());
    image.repair_superblock();
}

fn inode16(image: &mut Image, path: &str, offset: usize, value: u16) {
    let record = image.inode(image.ino(path));
    image.put(record + offset, &value.to_le_bytes());
}

fn inode32(image: &mut Image, path: &str, offset: usize, value: u32) {
    let record = image.inode(image.ino(path));
    image.put(record + offset, &value.to_le_bytes());
}
