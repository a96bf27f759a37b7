// SPDX-License-Identifier: GPL-2.0
//! What a toolbox holds. A change here makes a new toolbox.

/// Packages, besides Debian's essential ones.
pub const PACKAGES: &[&str] = &[
    // The kernel's build, as Debian's own build dependencies have it.
    "bc",
    "bindgen",
    "bison",
    "cpio",
    "dwarves",
    "flex",
    "gcc-14",
    "kmod",
    "libc6-dev",
    "libelf-dev",
    "libssl-dev",
    "make",
    "perl",
    "rust-clippy",
    "rust-src",
    "rustc",
    "rustfmt",
    "xz-utils",
    // Guests: the machine, their shell, and what tests and benches run in them.
    "attr",
    "btrfs-progs",
    "busybox-static",
    "e2fsprogs",
    "erofs-utils",
    "fio",
    "libarchive-tools",
    "mount",
    "python3",
    "qemu-system-x86",
    "squashfs-tools",
    "util-linux",
];

/// Programs of which each must be there: one or more a package that could be broken.
pub const PROGRAMS: &[&str] = &[
    "usr/bin/bindgen",
    "usr/bin/bison",
    "usr/bin/bsdtar",
    "usr/bin/busybox",
    "usr/bin/clippy-driver",
    "usr/bin/fio",
    "usr/bin/flex",
    "usr/bin/make",
    "usr/bin/pahole",
    "usr/bin/perl",
    "usr/bin/python3",
    "usr/bin/qemu-system-x86_64",
    "usr/bin/rustc",
    "usr/bin/rustdoc",
    "usr/bin/rustfmt",
    "usr/bin/x86_64-linux-gnu-gcc-14",
    "usr/bin/xz",
];

/// Programs whose versions decide whether what they build fits the stock kernel, as packages.
pub const COMPILERS: &[&str] = &["bindgen", "gcc-14", "rustc"];
