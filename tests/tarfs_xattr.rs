// SPDX-License-Identifier: GPL-2.0
//! Extended attributes and ACLs of a mounted tar.
//!
//! perl makes the calls by their numbers; what it must see is what `attributes_tar.py` wrote.

use std::path::Path;
use std::process::Command;

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tests::{ok, sample};

/// Functions for scripts: getxattr is 191, listxattr 194, setxattr 188.
const FUNCTIONS: &str = r#"
    sub get {
        my ($file, $name, $size) = @_;
        my $value = "\0" x ($size || 1);
        my $length = syscall(191, $file, $name, $value, $size);
        return $length < 0 ? "error: $!" : $size ? substr($value, 0, $length) : $length;
    }
    sub list {
        my ($file) = @_;
        my $names = "\0" x 4096;
        my $length = syscall(194, $file, $names, 4096);
        die "$file: $!" if $length < 0;
        return join(" ", sort split(/\0/, substr($names, 0, $length)));
    }
    sub become {
        my ($id) = @_;
        $) = "$id $id"; $> = $id;
    }
"#;

fn boot(lab: &Lab) -> Guest {
    let folder = tempfile::TempDir::new().unwrap();
    let tar = folder.path().join("attributes.tar");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("attributes_tar.py");
    let made = Command::new("python3").arg(script).arg(&tar).status();
    assert!(made.unwrap().success());
    sample::mkfs_in_place(&tar);
    let mut guest = Boot::new(lab)
        .module("tarfs")
        .program("perl")
        .disk(&tar, Access::ReadOnly)
        .boot()
        .unwrap();
    ok(
        &mut guest,
        "modprobe tarfs && mount -t tarfs -o ro /dev/vda /mnt",
    );
    guest
}

fn perl(guest: &mut Guest, script: &str) -> String {
    guest
        .put("/tmp/script.pl", format!("{FUNCTIONS}{script}").as_bytes())
        .unwrap();
    ok(guest, "perl /tmp/script.pl")
}

#[test]
fn attributes_are_what_the_tar_records() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab);
    let output = perl(
        &mut guest,
        r#"
        my $file = "/mnt/attributes";
        print list($file), "\n", list("/mnt/directory"), "\n", "[", list("/mnt/plain"), "]\n";
        print unpack("H*", get($file, "user.comment", 100)), "\n";
        print get($file, "user.comment", 0), " ", get($file, "user.empty", 0), "\n";
        my $large = join("", map { chr($_ * 7 % 251) } 0 .. 65535);
        print get($file, "user.large", 65536) eq $large ? "same\n" : "other\n";
        print get($file, "user.large", 65535), "\n", get($file, "user.none", 10), "\n";
        print get("/mnt/plain", "user.comment", 10), "\n";
        print unpack("H*", get($file, "security.capability", 20)), "\n";
        print get($file, "trusted.secret", 20), "\n", get("/mnt/directory", "user.comment", 20), "\n";
        my ($name, $value) = ("user.new", "x");
        print syscall(188, $file, $name, $value, 1, 0), " $!\n";
        become(1000);
        print list($file), "\n", get($file, "trusted.secret", 20), "\n";
        "#,
    );
    let expected = "\
security.capability trusted.secret user.comment user.empty user.large
system.posix_acl_default user.comment
[]
612076616c7565ff0077697468206279746573
19 0
same
error: Numerical result out of range
error: No data available
error: No data available
0100000200040000000000000000000000000000
for root
of a directory
-1 Read-only file system
security.capability user.comment user.empty user.large
error: No data available
";
    assert_eq!(output, expected);
    guest.shutdown().unwrap();
}

#[test]
fn access_control_lists_are_shown_and_obeyed() {
    let lab = Lab::locate().unwrap();
    let mut guest = boot(&lab);
    let output = perl(
        &mut guest,
        r#"
        # le32 version, then le16 tag, le16 permissions, le32 id.
        sub entries {
            my ($value) = @_;
            my @found = unpack("V (v v V)*", $value);
            my $text = "version " . shift @found;
            while (my ($tag, $bits, $id) = splice(@found, 0, 3)) {
                $text .= sprintf(" %x:%o:%s", $tag, $bits, $id == 0xffffffff ? "-" : $id);
            }
            return "$text\n";
        }
        print list("/mnt/for-1000"), "\n";
        print entries(get("/mnt/for-1000", "system.posix_acl_access", 100));
        print entries(get("/mnt/directory", "system.posix_acl_default", 100));
        print get("/mnt/plain", "system.posix_acl_access", 100), "\n";
        for my $id (1000, 1001) {
            defined(my $child = fork) or die;
            if (!$child) {
                become($id);
                my $opened = open(my $file, "<", "/mnt/for-1000");
                print "$id ", $opened ? <$file> : "$!\n";
                exit;
            }
            waitpid($child, 0);
        }
        "#,
    );
    // The tags: 1 owner, 2 user, 4 owning group, 10 mask, 20 others.
    let expected = "\
system.posix_acl_access
version 2 1:6:- 2:4:1000 4:0:- 10:4:- 20:0:-
version 2 1:7:- 2:7:1000 4:5:- 10:7:- 20:0:-
error: No data available
1000 content
1001 Permission denied
";
    assert_eq!(output, expected);
    guest.shutdown().unwrap();
}
