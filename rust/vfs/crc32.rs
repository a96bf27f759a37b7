// SPDX-License-Identifier: GPL-2.0

//! CRC-32 of IEEE 802.3, by the kernel's `crc32_le`.

/// The CRC-32 (as zlib's `crc32`) of the concatenation of `parts`.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(!0, |crc, part| {
        // SAFETY: `crc32_le` reads `part.len()` bytes from the pointer; the slice is
        // valid for that. It may be called in any context.
        unsafe { vfs_bindings::crc32_le(crc, part.as_ptr().cast(), part.len()) }
    })
}
