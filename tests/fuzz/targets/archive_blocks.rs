// SPDX-License-Identifier: GPL-2.0

//! The headers of an archive that may be damaged, found as a reader would find them, and the sums
//! that they need to be read.

use std::ops::Range;

/// Size of a block.
pub const BLOCK: usize = 512;

/// Where a header has its checksum, its size and its type.
const CHECKSUM: Range<usize> = 148..156;
const SIZE: Range<usize> = 124..136;
const TYPE: usize = 156;

/// A header and the data after it, as a range of the archive's bytes.
pub type Member = Range<usize>;

/// The members up to the mark that ends the archive; the last may lack a part of its data.
pub fn members(archive: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut at = 0;
    while let Some(header) = archive.get(at..at + BLOCK) {
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let end = (at + BLOCK + data_size(header)).min(archive.len());
        members.push(at..end);
        at = end;
    }
    members
}

/// Makes the checksums of all headers right.
pub fn repair(archive: &mut [u8]) {
    for member in members(archive) {
        seal(&mut archive[member.start..member.start + BLOCK]);
    }
}

/// Makes a header's checksum right.
pub fn seal(header: &mut [u8]) {
    header[CHECKSUM].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The size of the data after a header, with its padding; of a strange size, some.
fn data_size(header: &[u8]) -> usize {
    if (b'1'..=b'6').contains(&header[TYPE]) {
        return 0;
    }
    let field = &header[SIZE];
    let size = if field[0] & 0x80 != 0 {
        let number = field[4..].iter().fold(0, |number: u64, byte| {
            number.wrapping_mul(256).wrapping_add((*byte).into())
        });
        usize::try_from(number).unwrap_or(usize::MAX)
    } else {
        let digits = field.iter().filter(|byte| (b'0'..b'8').contains(byte));
        digits.fold(0, |number, digit| number * 8 + usize::from(digit - b'0'))
    };
    // Beyond what an archive here ever has.
    size.min(1 << 30).next_multiple_of(BLOCK)
}
