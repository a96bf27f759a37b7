// SPDX-License-Identifier: GPL-2.0
//! An index that stands apart from its archive.

use lab::guest::{Access, Boot, Guest};
use lab::Lab;
use tempfile::TempPath;
use tests::{ok, sample};

fn file(bytes: &[u8]) -> TempPath {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file.into_temp_path()
}

/// A guest with the index as `vda`, its tar as `vdb` and in `/tar`, and an image as `vdc`.
fn boot(lab: &Lab) -> (Guest, [TempPath; 3]) {
    let (index, tar) = sample::index_and_tar();
    let files = [file(&index), file(&tar), sample::image_file()];
    let mut guest = Boot::new(lab)
        .module("tarfs")
        .program("mount")
        .bytes("/tar", &tar)
        .bytes("/short", &tar[..tar.len() - 512])
        .bytes("/original", &sample::large_content());
    for disk in &files {
        guest = guest.disk(&**disk, Access::ReadOnly);
    }
    let mut guest = guest.boot().unwrap();
    ok(&mut guest, "modprobe tarfs");
    (guest, files)
}

#[test]
fn an_index_is_mounted_with_its_tar_on_a_device_or_in_a_file() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _files) = boot(&lab);
    for tar in ["/dev/vdb", "/tar"] {
        ok(
            &mut guest,
            &format!("mount -t tarfs -o layer={tar} /dev/vda /mnt"),
        );
        let shown = ok(&mut guest, "grep ' /mnt ' /proc/mounts | cut -d' ' -f4");
        assert_eq!(shown, format!("ro,relatime,layer={tar}\n"));
        ok(&mut guest, "cmp /mnt/large /original");
        assert_eq!(ok(&mut guest, "cat /mnt/directory/file"), "content\n");
        // A remount may repeat the layers, but not change them.
        ok(&mut guest, "mount -o remount,noverify /mnt");
        let change = guest.run("mount -o remount,layer=/short /mnt").unwrap();
        assert_ne!(change.status, 0);
        ok(&mut guest, "umount /mnt");
    }
    // On a device, directly.
    ok(
        &mut guest,
        "set -e
         mount -t tarfs -o layer=/dev/vdb /dev/vda /mnt
         dd if=/mnt/large of=/a iflag=direct bs=4096 skip=1 count=200
         dd if=/original of=/b bs=4096 skip=1 count=200; cmp /a /b && umount /mnt",
    );
    guest.shutdown().unwrap();
}

#[test]
fn several_tars_are_mounted_as_one_tree() {
    let lab = Lab::locate().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    sample::layers(folder.path());
    let path = |name| folder.path().join(name);
    let mut guest = Boot::new(&lab)
        .module("tarfs")
        .program("find")
        .program("mount")
        .disk(path("index"), Access::ReadOnly)
        .disk(path("lower.tar"), Access::ReadOnly)
        .file(path("upper.tar"), "/upper.tar")
        .boot()
        .unwrap();
    ok(&mut guest, "modprobe tarfs");
    // One on a device, one in a file.
    let layers = "layer=/dev/vdb,layer=/upper.tar";
    ok(
        &mut guest,
        &format!("mount -t tarfs -o {layers} /dev/vda /mnt"),
    );
    let shown = ok(&mut guest, "grep ' /mnt ' /proc/mounts | cut -d' ' -f4");
    assert_eq!(shown, format!("ro,relatime,{layers}\n"));
    let content = "cd /mnt && find . -type f | sort | while read f; do echo $f: $(cat $f); done";
    let expected = "\
./added: upper added
./both/lower: lower both/lower
./both/upper: upper both/upper
./kept: lower kept
./opaque/new: upper opaque/new
./replaced: upper replaced
";
    assert_eq!(ok(&mut guest, content), expected);
    ok(&mut guest, "umount /mnt");
    guest.shutdown().unwrap();
}

#[test]
fn wrong_layers_are_refused_with_the_reason() {
    let lab = Lab::locate().unwrap();
    let (mut guest, _files) = boot(&lab);
    for (options, device, reason) in [
        ("ro", "/dev/vda", "the index has 1 archives"),
        ("layer=/tar,layer=/short", "/dev/vda", "(given: 2)"),
        ("layer=/none", "/dev/vda", "/none: cannot be opened"),
        ("layer=/proc/version", "/dev/vda", "cannot be opened"),
        ("layer=/short", "/dev/vda", "its archive"),
        ("layer=/tar", "/dev/vdc", "has its archive within"),
        ("layer", "/dev/vda", "layer: takes a text"),
    ] {
        let command = format!("mount -t tarfs -o {options} {device} /mnt");
        let output = guest.run(&command).unwrap();
        assert_ne!(output.status, 0, "{command}");
        let text = output.text();
        assert!(text.contains(reason), "{command}: {text}");
    }
    guest.shutdown().unwrap();
}
