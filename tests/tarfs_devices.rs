// SPDX-License-Identifier: GPL-2.0
//! tarfs on devices that are more than a disk: dm-verity, and a network's.

use std::io::Write;

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tarfs_tools::digest::Digest;
use tempfile::{NamedTempFile, TempPath};
use tests::{ok, sample};

const BLOCK: usize = 4096;

fn file_of(bytes: &[u8]) -> TempPath {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.into_temp_path()
}

/// The hashes of data as dm-verity takes them, without salt: those of blocks, then those of blocks of
/// hashes, up to a single block, whose own is the root. The last level stands first.
fn verity(data: &[u8]) -> (Vec<u8>, String) {
    let mut hashes = Vec::new();
    let mut level = data.to_vec();
    while hashes.is_empty() || level.len() > BLOCK {
        level = level
            .chunks(BLOCK)
            .flat_map(|block| Digest::of_bytes(block).0)
            .collect();
        level.resize(level.len().next_multiple_of(BLOCK), 0);
        hashes.splice(0..0, level.iter().copied());
    }
    (hashes, Digest::of_bytes(&level).digits())
}

#[test]
fn dm_verity_below() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let (hashes, root) = verity(&image);
    // One byte of the large file is another.
    let mut bad = image.clone();
    let start = sample::large_content();
    let at = image
        .windows(64)
        .position(|window| window == &start[..64])
        .unwrap();
    bad[at + 500_000] ^= 1;
    let files = [image.as_slice(), &hashes, &bad].map(file_of);
    let mut boot = Boot::new(&lab)
        .module("tarfs")
        .stock_module("dm-verity")
        .program("dmsetup")
        .bytes("/original", &start);
    for file in &files {
        boot = boot.disk(&**file, Access::ReadOnly);
    }
    let mut guest = boot.boot().unwrap();
    ok(
        &mut guest,
        "modprobe tarfs && modprobe dm-mod && modprobe dm-verity",
    );
    let blocks = image.len() / BLOCK;
    for (name, disk, device) in [("good", "vda", "dm-0"), ("bad", "vdc", "dm-1")] {
        let table = format!(
            "0 {} verity 1 /dev/{disk} /dev/vdb 4096 4096 {blocks} 0 sha256 {root} -",
            blocks * 8
        );
        let create = format!("dmsetup --noudevsync create {name} --readonly --table '{table}'");
        ok(&mut guest, &create);
        let mount = format!("mkdir /{name} && mount -t tarfs -o ro,noverify /dev/{device} /{name}");
        ok(&mut guest, &mount);
    }
    ok(&mut guest, "cmp /good/large /original");
    ok(
        &mut guest,
        "cat /bad/directory/file && ! cat /bad/large >/dev/null 2>/errors &&
         grep -q 'Input/output error' /errors",
    );
    ok(&mut guest, "umount /good /bad");
    guest.shutdown().unwrap();
}

/// Serves a device to the kernel's nbd driver, over the loopback interface.
const SERVER: &str = r#"
    my ($from, $blocks) = @ARGV;
    open(my $image, "<:raw", $from) or die "$from: $!";
    open(my $nbd, "+<", "/dev/nbd0") or die "nbd0: $!";
    my $address = pack("S n a4 x8", 2, 10809, "\x7f\0\0\1");
    socket(my $listening, 2, 1, 0) or die $!;
    bind($listening, $address) && listen($listening, 1) or die $!;
    socket(my $kernel, 2, 1, 0) or die $!;
    connect($kernel, $address) or die $!;
    accept(my $server, $listening) or die $!;
    # NBD_SET_BLKSIZE, NBD_SET_SIZE_BLOCKS, NBD_SET_SOCK, NBD_DO_IT
    ioctl($nbd, 0xab01, 4096) && ioctl($nbd, 0xab07, $blocks + 0) or die "size: $!";
    ioctl($nbd, 0xab00, fileno($kernel) + 0) or die "socket: $!";
    if (fork() == 0) {
        close($server);
        ioctl($nbd, 0xab03, 0);
        exit;
    }
    close($kernel);
    sub take {
        my $bytes = "";
        while (length $bytes < $_[0]) {
            sysread($server, $bytes, $_[0] - length $bytes, length $bytes) or exit;
        }
        return $bytes;
    }
    while (1) {
        my ($magic, $type, $handle, $at, $length) = unpack("N N a8 Q> N", take(28));
        exit if ($type & 0xffff) == 2;
        sysseek($image, $at, 0);
        sysread($image, my $data, $length) == $length or die "read: $!";
        my $reply = pack("N N a8", 0x67446698, 0, $handle) . $data;
        while (length $reply) {
            my $count = syswrite($server, $reply) or exit;
            substr($reply, 0, $count, "");
        }
    }
"#;

#[test]
fn nbd_below() {
    let lab = Lab::locate().unwrap();
    let image = sample::image_file();
    let blocks = std::fs::metadata(&image).unwrap().len() as usize / BLOCK;
    let mut guest: Guest = Boot::new(&lab)
        .module("tarfs")
        .stock_module("nbd")
        .program("perl")
        .disk(&*image, Access::ReadOnly)
        .bytes("/original", &sample::large_content())
        .bytes("/server.pl", SERVER.as_bytes())
        .boot()
        .unwrap();
    ok(
        &mut guest,
        &format!(
            "modprobe tarfs && modprobe nbd && ifconfig lo up
             perl /server.pl /dev/vda {blocks} >/server.log 2>&1 &
             until grep -q '^[1-9]' /sys/block/nbd0/size && test -e /sys/block/nbd0/pid; do
                 sleep 0.1
             done"
        ),
    );
    ok(
        &mut guest,
        "mount -t tarfs -o ro /dev/nbd0 /mnt && cmp /mnt/large /original",
    );
    ok(
        &mut guest,
        "ls /mnt/many | wc -l | grep -qx 1000 && umount /mnt",
    );
    guest.shutdown().unwrap();
}
