// SPDX-License-Identifier: GPL-2.0 OR MIT

//! File types, as in `st_mode` and as in `d_type`.

/// The bits of a mode that hold the file type.
pub const S_IFMT: u16 = 0o170_000;
/// File type: FIFO.
pub const S_IFIFO: u16 = 0o010_000;
/// File type: character device.
pub const S_IFCHR: u16 = 0o020_000;
/// File type: directory.
pub const S_IFDIR: u16 = 0o040_000;
/// File type: block device.
pub const S_IFBLK: u16 = 0o060_000;
/// File type: regular file.
pub const S_IFREG: u16 = 0o100_000;
/// File type: symbolic link.
pub const S_IFLNK: u16 = 0o120_000;
/// File type: socket.
pub const S_IFSOCK: u16 = 0o140_000;

/// Returns the type of a directory entry (`DT_REG` and so on) for an inode of this mode.
#[inline]
pub fn d_type(mode: u16) -> u8 {
    // CAST: four bits are left.
    (mode >> 12) as u8
}

/// Whether `value` is the type of a directory entry.
pub(crate) fn is_d_type(value: u8) -> bool {
    matches!(
        u16::from(value) << 12,
        S_IFIFO | S_IFCHR | S_IFDIR | S_IFBLK | S_IFREG | S_IFLNK | S_IFSOCK
    ) && value < 16
}
