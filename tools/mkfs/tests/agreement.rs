// SPDX-License-Identifier: GPL-2.0

//! What is in an image is what Python's tar reader finds in the archive.
//!
//! The image is read twice: through the layout crate, and by a program written from the format's
//! description alone.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::agreement::check;
use support::header::{archive, directory, extended, file, hard_link, pax, record, Header};
use support::walk::Image;
use support::{mkfs_in_place, read_image, tar, Folder};

#[test]
fn one_of_everything() {
    let folder = Folder::new();
    let sample = folder.sample();
    check(&folder, &sample);
}

/// A tree that every format of GNU tar can hold.
fn make_tree(root: &Path) {
    for directory in ["a/b/c", "empty", "many"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for (name, size) in [
        ("a/zero", 0),
        ("a/sector", 512),
        ("a/b/more", 5000),
        ("a/b/c/x", 1),
    ] {
        fs::write(root.join(name), vec![b'x'; size]).unwrap();
    }
    for i in 0..300 {
        fs::write(
            root.join(format!("many/file-with-a-name-{i}")),
            i.to_string(),
        )
        .unwrap();
    }
    symlink("../zero", root.join("a/b/link")).unwrap();
    fs::hard_link(root.join("a/sector"), root.join("empty-no-more")).unwrap();
    fs::hard_link(root.join("a/sector"), root.join("a/b/c/linked")).unwrap();
}

fn check_gnu_tar(format: &str, extra: impl Fn(&Path)) {
    let folder = Folder::new();
    let (root, archive) = (folder.path("root"), folder.path("made.tar"));
    make_tree(&root);
    extra(&root);
    let format = format!("--format={format}");
    let output = archive.to_str().unwrap();
    let directory = root.to_str().unwrap();
    tar(["-c", "-f", output, "-C", directory, &format, "."]).good();
    check(&folder, &archive);
}

fn add_long_names(root: &Path) {
    let long = root.join("n".repeat(200)).join("m".repeat(255));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("file"), "deep").unwrap();
    symlink("t".repeat(500), root.join("long-target")).unwrap();
}

fn add_fifo(root: &Path) {
    let made = Command::new("mkfifo").arg(root.join("fifo")).status();
    assert!(made.unwrap().success());
}

#[test]
fn gnu_tar_v7() {
    check_gnu_tar("v7", |_| {});
}

#[test]
fn gnu_tar_oldgnu() {
    check_gnu_tar("oldgnu", |root| {
        add_long_names(root);
        add_fifo(root);
    });
}

#[test]
fn gnu_tar_gnu() {
    check_gnu_tar("gnu", |root| {
        add_long_names(root);
        add_fifo(root);
    });
}

#[test]
fn gnu_tar_ustar() {
    check_gnu_tar("ustar", |root| {
        let long = root.join("p".repeat(90)).join("q".repeat(50));
        fs::create_dir_all(&long).unwrap();
        fs::write(long.join("r".repeat(99)), "prefix").unwrap();
        add_fifo(root);
    });
}

/// Times here have the nanoseconds that the file system gave.
#[test]
fn gnu_tar_pax() {
    check_gnu_tar("posix", |root| {
        add_long_names(root);
        add_fifo(root);
    });
}

#[test]
fn python_tarfile() {
    for format in ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"] {
        let folder = Folder::new();
        let (root, archive) = (folder.path("root"), folder.path("made.tar"));
        make_tree(&root);
        let script = format!(
            "import sys, tarfile\n\
             with tarfile.open(sys.argv[1], 'w', format=tarfile.{format}) as archive:\n    \
             archive.add(sys.argv[2], arcname='top')\n"
        );
        let run = Command::new("python3")
            .args(["-c", &script])
            .args([&archive, &root])
            .status();
        assert!(run.unwrap().success());
        check(&folder, &archive);
    }
}

fn check_members(members: &[Vec<u8>]) {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    check(&folder, &path);
}

#[test]
fn empty_archives() {
    check_members(&[]);
    check_members(&[directory("./")]);
}

#[test]
fn no_mark_at_the_end() {
    let folder = Folder::new();
    let path = folder.write("made.tar", &file("a", b"contents"));
    check(&folder, &path);
    let one_block = [file("a", b"contents"), vec![0; 512]].concat();
    let path = folder.write("made.tar", &one_block);
    check(&folder, &path);
}

#[test]
fn data_after_the_end_is_ignored() {
    let folder = Folder::new();
    let junk = [archive(&[file("a", b"contents")]), vec![b'j'; 70_001]].concat();
    let path = folder.write("made.tar", &junk);
    check(&folder, &path);
}

/// Links and directories of old archives have a size, and no data.
#[test]
fn sizes_without_data() {
    check_members(&[
        file("a", b"contents"),
        Header::new("b", 5000).typed(b'1').link("a").block(),
        Header::new("c", 5000).typed(b'2').link("a").block(),
        Header::new("d", 5000).typed(b'5').block(),
        file("e", b"more"),
    ]);
}

#[test]
fn global_headers() {
    check_members(&[
        extended(
            b'g',
            &[record("uid", b"77"), record("mtime", b"5.5")].concat(),
        ),
        file("a", b""),
        [pax("uid", b"78"), file("b", b"")].concat(),
        extended(b'g', &record("uid", b"79")),
        file("c", b""),
    ]);
}

/// A size in a pax record counts, not that of the header.
#[test]
fn size_in_a_record() {
    let wrong_size = Header::new("a", 0).block();
    let data = [b"0123456789".to_vec(), vec![0; 502]].concat();
    check_members(&[
        [pax("size", b"10"), wrong_size, data].concat(),
        file("b", b"b"),
    ]);
}

#[test]
fn hard_link_targets_are_those_of_their_time() {
    check_members(&[
        file("a", b"first"),
        hard_link("b", "a"),
        file("a", b"second"),
        hard_link("c", "a"),
        hard_link("d", "b"),
        hard_link("d", "d"),
        file("c", b"third"),
    ]);
}

/// The number of links does not fit into a short inode.
#[test]
fn seventy_thousand_links() {
    let mut members = vec![file("file", b"contents")];
    members.extend((0..70_000).map(|i| hard_link(&format!("{}/{i}", i % 7), "file")));
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(&members));
    let image = mkfs_in_place(&path);
    let files = read_image(&[&path])["files"].take();
    let ino = files["file"]["ino"].as_u64().unwrap();
    assert_eq!(files["6/69999"]["ino"], ino);
    let inode = Image::new(&image).inode(ino.try_into().unwrap());
    assert_eq!(inode.nlink, 70_001);
}

/// Names of every length, all of which leaves have to fit, in leaves that are mostly full.
#[test]
fn large_directories() {
    let name = |i: usize| format!("{i:05}-{}", "x".repeat(i % 90));
    let members: Vec<_> = (0..6_000).map(|i| file(&name(i), b"")).collect();
    check_members(&members);
    let folder = Folder::new();
    let image = mkfs_in_place(&folder.write("made.tar", &archive(&members)));
    let names: usize = (0..6_000).map(|i| name(i).len()).sum();
    let needed = names + 12 * 6_000;
    let leaves = image_leaves(&image);
    assert!((needed..needed * 7 / 4).contains(&leaves), "{leaves}");
}

/// Small leaves share blocks, and the ends of large directories' blocks.
#[test]
fn many_directories() {
    let name = |i: usize| format!("{}/{}", i % 500, "n".repeat(1 + i * 7 % 90));
    let members: Vec<_> = (0..5_000).map(|i| file(&name(i), b"")).collect();
    check_members(&members);
}

/// Length of the leaf region.
fn image_leaves(image: &[u8]) -> usize {
    let records = support::walk::superblock(image).leaves.records();
    records.try_into().unwrap()
}
