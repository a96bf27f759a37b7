// SPDX-License-Identifier: GPL-2.0
//! The device under a mounted tarfs fails, goes away, or gives other data than it had. Each read
//! gets its error, the next one gets data when the device is well again, and nothing hangs.

use lab::guest::{Boot, Guest};
use lab::Lab;
use tests::image::Image;
use tests::{ok, sample};

const BLOCK: usize = 4096;

/// What scripts may use, besides what [`run`] sets: `$large`, `$leaf` and `$inode` are positions in
/// the image, in bytes, of the content of `/mnt/large`, and of blocks of the index with names and
/// the inode of `/mnt/many`; `$name` is a name in that leaf.
const PRELUDE: &str = r#"
forget() { echo 3 > /proc/sys/vm/drop_caches; }
# why COMMAND...: the reason that it gives for failing, from memory that forgot everything
why() { forget; if "$@" > /tmp/out 2> /tmp/why; then echo works; else sed 's/.*: //; q' /tmp/why; fi; }
# all: whether all of the file system is as it was made
all() {
    forget
    cmp /large /mnt/large && [ "$(cat /mnt/directory/link)" = content ] &&
        [ "$(ls /mnt/many | wc -l)" = 1000 ] && [ "$(cat /mnt/many/$name)" = $name ] &&
        echo whole
}
# reads: what each way of reading says
reads() {
    echo "data: $(why cat /mnt/large)"
    echo "direct: $(why dd if=/mnt/large of=/dev/null bs=64k iflag=direct status=none)"
    echo "list: $(why ls /mnt/many)"
    echo "lookup: $(why cat /mnt/many/$name)"
    echo "other: $(why cat /mnt/directory/file)"
}
"#;

/// Boots a guest with the image at `/image`, and tarfs loaded.
fn start(lab: &Lab, image: &[u8], prepare: impl FnOnce(Boot<'_>) -> Boot<'_>) -> Guest {
    let boot = Boot::new(lab)
        .cpus(2)
        .module("tarfs")
        .program("cat")
        .program("dd")
        .program("ls")
        .program("mount")
        .program("umount")
        .bytes("/image", image)
        .bytes("/large", &sample::large_content());
    let mut guest = prepare(boot).boot().unwrap();
    ok(&mut guest, "modprobe tarfs");
    guest
}

/// What a script prints.
fn run(guest: &mut Guest, image: &[u8], script: &str) -> String {
    let content = sample::large_content();
    let large = image
        .windows(content.len())
        .position(|window| window == content)
        .expect("the file is in the image");
    let image = Image(image.to_vec());
    let many = image.ino("many");
    let leaf = image.leaf(many) / BLOCK;
    let name = sample::many_names().find(|name| image.entry(many, name) / BLOCK == leaf);
    let places = format!(
        "large={large} leaf={} name={} inode={}\n",
        leaf * BLOCK,
        name.expect("the leaf has a name"),
        image.inode(many) / BLOCK * BLOCK
    );
    ok(guest, &(places + PRELUDE + script))
}

/// Makes the disk `/dev/a` in memory with the image in a partition of its size, and mounts that.
const MOUNT_DISK: &str = r#"
modprobe configfs
mount -t configfs configfs /sys/kernel/config
modprobe rnull nr_devices=0
cd $(mkdir -p /sys/kernel/config/rnull/a && echo /sys/kernel/config/rnull/a)
for setting in memory_backed=1 size=8 power=1; do echo ${setting#*=} > ${setting%=*}; done
# attach: makes the partition, with the ioctl BLKPG
attach() {
    perl -e 'open my $disk, "<", "/dev/a" or die $!;
        my $partition = pack "qqia64a64x4", 0, -s "/image", 1, "", "";
        my $request = pack "iiix4P", 1, 0, length $partition, $partition;
        ioctl $disk, 0x1269, $request or die $!'
}
attach
dd if=/image of=/dev/a bs=64k conv=fsync status=none
mount -t tarfs -o ro /dev/a1 /mnt
"#;

fn disk(boot: Boot<'_>) -> Boot<'_> {
    boot.module("rnull").program("perl")
}

#[test]
fn sectors_that_cannot_be_read_fail_until_they_can() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let mut guest = start(&lab, &image, disk);
    let script = r#"
        # bad POSITION BYTES [-]: these sectors fail; with a third argument, no longer
        bad() { echo "${3:-+}$(($1 / 512))-$((($1 + $2) / 512 - 1))" > badblocks; }
        all

        at=$(((large + 300000) / 512 * 512))
        bad $at 512
        echo bad data
        reads
        # What lies before it is there.
        forget
        dd if=/mnt/large bs=4096 count=32 status=none | cmp -n 131072 - /large && echo before
        bad $at 512 -
        all

        bad $leaf 4096
        echo bad leaf
        reads
        bad $leaf 4096 -
        all

        bad $inode 4096
        echo bad inodes
        echo "list: $(why ls /mnt/many)"
        bad $inode 4096 -
        all

        umount /mnt
        last=$(($(stat -c %s /image) - 4096))
        bad $last 4096
        echo "mount: $(why mount -t tarfs -o ro /dev/a1 /mnt | grep -c 'read superblock')"
        bad $last 4096 -
        mount -t tarfs -o ro /dev/a1 /mnt
        all
        umount /mnt
    "#;
    let printed = run(&mut guest, &image, &(MOUNT_DISK.to_owned() + script));
    const EXPECTED: &str = "\
whole
bad data
data: Input/output error
direct: Input/output error
list: works
lookup: works
other: works
before
whole
bad leaf
data: works
direct: works
list: Input/output error
lookup: Input/output error
other: works
whole
bad inodes
list: Input/output error
whole
mount: 1
whole
";
    assert_eq!(printed, EXPECTED);
    ok(&mut guest, "rmmod tarfs");
    guest.shutdown().unwrap();
}

#[test]
fn a_request_that_is_lost_fails_alone() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let mut guest = start(&lab, &image, disk);
    // The block layer gives a request up after five seconds.
    let script = r#"
        umount /mnt
        echo 0 > power
        echo 100 > timeout_inject/probability
        echo 0 > timeout_inject/times
        echo 1 > power
        attach
        mount -t tarfs -o ro /dev/a1 /mnt
        # The lookup of the name.
        echo 1 > timeout_inject/times
        why cat /mnt/large
        all
        # What is read ahead, and then again.
        echo 1 > timeout_inject/times
        why ls /mnt/many
        cat timeout_inject/times
        all
        umount /mnt
    "#;
    let printed = run(&mut guest, &image, &(MOUNT_DISK.to_owned() + script));
    assert_eq!(printed, "Input/output error\nwhole\nworks\n0\nwhole\n");
    guest.shutdown().unwrap();
}

#[test]
fn data_that_changes_below_is_found_and_forgotten() {
    let lab = Lab::locate().unwrap();
    let image = sample::image_with_data_sums();
    let mut guest = start(&lab, &image, disk);
    let script = r#"
        # spoil POSITION: other bytes there; heal POSITION: those of the image again
        spoil() { dd if=/dev/urandom of=/dev/a bs=512 seek=$(($1 / 512)) count=1 conv=notrunc,fsync status=none; }
        heal() { dd if=/image of=/dev/a bs=512 skip=$(($1 / 512)) seek=$(($1 / 512)) count=1 conv=notrunc,fsync status=none; }
        all
        for place in $((large + 300000)) $leaf; do
            spoil $place
            reads
            heal $place
            all
        done
        umount /mnt
    "#;
    let printed = run(&mut guest, &image, &(MOUNT_DISK.to_owned() + script));
    const EXPECTED: &str = "\
whole
data: Structure needs cleaning
direct: Structure needs cleaning
list: works
lookup: works
other: works
whole
data: works
direct: works
list: Structure needs cleaning
lookup: Structure needs cleaning
other: works
whole
";
    assert_eq!(printed, EXPECTED);
    guest.shutdown().unwrap();
}

#[test]
fn a_disk_that_is_turned_off_fails_every_read_and_lets_go() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let mut guest = start(&lab, &image, disk);
    let script = r#"
        # Readers are at it when the disk goes, one has a file open.
        exec 3< /mnt/large
        for reader in 1 2; do
            (until [ -e /stop ]; do forget; cat /mnt/large /mnt/many/* > /dev/null 2>&1; done) &
        done
        sleep 1
        echo 0 > power
        touch /stop
        wait
        echo "open file: $(why cat <&3)"
        reads
        exec 3<&-
        umount /mnt && echo unmounted
        echo 1 > power
        attach
        mount -t tarfs -o ro /dev/a1 /mnt
        all
        # The disk is gone for good before the file system is.
        cd /
        rmdir /sys/kernel/config/rnull/a
        echo "gone: $(why cat /mnt/large)"
        umount /mnt && rmmod rnull tarfs && echo unloaded
    "#;
    let printed = run(&mut guest, &image, &(MOUNT_DISK.to_owned() + script));
    const EXPECTED: &str = "\
open file: Input/output error
data: Input/output error
direct: Input/output error
list: Input/output error
lookup: Input/output error
other: Input/output error
unmounted
whole
gone: Input/output error
unloaded
";
    assert_eq!(printed, EXPECTED);
    guest.shutdown().unwrap();
}

#[test]
fn a_file_that_is_cut_short_fails_where_it_is_missing() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let mut guest = start(&lab, &image, |boot| {
        boot.stock_module("loop").program("losetup")
    });
    let script = r#"
        modprobe loop
        # The file on a loop device, and mounted itself. Its end has the index.
        for options in ro,loop ro,X-mount.noloop; do
            cp /image /file
            mount -t tarfs -o $options /file /mnt
            all
            truncate -s $((large + 65536)) /file
            why cat /mnt/large
            why ls /mnt/many
            cp /image /file
            all
            umount /mnt && echo unmounted
        done

        # A loop device that is detached stays until it is unmounted.
        mount -t tarfs -o ro,loop /file /mnt
        losetup -d /dev/loop0
        all
        umount /mnt
        losetup -a
    "#;
    let printed = run(&mut guest, &image, script);
    let once = "whole\nInput/output error\nInput/output error\nwhole\nunmounted\n";
    assert_eq!(printed, once.repeat(2) + "whole\n");
    guest.shutdown().unwrap();
}

/// Serves `/image` as `/dev/nbd0` until it is killed: the protocol's client is the kernel, over one
/// end of a pair of sockets, and its server this program, over the other.
const NBD_SERVER: &str = r#"
my ($AF_UNIX, $SOCK_STREAM) = (1, 1);
my ($SET_SOCK, $SET_BLKSIZE, $DO_IT, $CLEAR_SOCK, $SET_SIZE_BLOCKS) = (0xab00, 0xab01, 0xab03, 0xab04, 0xab07);
socketpair(my $kernel, my $server, $AF_UNIX, $SOCK_STREAM, 0) or die "socketpair: $!";
open my $nbd, '+<', '/dev/nbd0' or die "nbd0: $!";
ioctl $nbd, $SET_BLKSIZE, 4096;
ioctl $nbd, $SET_SIZE_BLOCKS, (-s '/image') / 4096;
ioctl $nbd, $CLEAR_SOCK, 0;
ioctl $nbd, $SET_SOCK, fileno $kernel or die "socket: $!";
if (!fork) {
    close $server;
    ioctl $nbd, $DO_IT, 0;
    ioctl $nbd, $CLEAR_SOCK, 0;
    exit;
}
close $kernel;
close $nbd;
open my $image, '<:raw', '/image' or die "image: $!";
while (sysread($server, my $request, 28) == 28) {
    my ($magic, $type, $handle, $offset, $length) = unpack 'NNa8Q>N', $request;
    last if $type != 0;
    sysseek $image, $offset, 0;
    sysread $image, my $data, $length;
    my $reply = pack('NNa8', 0x67446698, 0, $handle) . $data;
    while (length $reply) {
        my $written = syswrite $server, $reply or die "write: $!";
        substr $reply, 0, $written, '';
    }
}
"#;

#[test]
fn a_connection_that_breaks_fails_reads_until_it_is_made_again() {
    let lab = Lab::locate().unwrap();
    let image = sample::image();
    let mut guest = start(&lab, &image, |boot| {
        boot.stock_module("nbd")
            .program("perl")
            .bytes("/nbd-server", NBD_SERVER.as_bytes())
    });
    let script = r#"
        modprobe nbd nbds_max=1
        serve() {
            perl /nbd-server > /tmp/nbd 2>&1 &
            server=$!
            until [ "$(cat /sys/block/nbd0/size)" != 0 ] && [ -e /sys/block/nbd0/pid ]; do
                sleep 0.1
                [ -e /proc/$server ] || { cat /tmp/nbd; exit 1; }
            done
        }
        for time in 1 2; do
            serve
            mount -t tarfs -o ro /dev/nbd0 /mnt
            all
            kill $server
            wait
            reads
            umount /mnt && echo unmounted
        done
    "#;
    let printed = run(&mut guest, &image, script);
    let once = "\
whole
data: Input/output error
direct: Input/output error
list: Input/output error
lookup: Input/output error
other: Input/output error
unmounted
";
    assert_eq!(printed, once.repeat(2));
    guest.shutdown().unwrap();
}
