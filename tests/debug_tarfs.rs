// SPDX-License-Identifier: GPL-2.0
//! Every allocation of tarfs fails once, and every request to its device. The call gives an error
//! or does without, nothing leaks, and the next try works.

use lab::guest::{Access, Boot};
use lab::Lab;
use tests::failures::sweep;
use tests::{ok, sample};

/// What both scripts do to a mounted image.
const CALLS: &str = r#"
my ($device, $file, $dir, $type, $options) = ('/dev/vda', '/image', '/mnt', 'tarfs', '');
sub mount { my ($source) = @_; return errno(syscall(165, $source, $dir, $type, 1, $options)); }
sub umount { errno(syscall(166, $dir, 0)) and die "umount: $!\n" }
sub forget { put('/proc/sys/vm/drop_caches', 3) }

# contents(PATH): all of a file, or nothing, and an errno
sub contents {
    my ($path) = @_;
    open my $in, '<:raw', $path or return ('', $! + 0);
    my $all = '';
    while (1) {
        my $read = sysread $in, $all, 1 << 16, length $all;
        return ('', $! + 0) if !defined $read;
        return ($all, 0) if !$read;
    }
}
my ($large) = contents('/large');
sub read_large {
    my ($all, $errno) = contents('/mnt/large');
    die "read: other contents\n" if !$errno && $all ne $large;
    return $errno;
}
sub look_up { return errno(lstat '/mnt/many/file-with-number-500') }
sub read_link { return errno(readlink '/mnt/directory/link') }
# list: by getdents64(2), which tells errors
sub list {
    my ($path, $buffer) = ('/mnt/many', "\0" x 32768);
    my $fd = syscall 2, $path, 0200000;
    return $! + 0 if $fd < 0;
    my ($got, $errno);
    do { $got = syscall 217, $fd, $buffer, 32768 } while $got > 0;
    $errno = errno($got);
    syscall 3, $fd;
    return $errno;
}
"#;

fn start(lab: &Lab) -> (lab::guest::Guest, tempfile::TempPath) {
    let image = sample::image_file();
    let guest = Boot::new(lab)
        .cpus(2)
        .module("tarfs")
        .program("perl")
        .disk(&*image, Access::ReadOnly)
        .file(&*image, "/image")
        .bytes("/large", &sample::large_content())
        .boot()
        .unwrap();
    (guest, image)
}

#[test]
fn loading_mounting_and_reading_survive_the_failure_of_each_allocation() {
    let lab = Lab::locate().unwrap().with_debug_kernel();
    let (mut guest, _image) = start(&lab);
    const SCRIPT: &str = r#"
load('tarfs', $options) and die "tarfs: $!\n";
for my $source ($device, $file) {
    sweep "mount $source", below => 'tarfs', before => \&forget, call => sub { mount($source) }, undo => \&umount;
    mount($source) and die "mount: $!\n";
    sweep "lookup $source", below => 'tarfs', before => \&forget, call => \&look_up;
    sweep "list $source", below => 'tarfs', before => \&forget, call => \&list;
    sweep "read $source", below => 'tarfs', before => \&forget, call => \&read_large;
    sweep "readlink $source", below => 'tarfs', before => \&forget, call => \&read_link;
    umount();
}
unload('tarfs');
# The kernel complains where it cannot make a slab cache.
sweep 'load', below => 'do_one_initcall', but => '__kmem_cache_create_args', call => sub { load('tarfs', $options) }, undo => sub { unload('tarfs') };
"#;
    let calls = ["mount", "lookup", "list", "read", "readlink"];
    let sweeps: Vec<String> = calls
        .iter()
        .flat_map(|call| [format!("{call} /dev/vda"), format!("{call} /image")])
        .collect();
    let sweeps = sweeps.iter().map(String::as_str).chain(["load"]);
    let sweeps: Vec<&str> = sweeps.collect();
    sweep(&mut guest, &(CALLS.to_owned() + SCRIPT), &sweeps);
    guest.shutdown().unwrap();
}

#[test]
fn mounting_and_reading_survive_the_failure_of_each_request() {
    let lab = Lab::locate().unwrap().with_debug_kernel();
    let (mut guest, _image) = start(&lab);
    ok(&mut guest, "modprobe tarfs");
    const SCRIPT: &str = r#"
put('/sys/block/vda/make-it-fail', 1);
sweep 'mount', before => \&forget, call => sub { mount($device) }, undo => \&umount;
mount($device) and die "mount: $!\n";
sweep 'lookup', before => \&forget, call => \&look_up;
sweep 'list', before => \&forget, call => \&list;
sweep 'read', before => \&forget, call => \&read_large;
umount();
"#;
    let sweeps = ["mount", "lookup", "list", "read"];
    sweep(&mut guest, &(CALLS.to_owned() + SCRIPT), &sweeps);
    ok(&mut guest, "rmmod tarfs");
    guest.shutdown().unwrap();
}
