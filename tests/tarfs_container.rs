// SPDX-License-Identifier: GPL-2.0
//! tarfs in its places: below overlayfs, as containers use it, and mounted again and again.

use std::time::Duration;

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tempfile::TempPath;
use tests::{ok, sample};

fn boot(lab: &Lab, modules: &[&str]) -> (Guest, TempPath) {
    boot_with(lab, modules, Duration::from_secs(300))
}

/// As [`boot`], where a command may take as long as `limit`.
fn boot_with(lab: &Lab, modules: &[&str], limit: Duration) -> (Guest, TempPath) {
    let image = sample::image_file();
    let mut boot = Boot::new(lab)
        .module("tarfs")
        .cpus(2)
        .program("find")
        .program("mount")
        .program("perl")
        .program("stat")
        .command_limit(limit)
        .guest_limit(2 * limit)
        .disk(&*image, Access::ReadOnly)
        .bytes("/original", &sample::large_content());
    for module in modules {
        boot = boot.stock_module(module);
    }
    let mut guest = boot.boot().unwrap();
    ok(&mut guest, "modprobe tarfs");
    (guest, image)
}

#[test]
fn it_is_a_lower_layer_of_overlayfs() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _image) = boot(&lab, &["overlay"]);
    ok(
        &mut guest,
        "modprobe overlay
         mkdir /lower /upper /merged
         mount -t tmpfs none /upper && mkdir /upper/files /upper/work
         mount -t tarfs /dev/vda /lower
         mount -t overlay none /merged \
             -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work,redirect_dir=on,metacopy=on",
    );
    ok(
        &mut guest,
        "set -e
         cd /merged && find . | sort >/merged.txt
         cd /lower && find . | sort | cmp - /merged.txt",
    );
    // Only the attributes of a file are copied up, where only they change.
    ok(
        &mut guest,
        "chmod 600 /merged/large && cmp /merged/large /original",
    );
    ok(
        &mut guest,
        "test $(stat -c %b /upper/files/large) = 0 && test $(stat -c %a /lower/large) != 600",
    );
    // A directory is renamed where it is: its files stay below.
    ok(
        &mut guest,
        "set -e
         mv /merged/directory /merged/renamed
         test \"$(cat /merged/renamed/below/another)\" = more
         test ! -e /upper/files/renamed/below/another && test ! -e /merged/directory",
    );
    // Writing copies the data; removing leaves a whiteout.
    ok(
        &mut guest,
        "set -e
         echo end >>/merged/large
         head -c $(stat -c %s /original) /merged/large | cmp - /original
         rm /merged/many/file-with-number-7 && test ! -e /merged/many/file-with-number-7
         test -c /upper/files/many/file-with-number-7 && test -e /lower/many/file-with-number-7",
    );
    // The same after all caches are gone, and after mounting again.
    let look = "stat -c '%n %a %s' /merged/large /merged/renamed/file; ls /merged/many | wc -l";
    let before = ok(&mut guest, look);
    ok(
        &mut guest,
        "umount /merged && echo 3 >/proc/sys/vm/drop_caches
         mount -t overlay none /merged \
             -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work,redirect_dir=on,metacopy=on",
    );
    assert_eq!(ok(&mut guest, look), before);
    ok(&mut guest, "umount /merged /lower && rmmod tarfs");
    guest.shutdown().unwrap();
}

/// Mounts, reads, remounts and unmounts, while others go through the mount and drop the caches.
const LOAD: &str = "
    (while test ! -e /done; do find /mnt -type f | head -200 | xargs cat; done) >/dev/null 2>&1 &
    (while test ! -e /done; do cat /mnt/large | cmp - /original; done) >/dev/null 2>&1 &
    (while test ! -e /done; do echo 7 >/proc/sys/vm/drop_caches; sleep 0.3; done) &
    busy=0
    for round in $(seq $1); do
        mount -t tarfs /dev/vda /mnt || exit 1
        mount -o remount,noverify /mnt || exit 2
        cat /mnt/directory/file >/dev/null || exit 3
        mount -o remount,verify /mnt || exit 4
        while ! umount /mnt 2>/dev/null; do busy=$((busy + 1)); sleep 0.05; done
    done
    touch /done
    wait
    echo $busy
";

#[test]
fn mounts_under_load_leave_nothing_behind() {
    let lab = Lab::locate().unwrap();
    let rounds: u64 = std::env::var("BLOCKYARD_MOUNTS").map_or(15, |count| count.parse().unwrap());
    let (mut guest, _image) = boot_with(&lab, &[], Duration::from_secs(300 + 5 * rounds));
    guest.put("/tmp/load.sh", LOAD.as_bytes()).unwrap();
    let busy = ok(&mut guest, &format!("sh /tmp/load.sh {rounds}"));
    println!("{} unmounts were refused", busy.trim());
    // Readers hold a mount; the module cannot go while there is one.
    ok(
        &mut guest,
        "set -e
         mount -t tarfs /dev/vda /mnt
         exec 3</mnt/large
         if umount /mnt 2>/dev/null; then exit 5; fi
         if rmmod tarfs 2>/dev/null; then exit 6; fi
         umount -l /mnt
         cmp /original /proc/self/fd/3
         if rmmod tarfs 2>/dev/null; then exit 7; fi
         exec 3<&-",
    );
    ok(
        &mut guest,
        "rmmod tarfs && ! grep -q tarfs /proc/slabinfo && test ! -e /sys/fs/tarfs",
    );
    guest.shutdown().unwrap();
}
