// SPDX-License-Identifier: GPL-2.0

//! Archives whose files' data starts at multiples of a number, for devices and direct I/O that want
//! it so.
//!
//! Room is made in pax extended headers, by comments: what every reader of pax skips. An entry that
//! has such a header gets a longer one, for of two programs would not take the same.

use std::ops::Range;
use std::str::FromStr;

use layout::SECTOR_SIZE;

use crate::options::ReadOptions;
use crate::tar::{size_field, write_field, Entry, Header, Reader, Type, EXTENSION_MAX, USTAR};
use crate::{Error, Source, SECTOR};

/// Least and largest alignment, in bytes.
const ALIGNMENT_MIN: u64 = 512;
const ALIGNMENT_MAX: u64 = 65536;

/// Name of the headers that are added.
const NAME: &[u8] = b"PaxHeaders/mkfs.tarfs";

/// What stands in the record that is added, between its length and its value.
const KEYWORD: &str = " comment=";

/// An alignment: a power of two of 512 to 65536 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment(u64);

impl FromStr for Alignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &u64| {
            number.is_power_of_two() && (ALIGNMENT_MIN..=ALIGNMENT_MAX).contains(number)
        });
        number.map(Self).ok_or_else(|| {
            format!("an alignment is a power of two from {ALIGNMENT_MIN} to {ALIGNMENT_MAX}")
        })
    }
}

/// A part of the aligned archive.
pub enum Piece {
    /// These bytes of the archive.
    Copy(Range<u64>),
    /// Other bytes.
    Bytes(Vec<u8>),
}

/// Gives the parts of the aligned archive to `sink`, in their order. `length` is that of the archive
/// in `source`.
///
/// # Errors
///
/// Those of [`Reader::next_entry`] and of `sink`.
pub fn align(
    source: &Source,
    length: u64,
    options: ReadOptions,
    alignment: Alignment,
    mut sink: impl FnMut(Piece) -> Result<(), Error>,
) -> Result<(), Error> {
    // Byte of the archive up to which all was given out, and how many bytes were added.
    let mut done: u64 = 0;
    let mut added: u64 = 0;
    let mut reader = Reader::new(source, length, options);
    while let Some(entry) = reader.next_entry()? {
        if entry.entry_type != Type::Regular || entry.size == 0 {
            continue;
        }
        let place = entry.data_offset.saturating_add(added);
        let missing = place.next_multiple_of(alignment.0).saturating_sub(place);
        if missing == 0 {
            continue;
        }
        let headers = Headers::read(source, &entry)?;
        let Some(change) = headers.make_room(source, missing, alignment)? else {
            continue;
        };
        let added_here = change.bytes_added();
        sink(Piece::Copy(done..change.replaced.start))?;
        done = change.replaced.end;
        sink(Piece::Bytes(change.bytes))?;
        added = added.saturating_add(added_here);
    }
    sink(Piece::Copy(done..length))
}

/// Other bytes for some of an archive.
struct Change {
    replaced: Range<u64>,
    bytes: Vec<u8>,
}

impl Change {
    fn bytes_added(&self) -> u64 {
        let replaced = self.replaced.end.saturating_sub(self.replaced.start);
        // CAST: `usize` is at most 64 bits wide.
        (self.bytes.len() as u64).saturating_sub(replaced)
    }
}

/// Where an entry's headers are.
struct Headers {
    /// Byte of the last extended header of pax, and the size of its contents.
    pax: Option<(u64, u64)>,
    /// Byte of the entry's own header.
    own: u64,
}

impl Headers {
    /// Finds the headers of an entry, which the reader has checked.
    fn read(source: &Source, entry: &Entry<'_>) -> Result<Self, Error> {
        let mut pax = None;
        let mut own = entry.offset;
        loop {
            let header = read_header(source, own)?;
            let size = header.size().unwrap_or(0);
            match header.typeflag {
                b'x' | b'X' => pax = Some((own, size)),
                b'g' | b'L' | b'K' | b'A' => {}
                b'V' => {
                    own = own.saturating_add(SECTOR);
                    continue;
                }
                _ => return Ok(Self { pax, own }),
            }
            own = own
                .saturating_add(SECTOR)
                .saturating_add(size.next_multiple_of(SECTOR));
        }
    }

    /// Makes `missing` bytes of room, a multiple of 512, or that and the alignment. `None` where
    /// the extended header would get too long for readers.
    fn make_room(
        &self,
        source: &Source,
        missing: u64,
        alignment: Alignment,
    ) -> Result<Option<Change>, Error> {
        let Some((at, size)) = self.pax else {
            let contents = match missing.saturating_sub(SECTOR) {
                // A header without contents says nothing.
                0 => alignment.0,
                contents => contents,
            };
            let mut header = new_header();
            header.size = size_field(contents);
            header.seal();
            return Ok(Some(Change {
                replaced: self.own..self.own,
                bytes: [header.as_bytes(), &comment(contents)].concat(),
            }));
        };
        let start = at.saturating_add(SECTOR);
        let old_size = size.next_multiple_of(SECTOR);
        let new_size = old_size.saturating_add(missing);
        if new_size > EXTENSION_MAX {
            return Ok(None);
        }
        let mut header = read_header(source, at)?;
        header.size = size_field(new_size);
        header.seal();
        // CAST: at most EXTENSION_MAX.
        let mut contents = vec![0; size as usize];
        source.read_exact_at(&mut contents, start)?;
        let record = comment(new_size.saturating_sub(size));
        Ok(Some(Change {
            replaced: at..start.saturating_add(old_size),
            bytes: [header.as_bytes(), &contents, &record].concat(),
        }))
    }
}

fn read_header(source: &Source, at: u64) -> Result<Header, Error> {
    let mut block = [0; SECTOR_SIZE];
    source.read_exact_at(&mut block, at)?;
    Ok(zerocopy::transmute!(block))
}

fn new_header() -> Header {
    let mut header = Header::zero();
    write_field(&mut header.name, NAME);
    write_field(&mut header.mode, b"0000644");
    write_field(&mut header.uid, b"0000000");
    write_field(&mut header.gid, b"0000000");
    write_field(&mut header.mtime, b"00000000000");
    header.typeflag = b'x';
    header.magic = USTAR;
    header.version = *b"00";
    header
}

/// A record of this length in bytes, at least 512.
fn comment(length: u64) -> Vec<u8> {
    let mut record = format!("{length}{KEYWORD}").into_bytes();
    // CAST: an extended header's size, which is in memory.
    let room = (length as usize).saturating_sub(1);
    record.resize(room.max(record.len()), b'.');
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignments() {
        assert_eq!("4096".parse(), Ok(Alignment(4096)));
        assert!("512".parse::<Alignment>().is_ok() && "65536".parse::<Alignment>().is_ok());
        for wrong in ["0", "256", "513", "3072", "131072", "-1", "4k", ""] {
            assert!(wrong.parse::<Alignment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn comments() {
        for length in [512, 999, 1000, 99_999] {
            let record = comment(length);
            assert_eq!(record.len() as u64, length);
            assert!(record.starts_with(format!("{length} comment=.").as_bytes()));
            assert!(record.ends_with(b".\n"));
        }
    }
}
