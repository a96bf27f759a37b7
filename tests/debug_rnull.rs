// SPDX-License-Identifier: GPL-2.0
//! Every allocation of rnull fails once. The call gives an error or does without, nothing leaks, and
//! the next try works.

use lab::guest::Boot;
use lab::Lab;
use tests::failures::sweep;
use tests::null_block::mount_configfs;

/// Loads the module.
const LOAD: &str = r#"
my ($root, $none) = ('/sys/kernel/config/rnull', 'nr_devices=0');
my $disk = "$root/a";
load('rnull', $none) and die "rnull: $!\n";
# The kernel makes a slab cache with the first disk of all, and complains if it cannot.
mkdir "$root/first" or die "mkdir: $!\n";
put("$root/first/power", 1);

# store(NAME, VALUE): writes an attribute of the disk; gives an errno
sub store {
    my ($name, $value) = @_;
    open my $file, '>', "$disk/$name" or die "$name: $!\n";
    return errno(syswrite $file, $value);
}
# make(SETTINGS): makes the disk, turned off
sub make {
    my ($settings) = @_;
    mkdir $disk or die "mkdir: $!\n";
    for my $setting (split ' ', $settings) {
        my ($name, $value) = split '=', $setting;
        store($name, $value) and die "$setting: $!\n";
    }
}
my %power = (
    below => 'rnull', call => sub { store('power', 1) },
    undo => sub { store('power', 0) and die "power off: $!\n" },
);
"#;

#[test]
fn loading_configuring_and_writing_survive_the_failure_of_each_allocation() {
    let lab = Lab::locate().unwrap().with_debug_kernel();
    let boot = Boot::new(&lab).cpus(2).module("rnull").program("perl");
    let mut guest = boot.boot().unwrap();
    mount_configfs(&mut guest);
    const SCRIPT: &str = r#"
sweep 'mkdir', below => 'rnull', call => sub { mkdir($disk) ? 0 : $! + 0 },
    undo => sub { rmdir $disk or die "rmdir: $!\n" };

# What the kernel does to register a disk is left out: hundreds of allocations that are not ours, the
# failure of one of which gives EINVAL.
my %kinds = (
    cached => 'memory_backed=1 size=16 cache_size=1 mbps=100',
    timer => 'irqmode=2 submit_queues=2 poll_queues=1',
    zoned => 'zoned=1 zone_size=4 size=64 zone_nr_conv=1 shared_tags=1',
);
for my $kind (sort keys %kinds) {
    make($kinds{$kind});
    sweep $kind, %power, but => 'add_disk_fwnode';
    rmdir $disk or die "rmdir: $!\n";
}

make('memory_backed=1 discard=1 size=16 power=1');
open my $device, '+<:raw', '/dev/a' or die "a: $!\n";
my ($data, $range) = ('x' x 65536, pack 'QQ', 0, 1 << 20);
sweep 'write', below => 'rnull',
    before => sub { defined ioctl $device, 0x1277, $range or die "discard: $!\n" },
    call => sub {
        sysseek $device, 0, 0;
        syswrite $device, $data;
        errno(syscall 74, fileno $device);
    };
close $device;
rmdir $disk or die "rmdir: $!\n";

rmdir "$root/first" or die "rmdir: $!\n";
unload('rnull');
sweep 'load', below => 'do_one_initcall', call => sub { load('rnull', $none) },
    undo => sub { unload('rnull') };
"#;
    sweep(
        &mut guest,
        &(LOAD.to_owned() + SCRIPT),
        &["mkdir", "cached", "timer", "zoned", "write", "load"],
    );
    guest.shutdown().unwrap();
}
