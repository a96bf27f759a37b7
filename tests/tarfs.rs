// SPDX-License-Identifier: GPL-2.0
//! tarfs as its users see it: mounting, listing, reading, going away.

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tests::{ok, sample};

/// Boots a guest with tarfs and the sample's image as `/dev/vda`.
fn boot(lab: &Lab, prepare: impl FnOnce(Boot<'_>) -> Boot<'_>) -> (Guest, tempfile::TempPath) {
    let image = sample::image_file();
    let boot = Boot::new(lab)
        .module("tarfs")
        .disk(&*image, Access::ReadOnly);
    (prepare(boot).boot().unwrap(), image)
}

const MOUNT: &str = "modprobe tarfs && mount -t tarfs -o ro /dev/vda /mnt";

#[test]
fn it_loads_mounts_and_unloads_twenty_times() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, |boot| boot);
    for _ in 0..20 {
        ok(&mut guest, MOUNT);
        let refused = guest.run("rmmod tarfs").unwrap();
        assert!(refused.text().contains("Resource temporarily unavailable"));
        ok(&mut guest, "find /mnt -type f -exec cat {} + > /dev/null");
        ok(&mut guest, "umount /mnt && rmmod tarfs");
    }
    let left = ok(
        &mut guest,
        "grep -c tarfs /proc/slabinfo /proc/filesystems || true",
    );
    assert_eq!(left, "/proc/slabinfo:0\n/proc/filesystems:0\n");
    guest.shutdown().unwrap();
}

#[test]
fn an_open_file_keeps_the_mount() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, |boot| boot);
    ok(&mut guest, MOUNT);
    let busy = guest
        .run("exec 3< /mnt/directory/file; umount /mnt")
        .unwrap();
    assert!(busy.text().contains("busy"), "{}", busy.text());
    ok(&mut guest, "umount /mnt && rmmod tarfs");
    guest.shutdown().unwrap();
}

#[test]
fn nothing_can_be_written() {
    let lab = Lab::locate().unwrap();
    let image = sample::image_file();
    // Neither the device nor the options say so: the file system does.
    let boot = Boot::new(&lab).module("tarfs");
    let mut guest = boot.disk(&*image, Access::ReadWrite).boot().unwrap();
    ok(&mut guest, "modprobe tarfs && mount -t tarfs /dev/vda /mnt");
    for command in [
        "echo x > /mnt/directory/file",
        "echo x > /mnt/new",
        "mkdir /mnt/new",
        "rm /mnt/directory/file",
        "mv /mnt/directory/file /mnt/directory/other",
        "ln /mnt/directory/file /mnt/new",
        "chmod 0777 /mnt/directory/file",
        "chown 1:1 /mnt/directory/file",
        "touch /mnt/directory/file",
        "truncate -s 0 /mnt/directory/file",
    ] {
        let output = guest.run(command).unwrap();
        let text = output.text();
        assert!(text.contains("Read-only file system"), "{command}: {text}");
    }
    guest.run("mount -o remount,rw /mnt").unwrap();
    let options = ok(&mut guest, "grep ' /mnt ' /proc/mounts");
    assert!(options.contains(" tarfs ro,"), "{options}");
    let output = guest.run("echo x > /mnt/new").unwrap();
    assert_ne!(output.status, 0);
    ok(&mut guest, "umount /mnt");
    guest.shutdown().unwrap();
}

/// perl's telldir and seekdir are getdents64's and lseek's positions.
#[test]
fn directory_positions_stay_good() {
    const SCRIPT: &str = r#"
        my $path = "/mnt/many";
        opendir(my $d, $path) or die $!;
        my (@names, @at);
        while (1) { push @at, telldir($d); my $n = readdir($d); last unless defined $n; push @names, $n; }
        my %seen; $seen{$_}++ for @names;
        die "twice" if grep { $_ > 1 } values %seen;
        # Every position again, from the last to the first, each with a directory opened anew.
        for my $i (reverse 0 .. $#names) {
            next if $i % 7;
            opendir(my $e, $path) or die $!;
            seekdir($e, $at[$i]);
            my @rest = readdir($e);
            die "position $at[$i]" unless "@rest" eq "@names[$i .. $#names]";
        }
        seekdir($d, $at[-1]);
        die "past the end" if defined readdir($d);
        seekdir($d, 1 << 40);
        die "far past the end" if defined readdir($d);
        print join("\n", sort @names), "\n";
    "#;
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, |boot| {
        boot.program("perl")
            .bytes("/positions.pl", SCRIPT.as_bytes())
    });
    ok(&mut guest, MOUNT);
    let first = ok(&mut guest, "perl /positions.pl");
    // The positions are the image's own: the same after the caches and the mount are gone.
    ok(
        &mut guest,
        "umount /mnt && mount -t tarfs -o ro /dev/vda /mnt",
    );
    assert_eq!(first, ok(&mut guest, "perl /positions.pl"));
    let mut expected: Vec<_> = sample::many_names()
        .chain([".".into(), "..".into()])
        .collect();
    expected.sort();
    assert_eq!(first.lines().collect::<Vec<_>>(), expected);
    let missing = guest
        .run("ls /mnt/many/missing /mnt/empty/missing")
        .unwrap();
    assert_eq!(missing.text().matches("No such file").count(), 2);
    let long = format!("ls /mnt/{}", "x".repeat(256));
    assert!(guest
        .run(&long)
        .unwrap()
        .text()
        .contains("File name too long"));
    guest.shutdown().unwrap();
}

#[test]
fn any_piece_of_a_file_reads_as_in_the_tar() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, |boot| {
        boot.program("dd")
            .bytes("/original", &sample::large_content())
    });
    ok(&mut guest, MOUNT);
    ok(&mut guest, "cmp /original /mnt/large");
    for (block, skip, count) in [
        (1, 0, 1),
        (1, 4095, 2),
        (511, 3, 5),
        (512, 1, 1),
        (4096, 1, 3),
        (65_536, 0, 1),
        (65_537, 2, 3),
        (1 << 20, 0, 2),
        (4096, 300, 1),
    ] {
        let piece = |file| format!("dd if={file} bs={block} skip={skip} count={count} 2>/dev/null");
        let command = format!(
            "echo 3 > /proc/sys/vm/drop_caches; {} > /a; {} > /b; cmp /a /b; wc -c < /b",
            piece("/original"),
            piece("/mnt/large")
        );
        let length: usize = ok(&mut guest, &command).trim().parse().unwrap();
        let size = sample::large_content().len();
        assert_eq!(
            length,
            (size.saturating_sub(skip * block)).min(count * block)
        );
    }
    // Reads at and past the end give nothing; what a page has past the end is zero.
    assert_eq!(
        ok(&mut guest, "tail -c +2000000 /mnt/large | wc -c").trim(),
        "0"
    );
    guest.shutdown().unwrap();
}

/// What comes behind a file in its last sector is the tar's, and may be anything; what memory held
/// before is nobody's.
#[test]
fn a_page_past_the_end_of_its_file_is_zero() {
    const LAST_PAGES: &str = r#"
        for (["/mnt/directory/file", 0], ["/mnt/large", 1 << 20]) {
            my ($path, $position) = @$_;
            open(my $file, "<", $path) or die;
            # mmap of a page: PROT_READ, MAP_PRIVATE.
            my $address = syscall(9, 0, 4096, 1, 2, fileno($file), $position);
            my $page = unpack("P4096", pack("q", $address));
            $page =~ s/\0+$//;
            print length $page, " $page\n";
        }
    "#;
    let lab = Lab::locate().unwrap();
    let mut image = sample::image();
    for content in [b"content\n".as_slice(), &sample::large_content()] {
        let at = image
            .windows(content.len())
            .position(|bytes| bytes == content);
        let end = at.unwrap() + content.len();
        image[end..end.next_multiple_of(512)].fill(0xff);
    }
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("perl")
        .bytes("/image", &image)
        .bytes("/last_pages", LAST_PAGES.as_bytes())
        .stock_module("loop")
        .boot()
        .unwrap();
    ok(
        &mut guest,
        "modprobe loop && modprobe tarfs && mount -t tarfs -o loop,ro /image /mnt",
    );
    assert_eq!(ok(&mut guest, "perl /last_pages"), "8 content\n\n3 end\n");
    guest.shutdown().unwrap();
}

#[test]
fn walks_reads_and_unmounts_race_without_harm() {
    const SCRIPT: &str = "
        for round in 1 2 3; do
            mount -t tarfs -o ro /dev/vda /mnt || exit 1
            (cat /mnt/many/* | wc -c > /dev/null || echo bad) &
            (find /mnt | xargs stat > /dev/null 2>&1) &
            (cat /mnt/large | cmp - /original || echo bad) &
            (for i in 1 2 3; do echo 3 > /proc/sys/vm/drop_caches; sleep 0.1; done) &
            sleep 0.2
            umount /mnt 2> /dev/null; rmmod tarfs 2> /dev/null
            wait
            umount /mnt 2> /dev/null; modprobe tarfs
        done
        echo finished";
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, |boot| {
        boot.cpus(2)
            .bytes("/original", &sample::large_content())
            .bytes("/race.sh", SCRIPT.as_bytes())
    });
    ok(&mut guest, "modprobe tarfs");
    let output = ok(&mut guest, "sh /race.sh");
    assert!(
        output.ends_with("finished\n") && !output.contains("bad"),
        "{output}"
    );
    guest.shutdown().unwrap();
}
