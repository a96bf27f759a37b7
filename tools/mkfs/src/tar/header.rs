// SPDX-License-Identifier: GPL-2.0

//! The 512-byte header block.

use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{number, Rule};
use crate::message;

/// A header block as it stands in the archive.
#[derive(Clone, Copy, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) name: [u8; 100],
    pub(crate) mode: [u8; 8],
    pub(crate) uid: [u8; 8],
    pub(crate) gid: [u8; 8],
    pub(crate) size: [u8; 12],
    pub(crate) mtime: [u8; 12],
    pub(crate) checksum: [u8; 8],
    pub(crate) typeflag: u8,
    pub(crate) linkname: [u8; 100],
    pub(crate) magic: [u8; 6],
    pub(crate) version: [u8; 2],
    pub(crate) uname: [u8; 32],
    pub(crate) gname: [u8; 32],
    pub(crate) devmajor: [u8; 8],
    pub(crate) devminor: [u8; 8],
    pub(crate) prefix: [u8; 155],
    pub(crate) rest: [u8; 12],
}

const _: () = assert!(size_of::<Header>() == layout::SECTOR_SIZE);

/// Largest size that a header expresses in octal digits.
const OCTAL_MAX: u64 = (1 << 33) - 1;

/// The magic of POSIX headers; GNU's has a space for the NUL.
pub(crate) const USTAR: [u8; 6] = *b"ustar\0";

/// GNU's magic and version.
const GNU: [u8; 6] = *b"ustar ";
const GNU_VERSION: [u8; 2] = *b" \0";

/// The last bytes of star's headers.
const STAR: &[u8] = b"tar\0";

/// Whether these bytes start with a header.
pub(crate) fn is_header(bytes: &[u8]) -> bool {
    let header = <Header as zerocopy::FromBytes>::ref_from_prefix(bytes);
    header.is_ok_and(|(header, _)| header.check().is_ok())
}

impl Header {
    /// Returns a block of zeros.
    pub(crate) fn zero() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }

    /// The block's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        zerocopy::IntoBytes::as_bytes(self)
    }

    /// Whether it is one of GNU tar's own format.
    pub(super) fn is_gnu(&self) -> bool {
        self.magic == GNU && self.version == GNU_VERSION
    }

    /// Whether a header that has no prefix has something in its place.
    pub(super) fn has_bytes_for_prefix(&self) -> bool {
        self.magic != USTAR && self.typeflag != b'S' && self.prefix.first() != Some(&0)
    }

    /// Whether all its numbers are the same to GNU tar and Python, which look at those too for which a
    /// record stands. Where no device is, only Python looks at a device's.
    pub(super) fn has_plain_numbers(&self) -> bool {
        let is_device = matches!(self.typeflag, b'3' | b'4');
        let is_negative = |field: &[u8]| field.first() == Some(&0xff);
        let is_blank = |field: &[u8]| until_nul(field).trim_ascii().is_empty();
        let fields: [&[u8]; 6] = [
            &self.mode,
            &self.uid,
            &self.gid,
            &self.size,
            &self.mtime,
            &self.checksum,
        ];
        let devices = [&self.devmajor, &self.devminor];
        // Only a time may be.
        let never_negative: [&[u8]; 5] = [
            &self.size,
            &self.uid,
            &self.gid,
            &self.devmajor,
            &self.devminor,
        ];
        fields.into_iter().all(number::is_plain)
            && !never_negative.into_iter().any(is_negative)
            && self.mode.first().is_some_and(u8::is_ascii)
            && devices
                .into_iter()
                .all(|field| number::is_plain(field) || !is_device && is_blank(field))
    }

    /// Whether the header itself says that it is of a format with numbers of devices.
    pub(super) fn has_magic(&self) -> bool {
        self.magic == USTAR || self.is_gnu()
    }

    /// Whether it is one of star's own formats.
    pub(super) fn is_star(&self) -> bool {
        self.rest.ends_with(STAR)
    }

    /// Whether the block is one of those that end an archive.
    pub(super) fn is_zero(&self) -> bool {
        let bytes = self.as_bytes();
        self.name.first() == Some(&0) && bytes.iter().all(|&byte| byte == 0)
    }

    /// Writes the name with its prefix to `out`; nothing where the header has no prefix. GNU
    /// headers have other things in its place, and older ones nothing.
    pub(super) fn prefixed_name(&self, out: &mut Vec<u8>) {
        out.clear();
        let prefix = until_nul(&self.prefix);
        if self.magic == USTAR && !prefix.is_empty() {
            out.extend_from_slice(prefix);
            out.push(b'/');
            out.extend_from_slice(until_nul(&self.name));
        }
    }

    /// Parses the size field.
    ///
    /// # Errors
    ///
    /// [`Rule::Number`].
    pub(crate) fn size(&self) -> Result<u64, Rule> {
        // CAST: the highest `i64` is no negative number.
        unsigned("size", &self.size, i64::MAX as u64)
    }

    /// Writes the checksum, when all else is written.
    pub(crate) fn seal(&mut self) {
        let sum = format!("{:06o}\0 ", self.sum());
        write_field(&mut self.checksum, sum.as_bytes());
    }

    /// The sum of the block's bytes, those of the checksum itself taken as spaces.
    fn sum(&self) -> u32 {
        self.sum_by(u32::from)
    }

    fn sum_by(&self, value: impl Fn(u8) -> u32) -> u32 {
        let sum = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0u32, |sum, &byte| sum.wrapping_add(value(byte)))
        };
        let blanks = value(b' ').wrapping_mul(8);
        sum(self.as_bytes())
            .wrapping_sub(sum(&self.checksum))
            .wrapping_add(blanks)
    }

    /// Checks the checksum. Old programs summed signed bytes.
    ///
    /// # Errors
    ///
    /// [`Rule::Checksum`].
    pub(super) fn check(&self) -> Result<(), Rule> {
        let stored = number::parse(&self.checksum).and_then(|stored| u32::try_from(stored).ok());
        let computed = self.sum();
        // CAST: sign extension of a byte, to be summed modulo 2^32.
        let signed = || self.sum_by(|byte| byte as i8 as u32);
        if stored == Some(computed) || stored.is_some_and(|stored| stored == signed()) {
            return Ok(());
        }
        Err(Rule::Checksum {
            stored: printable(&self.checksum),
            computed,
        })
    }
}

/// Parses a numeric field of a header.
pub(super) fn number(field: &'static str, value: &[u8]) -> Result<i64, Rule> {
    number::parse(value).ok_or_else(|| wrong_number(field, value))
}

/// Parses a numeric field whose values are from 0 to `max`.
pub(super) fn unsigned(field: &'static str, value: &[u8], max: u64) -> Result<u64, Rule> {
    number::parse(value)
        .and_then(|number| u64::try_from(number).ok())
        .filter(|number| *number <= max)
        .ok_or_else(|| wrong_number(field, value))
}

pub(super) fn wrong_number(field: &'static str, value: &[u8]) -> Rule {
    Rule::Number {
        field,
        value: printable(value),
    }
}

/// Returns what stands before the first NUL.
pub(crate) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Returns a field for a message, without what pads it.
fn printable(field: &[u8]) -> String {
    let text = field.trim_ascii();
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    message::text(text)
}

/// Writes to the start of a field; the rest of it is NUL.
pub(crate) fn write_field(field: &mut [u8], value: &[u8]) {
    for (byte, value) in field.iter_mut().zip(value) {
        *byte = *value;
    }
}

/// Returns a size as a header has it: octal, or in base 256 where the digits do not suffice.
pub(crate) fn size_field(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    if size <= OCTAL_MAX {
        write_field(&mut field, format!("{size:011o}").as_bytes());
    } else {
        let (marker, number) = field.split_at_mut(4);
        write_field(marker, &[0x80]);
        write_field(number, &size.to_be_bytes());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes are read back as they were written, in octal as long as that is possible.
    #[test]
    fn sizes() {
        assert_eq!(&size_field(0), b"00000000000\0");
        assert_eq!(&size_field(OCTAL_MAX), b"77777777777\0");
        for size in [0, OCTAL_MAX, OCTAL_MAX + 1, 1 << 62] {
            let mut header = Header::zero();
            header.size = size_field(size);
            assert_eq!(header.size(), Ok(size));
        }
    }
}
