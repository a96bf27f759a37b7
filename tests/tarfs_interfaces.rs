// SPDX-License-Identifier: GPL-2.0
//! tarfs through the less common system calls: direct I/O, holes, extents, handles, statx, ioctls.
//!
//! perl makes the calls by their numbers, so that what is tested is the kernel's interface.

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tests::image::Image;
use tests::{ok, sample};

fn boot(lab: &Lab, programs: &[&str]) -> (Guest, tempfile::TempPath) {
    let image = sample::image_file();
    let mut boot = Boot::new(lab)
        .module("tarfs")
        .stock_module("loop")
        .disk(&*image, Access::ReadOnly)
        .bytes("/original", &sample::large_content());
    for program in programs {
        boot = boot.program(program);
    }
    let mut guest = boot.boot().unwrap();
    let mount = "modprobe tarfs && mount -t tarfs -o ro /dev/vda /mnt";
    ok(&mut guest, mount);
    (guest, image)
}

/// Runs a perl script.
fn perl(guest: &mut Guest, script: &str) -> String {
    guest.put("/tmp/script.pl", script.as_bytes()).unwrap();
    ok(guest, "perl /tmp/script.pl")
}

#[test]
fn direct_reads_give_what_the_tar_has() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["dd"]);
    for (block, skip, count) in [(512, 1, 3), (4096, 0, 300), (65_536, 3, 2), (1 << 20, 1, 1)] {
        let piece = |file, flag| {
            format!("dd if={file} {flag} bs={block} skip={skip} count={count} 2>/dev/null")
        };
        let (direct, buffered) = (piece("/mnt/large", "iflag=direct"), piece("/original", ""));
        ok(
            &mut guest,
            &format!("{direct} > /a; {buffered} > /b; cmp /a /b && test -s /a"),
        );
    }
    let unaligned = "dd if=/mnt/large of=/dev/null iflag=direct bs=1000 count=1";
    let output = guest.run(unaligned).unwrap();
    assert!(
        output.text().contains("Invalid argument"),
        "{}",
        output.text()
    );
    guest.shutdown().unwrap();
}

#[test]
fn holes_and_extents_are_told() {
    let lab = Lab::locate().unwrap();
    let (mut guest, image) = boot(&lab, &["perl", "filefrag"]);
    let size = sample::large_content().len();
    let found = perl(
        &mut guest,
        r#"
        open(my $f, "<", "/mnt/large") or die $!;
        print sysseek($f, 5, 3), " ", sysseek($f, 5, 4), " ";
        print defined sysseek($f, 1 << 30, 3) ? "found" : $!, "\n";
        "#,
    );
    assert_eq!(found, format!("5 {size} No such device or address\n"));

    // One extent, where the index says that the data is.
    let image = Image(std::fs::read(&image).unwrap());
    let sector = u64::from(image.u32(image.inode(image.ino("large")) + 16));
    let fragments = ok(&mut guest, "filefrag -b512 -v /mnt/large");
    let last = (size as u64).div_ceil(512) - 1;
    let line = fragments
        .lines()
        .find(|line| line.trim_start().starts_with("0:"));
    let numbers: Vec<u64> = line
        .unwrap_or_else(|| panic!("{fragments}"))
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(
        numbers,
        [0, 0, last, sector, sector + last, last + 1],
        "{fragments}"
    );
    guest.shutdown().unwrap();
}

#[test]
fn a_file_handle_finds_its_file_again() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["perl"]);
    // name_to_handle_at is 303, open_by_handle_at is 304; the root's descriptor says which mount.
    let output = perl(
        &mut guest,
        r#"
        sub handle {
            my $handle = pack("Li", 128, 0) . "\0" x 128;
            my $mount = pack("i", 0);
            my $path = "$_[0]";
            syscall(303, -100, $path, $handle, $mount, 0) == 0 or die "$_[0]: $!";
            return $handle;
        }
        sub open_handle {
            my ($handle, $flags) = @_;
            my $fd = syscall(304, fileno(ROOT), $handle, $flags);
            return $fd < 0 ? "$!" : readlink("/proc/self/fd/$fd");
        }
        open(ROOT, "<", "/mnt") or die $!;
        my $file = handle("/mnt/directory/below/another");
        my $directory = handle("/mnt/directory/below");
        # With the caches dropped the way to the root is found by the parents.
        system("echo 2 > /proc/sys/vm/drop_caches");
        print open_handle($directory, 0), "\n";
        open(my $f, "<&=", syscall(304, fileno(ROOT), $file, 0)) or die $!;
        print <$f>;
        for my $ino (0, 1 << 31, 1010) {
            my $bad = pack("LiLL", 8, 1, $ino, 0);
            print open_handle($bad, 0), "\n";
        }
        print open_handle(pack("LiLL", 8, 1, 1, 7), 0), "\n";
        "#,
    );
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..2], ["/mnt/directory/below", "more"]);
    assert_eq!(lines[2..], ["Stale file handle"; 4]);
    ok(&mut guest, "umount /mnt");
    guest.shutdown().unwrap();
}

/// A partition or a logical volume is larger than what was written to it.
#[test]
fn an_image_on_a_larger_device_is_mounted_by_its_size() {
    let lab = Lab::locate().unwrap();
    let (mut guest, image) = boot(&lab, &["truncate"]);
    let size = std::fs::metadata(&image).unwrap().len();
    ok(
        &mut guest,
        "modprobe loop && cp /dev/vda /larger && truncate -s +5000000 /larger && mkdir /other",
    );
    let mount = |options: &str| format!("mount -t tarfs -o ro{options} /larger /other");
    for (options, reason) in [
        ("", "superblock at byte"),
        (",size=4096", "superblock at byte 0"),
        (&format!(",size={}", size - 4096), "superblock at byte"),
        (&format!(",size={}", size + 1), "no multiple of 4096"),
        (",size=1099511627776", "within the device's"),
        (",size=much", ""),
    ] {
        let run = guest.run(&mount(options)).unwrap();
        assert!(run.status != 0, "{options}");
        let log = ok(&mut guest, "dmesg | tail -n 1");
        assert!(log.contains(reason), "{options}: {log}");
    }
    ok(&mut guest, &mount(&format!(",size={size}")));
    ok(
        &mut guest,
        "cmp /mnt/large /other/large && cmp /original /other/large",
    );
    let shown = ok(&mut guest, "grep /other /proc/mounts");
    assert!(shown.contains(&format!("size={size}")), "{shown}");
    ok(
        &mut guest,
        "mount -o remount,noverify /other && umount /other && umount /mnt",
    );
    guest.shutdown().unwrap();
}

#[test]
fn statx_and_the_ioctls_tell_what_the_image_is() {
    let lab = Lab::locate().unwrap();
    let (mut guest, image) = boot(&lab, &["perl"]);
    // statx is 332. Bytes 8 and 64: attributes and their mask; the mask of results is at 0.
    let output = perl(
        &mut guest,
        r#"
        for my $path ("/mnt", "/mnt/large", "/mnt/directory/link") {
            my ($buffer, $copy) = ("\0" x 256, "$path");
            syscall(332, -100, $copy, 0x100, 0xfff | 0x2000, $buffer) == 0 or die $!;
            my ($mask) = unpack("L", $buffer);
            my ($attributes, $known) = (unpack("x8 Q", $buffer), unpack("x56 Q", $buffer));
            printf "%d %d %d\n", ($mask >> 11) & 1, ($attributes >> 4) & 1, ($known >> 4) & 1;
        }
        open(my $d, "<", "/mnt/large") or die $!;
        my $label = "x" x 256;
        ioctl($d, 0x81009431, $label) or die $!;
        my $uuid = "\0" x 17;
        ioctl($d, 0x80111500, $uuid) or die $!;
        printf "%d %s\n", unpack("C", $uuid), unpack("x H32", $uuid);
        print length($label =~ s/\0.*//sr), "\n";
        print ioctl($d, 0x1234, $label) ? "taken" : $!, "\n";
        "#,
    );
    let image = Image(std::fs::read(&image).unwrap());
    let uuid: String = image.0[image.superblock() + 32..][..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = format!("0 1 1\n0 1 1\n0 1 1\n16 {uuid}\n0\nInappropriate ioctl for device\n");
    assert_eq!(output, expected);
    guest.shutdown().unwrap();
}

#[test]
fn an_idmapped_mount_shifts_the_owners() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["mount", "stat"]);
    let command = "mkdir /mapped && mount --bind -o X-mount.idmap=b:0:1000:65536 /mnt /mapped && \
         stat -c %u:%g /mnt/large /mapped/large && umount /mapped";
    assert_eq!(ok(&mut guest, command), "0:0\n1000:1000\n");
    guest.shutdown().unwrap();
}

/// mount(2) by its number (165), without the loop device that mount(8) would set up.
fn mount_file(guest: &mut Guest, file: &str, target: &str) -> String {
    perl(
        guest,
        &format!(
            r#"
            my ($file, $target, $type) = ("{file}", "{target}", "tarfs");
            print syscall(165, $file, $target, $type, 1, 0) == 0 ? "mounted" : $!, "\n";
            "#
        ),
    )
}

#[test]
fn an_image_is_mounted_from_its_file_without_a_loop_device() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["perl", "cat"]);
    ok(
        &mut guest,
        "cat /dev/vda > /tmp/image && mkdir /file /second",
    );
    assert_eq!(mount_file(&mut guest, "/tmp/image", "/file"), "mounted\n");
    ok(
        &mut guest,
        "cmp /original /file/large && cmp /mnt/large /file/large",
    );
    let list = |path| format!("cd {path} && find . -type f | sort | xargs sha256sum");
    let from_device = ok(&mut guest, &list("/mnt"));
    assert_eq!(from_device.lines().count(), 1004);
    assert_eq!(from_device, ok(&mut guest, &list("/file")));

    // The image's own user need not be allowed to read the image.
    ok(
        &mut guest,
        "chmod 0 /tmp/image; echo 3 > /proc/sys/vm/drop_caches",
    );
    let read = "$> = 65534; open(F, '<', '/file/large') or die; print while <F>";
    ok(
        &mut guest,
        &format!("perl -e \"{}\" | cmp - /original", read.replace('$', "\\$")),
    );

    // What is no image, or a file in such a mount, or a directory, is refused.
    assert_eq!(
        mount_file(&mut guest, "/original", "/second"),
        "Invalid argument\n"
    );
    assert_eq!(
        mount_file(&mut guest, "/file/large", "/second"),
        "Block device required\n"
    );
    assert_eq!(
        mount_file(&mut guest, "/tmp", "/second"),
        "Block device required\n"
    );
    assert_eq!(
        mount_file(&mut guest, "/missing", "/second"),
        "No such file or directory\n"
    );

    // The file may be deleted; a part that was cut off is an I/O error.
    assert_eq!(mount_file(&mut guest, "/tmp/image", "/second"), "mounted\n");
    ok(
        &mut guest,
        "exec 3<> /tmp/image; rm /tmp/image; cmp /original /second/large",
    );
    ok(&mut guest, "umount /second && umount /file");
    ok(&mut guest, "cat /dev/vda > /tmp/image");
    assert_eq!(mount_file(&mut guest, "/tmp/image", "/file"), "mounted\n");
    ok(
        &mut guest,
        "ls /file/many > /dev/null && truncate -s 65536 /tmp/image",
    );
    let cut = guest
        .run("echo 3 > /proc/sys/vm/drop_caches; cat /file/large")
        .unwrap();
    assert!(cut.text().contains("Input/output error"));
    ok(&mut guest, "umount /file && umount /mnt && rmmod tarfs");
    guest.shutdown().unwrap();
}

#[test]
fn a_device_with_large_blocks_shows_the_same() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["losetup", "blockdev", "dd"]);
    let setup = "modprobe loop && cat /dev/vda > /tmp/image && mkdir /large && \
         losetup -b 4096 /dev/loop0 /tmp/image && blockdev --getss /dev/loop0";
    assert_eq!(ok(&mut guest, setup), "4096\n");
    ok(&mut guest, "mount -t tarfs -o ro /dev/loop0 /large");
    let list = |path| format!("cd {path} && find . -type f | sort | xargs sha256sum");
    let expected = ok(&mut guest, &list("/mnt"));
    assert_eq!(ok(&mut guest, &list("/large")), expected);
    let direct = guest
        .run("dd if=/large/large of=/dev/null iflag=direct")
        .unwrap();
    assert!(
        direct.text().contains("Invalid argument"),
        "{}",
        direct.text()
    );
    ok(&mut guest, "umount /large && losetup -d /dev/loop0");
    guest.shutdown().unwrap();
}
