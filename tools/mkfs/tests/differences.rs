// SPDX-License-Identifier: GPL-2.0

//! What programs read differently is reported, and with --strict refused.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::header::{archive, directory, extended, file, pax, record, Header};
use support::{mkfs, tar, Folder, Run};

/// The names that GNU tar lists, without the slashes at their ends.
fn gnu_names(path: &Path) -> String {
    let listed = tar(["-tf", path.to_str().unwrap()]).stdout;
    listed.replace("/\n", "\n")
}

/// The names that Python lists; it has directories without a slash at the end, and files with it.
fn python_names(path: &Path) -> String {
    let script = "import sys, tarfile\n\
                  for member in tarfile.open(sys.argv[1]):\n    print(member.name)";
    let run = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .output();
    Run::from(run.unwrap()).good().stdout
}

/// Panics unless the difference is reported, and refused with --strict.
fn check(path: &Path, text: &str) {
    let run = mkfs(["--strict".as_ref(), path]);
    run.fails(
        2,
        &format!("{text}; without --strict this is reported only"),
    );
    let run = mkfs([path]).good();
    let reported = "; read differently by others: 1 entries (first \"";
    assert!(run.stdout.contains(reported), "{}", run.stdout);
    assert!(
        run.stdout.trim_end().ends_with(&format!("{text})")),
        "{}",
        run.stdout
    );
}

/// As `check`, for what GNU tar and Python list under other names.
fn check_names(members: &[Vec<u8>], text: &str) {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    assert_ne!(gnu_names(&path), python_names(&path));
    check(&path, text);
}

/// As `check`, for what these two read alike and libarchive does not.
fn check_libarchive(members: &[Vec<u8>], text: &str) {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    assert_eq!(gnu_names(&path), python_names(&path));
    check(&path, text);
}

#[test]
fn names() {
    let long = || extended(b'L', b"gnu\0");
    let name = |name: &[u8]| pax("path", name);
    check_names(
        &[[long(), name(b"pax"), file("x", b"")].concat()],
        "a long name both of GNU tar and of pax: GNU tar takes that of pax, libarchive and Python \
         the first",
    );
    let folder = Folder::new();
    let empty = [name(b""), file("x", b"")].concat();
    let path = folder.write("made.tar", &archive(&[empty]));
    assert_eq!(python_names(&path), "\n");
    check(
        &path,
        "an empty name in an extended header: Python and GNU tar up to 1.34 take it, others that \
         of the header",
    );
    let first = extended(b'x', &record("path", b"first"));
    let second = extended(b'x', &record("path", b"second"));
    check_names(
        &[[first, second, file("x", b"")].concat()],
        "two extended headers: GNU tar takes the last, Python the first, libarchive neither",
    );
    let old = Header::new("x", 0).with(257, &[0; 8]).with(345, b"prefix");
    check_names(
        &[old.block()],
        "bytes where POSIX has a prefix of the name: Python takes them for one",
    );
}

/// A file and a directory have the same name in a list.
#[test]
fn slashes() {
    let folder = Folder::new();
    let slash = "the name ends in a slash: a file to Python, a directory to others";
    for member in [
        file("d/", b""),
        [pax("path", b"d/"), file("x", b"")].concat(),
    ] {
        let path = folder.write("made.tar", &archive(&[member]));
        let listed = tar(["-tvf", path.to_str().unwrap()]).stdout;
        assert!(listed.starts_with('d'), "{listed}");
        check(&path, slash);
    }
}

#[test]
fn sizes_without_data() {
    let size = "a file of a type without data has a size: GNU tar skips as much, others nothing";
    for typeflag in [b'2', b'3', b'4', b'6'] {
        let link = Header::new("l", 512).typed(typeflag).link("f");
        check_names(&[file("f", b""), link.block(), file("g", b"")], size);
    }
    let link = Header::new("l", 512).typed(b'1').link("f");
    check_libarchive(
        &[file("f", b""), link.block(), file("g", b"")],
        "a hard link has a size: libarchive skips as much data in pax archives, others nothing",
    );
}

#[test]
fn headers_that_not_all_know() {
    let list = Header::new("d/", 0).typed(b'D').with(257, b"ustar  \0");
    check_names(
        &[list.block()],
        "a list of a directory's files, which Python and Go take for a file",
    );
    let own = "a label or a Solaris header, which Python and Go take for an entry";
    check_libarchive(
        &[Header::new("label", 0).typed(b'V').block(), file("f", b"")],
        own,
    );
    check_libarchive(
        &[extended(b'g', &record("uid", b"7")), file("f", b"")],
        "a global header has records about files, which libarchive and Go ignore",
    );
}

/// Numbers in records and in headers, which GNU tar or Python refuse or take for others.
#[test]
fn numbers() {
    let number = "a number in a form that GNU tar, Python or both take for none, or for another";
    for (at, field) in [
        (136, &b"\x0001\0\0\0\0\0\0\0\0\0"[..]),
        (136, b"            "),
        (329, b"7x\0\0\0\0\0\0"),
        (108, b"\x81\0\0\0\0\0\0\0"),
        (100, b"\x80\0\0:\xff\xf4A\x81"),
    ] {
        // A record stands for the time and the owner.
        let header = Header::new("f", 0).with(at, field).block();
        let records = [record("mtime", b"5"), record("uid", b"6")].concat();
        check_unread(&[[extended(b'x', &records), header].concat()], number);
    }
    let other = Header::new("extended", 0)
        .typed(b'x')
        .with(116, b"7 7\0\0\0\0\0");
    check_unread(&[[other.block(), file("f", b"")].concat()], number);
    let record_number =
        "a number or a time in an extended header is none: GNU tar refuses it, Python takes 0";
    for (keyword, value) in [("uid", ""), ("mtime", ""), ("atime", "x"), ("ctime", "1e3")] {
        let member = [pax(keyword, value.as_bytes()), file("f", b"")].concat();
        check_unread(&[member], record_number);
    }
}

/// As `check`, for what GNU tar and Python may list alike, and one of them with other values or an
/// error.
fn check_unread(members: &[Vec<u8>], text: &str) {
    let folder = Folder::new();
    let path = folder.write("made.tar", &archive(members));
    check(&path, text);
}

#[test]
fn long_names() {
    let long = |name: &[u8]| extended(b'L', name);
    check_names(
        &[[long(b"first\0"), long(b"second\0"), file("x", b"")].concat()],
        "two headers with a long name: GNU tar takes the last, Python the first",
    );
    let mut cut = long(b"name, and more\0");
    let header = Header::new("extended", 4).typed(b'L').block();
    cut[..512].copy_from_slice(&header);
    check_libarchive(
        &[[cut, file("x", b"")].concat()],
        "a long name without a NUL at its end: GNU tar and Python go on to the next NUL",
    );
}

#[test]
fn devices() {
    let null = || {
        Header::new("null", 0)
            .typed(b'3')
            .with(329, b"0000001\x000000003\0")
    };
    check_unread(
        &[null().with(257, &[0; 8]).block()],
        "a device in a header without a magic: GNU tar does not read its numbers",
    );
    check_unread(
        &[[pax("SCHILY.devminor", b"4"), null().block()].concat()],
        "a device whose numbers in records are not those of the header, which GNU tar and Python \
         take",
    );
    let folder = Folder::new();
    let same = [pax("SCHILY.devminor", b"3"), null().block()].concat();
    let path = folder.write("made.tar", &archive(&[same]));
    mkfs(["--strict".as_ref(), path.as_path()]).good();
}

#[test]
fn records() {
    let keyword =
        "a keyword that is empty or has a NUL: Python ignores this record and those after \
                   it, GNU tar refuses it";
    for word in ["", "a\0b"] {
        check_unread(&[[pax(word, b"1"), file("f", b"")].concat()], keyword);
    }
    check_unread(
        &[[pax("hdrcharset", b"\xff"), file("f", b"")].concat()],
        "a character set that POSIX does not know, for which Python may not read the archive",
    );
    let list = pax("SCHILY.acl.access", b"user::rwx,group::r-x,other::r-x");
    check_unread(
        &[[list, file("f", b"")].concat()],
        "permissions that are not those of the access control list: programs take either, by their \
         options",
    );
    check_unread(
        &[file("f", b""), extended(b'g', &record("comment", b"1"))],
        "a global header that no entry follows: Python does not read the archive",
    );
    let label = Header::new("label", 0).typed(b'V').block();
    check_unread(
        &[file("f", b""), label],
        "a label or a Solaris header, which Python and Go take for an entry",
    );
}

#[test]
fn values_of_extended_attributes() {
    let records = [
        record("SCHILY.xattr.user.a", b"1"),
        record("LIBARCHIVE.xattr.user.a", b"Mg"),
    ];
    check_libarchive(
        &[[extended(b'x', &records.concat()), file("f", b"")].concat()],
        "two values of an extended attribute: GNU tar knows star's records, libarchive its own too",
    );
}

/// Where the map says nothing, GNU tar does not make the file as large as it is.
#[test]
fn ends_of_sparse_files() {
    let folder = Folder::new();
    let records = [
        record("GNU.sparse.size", b"9000"),
        record("GNU.sparse.numblocks", b"1"),
        record("GNU.sparse.map", b"0,5"),
    ];
    let member = [extended(b'x', &records.concat()), file("f", b"12345")].concat();
    let path = folder.write("made.tar", &archive(&[member]));
    let out = folder.path("out");
    fs::create_dir(&out).unwrap();
    tar(["-xf", path.to_str().unwrap(), "-C", out.to_str().unwrap()]).good();
    assert_eq!(fs::metadata(out.join("f")).unwrap().len(), 5);
    check(
        &path,
        "the map does not end where the file does: for GNU tar, the file ends with the map",
    );
}

/// GNU tar wants to know how many parts there are before it reads them.
#[test]
fn maps_of_sparse_files() {
    let size = record("GNU.sparse.size", b"5");
    let map = record("GNU.sparse.map", b"0,5");
    let count = record("GNU.sparse.numblocks", b"1");
    let miscounted = "the number of parts of the sparse file is missing, late or superfluous: GNU \
                      tar does not read them";
    let member = |records: &[&[u8]], header: Header| {
        let data = [b"12345".to_vec(), vec![0; 507]].concat();
        [extended(b'x', &records.concat()), header.block(), data].concat()
    };
    for records in [
        &[size.as_slice(), &map][..],
        &[&size, &map, &count],
        &[&size, &count, &count, &map],
    ] {
        check_unread(&[member(records, Header::new("f", 5))], miscounted);
    }
    let old = Header::new("f", 5).with(257, b"ustar  \0");
    check_unread(
        &[member(&[&size, &count, &map], old)],
        "a sparse file of pax in a header that is not POSIX's: GNU tar does not read it",
    );
    let (name, path) = (record("GNU.sparse.name", b"a"), record("path", b"b"));
    let records: [&[u8]; 5] = [&size, &count, &map, &name, &path];
    check_names(
        &[member(&records, Header::new("f", 5))],
        "a name after that of the sparse file: Python takes it, GNU tar the one before",
    );
}

/// What programs write of themselves is read by all alike.
#[test]
fn nothing_to_report() {
    let folder = Folder::new();
    let root = folder.path("root");
    fs::create_dir_all(root.join("d").join("n".repeat(200))).unwrap();
    fs::write(root.join("d").join("f".repeat(150)), "contents").unwrap();
    std::os::unix::fs::symlink("t".repeat(150), root.join("l")).unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(1 << 20).unwrap();
    let path = folder.path("made.tar");
    for format in ["gnu", "posix"] {
        tar([
            "-cf",
            path.to_str().unwrap(),
            &format!("--format={format}"),
            "--sparse",
            "-C",
            root.to_str().unwrap(),
            ".",
        ])
        .good();
        let run = mkfs(["--strict".as_ref(), path.as_path()]).good();
        assert!(!run.stdout.contains("differently"), "{}", run.stdout);
    }
    let comment = extended(b'g', &record("comment", b"of git archive"));
    let path = folder.write(
        "git.tar",
        &archive(&[comment, directory("d/"), file("d/f", b"1")]),
    );
    mkfs(["--strict".as_ref(), path.as_path()]).good();
}
