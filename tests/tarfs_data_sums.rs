// SPDX-License-Identifier: GPL-2.0
//! Checksums of data: what does not match is an error where it is read, and nowhere else.

use lab::guest::{Access, Boot};
use lab::Lab;
use tests::{ok, sample};

/// Byte of `large` that is changed: in the middle of the file.
const CHANGED: usize = 600_000;

#[test]
fn changed_data_is_not_read() {
    let lab = Lab::locate().unwrap();
    let mut image = sample::image_with_data_sums();
    let large = sample::large_content();
    let start = image
        .windows(512)
        .step_by(512)
        .position(|sector| *sector == large[..512])
        .unwrap()
        * 512;
    image[start + CHANGED] ^= 1;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &image).unwrap();
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .stock_module("loop")
        .program("cmp")
        .program("dd")
        .program("mount")
        .disk(file.path(), Access::ReadOnly)
        .bytes("/original", &large)
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs && modprobe loop");
    // From a device with sectors, and from one with blocks of 4096 bytes, which is copied anyway.
    ok(
        &mut guest,
        "set -e
         losetup -r /dev/loop0 /dev/vda
         echo 0 >/sys/block/loop0/queue/read_ahead_kb",
    );
    let errors = "cat /sys/fs/tarfs/*/errors_count";
    let piece = |from, bytes, flags| {
        format!(
            "for f in /mnt/large /original; do
                 dd if=$f iflag=skip_bytes,count_bytes{flags} bs=4096 skip={from} count={bytes} \
                     of=/tmp/${{f##*/}} 2>/dev/null
             done
             cmp /tmp/large /tmp/original"
        )
    };
    for device in ["/dev/vda", "/dev/loop0"] {
        ok(&mut guest, &format!("mount -t tarfs {device} /mnt"));
        ok(&mut guest, "cat /mnt/directory/file /mnt/many/* >/dev/null");
        assert_eq!(ok(&mut guest, errors), "0\n");
        // Before and behind the damage, in blocks of the archive.
        ok(&mut guest, &piece(0, 524_288, ""));
        ok(&mut guest, &piece(800_000, 200_000, ""));
        let whole = guest.run("cat /mnt/large >/dev/null").unwrap();
        assert!(
            whole.text().contains("Structure needs cleaning"),
            "{}",
            whole.text()
        );
        assert_ne!(ok(&mut guest, errors), "0\n");
        let log = ok(&mut guest, "dmesg -c | grep 'tarfs: ('");
        assert!(
            log.contains("inode ") && log.contains("archive at byte "),
            "{log}"
        );
        // Direct reads go the same way: nothing gets past the sums.
        let at = CHANGED / 4096 * 4096;
        let direct = guest.run(&piece(at, 4096, ",direct")).unwrap();
        assert_ne!(direct.status, 0);
        ok(&mut guest, "mount -o remount,noverify /mnt");
        ok(&mut guest, &piece(0, 1_000, ""));
        ok(&mut guest, "cat /mnt/large >/dev/null");
        let differing = ok(&mut guest, "cmp -l /mnt/large /original | wc -l");
        assert_eq!(differing, "1\n");
        ok(&mut guest, "umount /mnt");
    }
    guest.shutdown().unwrap();
}

#[test]
fn a_layer_that_ends_within_a_page_is_read_to_its_end() {
    let lab = Lab::locate().unwrap();
    let (index, tar) = sample::index_with_data_sums_and_short_tar();
    let folder = tempfile::tempdir().unwrap();
    let (index_file, tar_file) = (folder.path().join("index"), folder.path().join("tar"));
    std::fs::write(&index_file, index).unwrap();
    std::fs::write(&tar_file, &tar).unwrap();
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("cmp")
        .program("mount")
        .disk(&index_file, Access::ReadOnly)
        .disk(&tar_file, Access::ReadOnly)
        .bytes("/tar", &tar)
        .bytes("/original", &sample::short_content())
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs");
    for tar in ["/dev/vdb", "/tar"] {
        let mount = format!("mount -t tarfs -o layer={tar} /dev/vda /mnt");
        ok(&mut guest, &mount);
        ok(&mut guest, "cmp /mnt/only /original && umount /mnt");
    }
    guest.shutdown().unwrap();
}
