// SPDX-License-Identifier: GPL-2.0

//! Where the data of sparse files belongs, from the maps that programs write.
//!
//! An archive has the parts of such a file that are not holes, one after the other. The map says at
//! which bytes of the file they belong, and stands in the header (old GNU tar and star), in records
//! of the extended header (pax 0.0 and 0.1), or before the data (pax 1.0).

use layout::SparseExtent;

use super::header::{unsigned, wrong_number, Header};
use super::pax::parse_decimal;
use super::{number, Rule};
use crate::SECTOR;

/// Most parts that a file may have; the map is held in memory.
const EXTENTS_MAX: usize = 1 << 19;

/// Size of a part's two numbers in a header, in bytes.
const PART_SIZE: usize = 24;

/// A sparse file of an archive.
#[derive(Debug, Default)]
pub struct Sparse {
    /// Size in bytes, holes included; below 2^63.
    pub size: u64,
    /// What is no hole, in the order of the format.
    pub extents: Vec<SparseExtent>,
    /// Whether the map goes on to the end of the file.
    pub(super) is_whole: bool,
}

impl Sparse {
    /// The size, and the byte of the archive at which the data is, where the file has no holes.
    pub(crate) fn in_one_piece(&self) -> Option<(u64, u64)> {
        match *self.extents.as_slice() {
            [] if self.size == 0 => Some((0, 0)),
            [extent] if extent.length == self.size => Some((extent.length, extent.position)),
            _ => None,
        }
    }
}

/// A map under construction. Positions count from the start of the file's data.
#[derive(Debug, Default)]
pub(super) struct Map {
    extents: Vec<SparseExtent>,
    /// End of the last part in the file.
    end: u64,
    /// Bytes of data that the parts have.
    stored: u64,
}

impl Map {
    /// Adds the part of `length` bytes at byte `logical` of the file. Empty ones mark the file's end.
    pub(super) fn push(&mut self, logical: u64, length: u64) -> Result<(), Rule> {
        if logical < self.end {
            return Err(Rule::SparseOrder {
                offset: logical,
                end: self.end,
            });
        }
        let overflow = Rule::SparseBeyond {
            offset: logical,
            length,
        };
        self.end = logical.checked_add(length).ok_or(overflow)?;
        if length == 0 {
            return Ok(());
        }
        // GNU tar fills the last sector of each part, other programs do not.
        if self.stored % SECTOR != 0 {
            return Err(Rule::SparseAlignment);
        }
        let count = self.extents.len();
        let follows = |last: &&mut SparseExtent| last.end() == logical;
        match self.extents.last_mut().filter(follows) {
            Some(last) => last.length = last.length.saturating_add(length),
            None if count >= EXTENTS_MAX => {
                return Err(Rule::TooManyExtents {
                    max: EXTENTS_MAX as u64,
                })
            }
            None => self.extents.push(SparseExtent {
                logical,
                length,
                position: self.stored,
            }),
        }
        self.stored = self.stored.saturating_add(length);
        Ok(())
    }

    /// Completes the map of a file of `size` bytes, whose `stored` bytes of data start at byte
    /// `data` of the archive.
    pub(super) fn finish(mut self, size: u64, data: u64, stored: u64) -> Result<Sparse, Rule> {
        if self.end > size || i64::try_from(size).is_err() {
            return Err(Rule::SparseSize {
                end: self.end,
                size,
            });
        }
        if self.stored != stored {
            return Err(Rule::SparseData {
                parts: self.stored,
                stored,
            });
        }
        for extent in &mut self.extents {
            extent.position = extent.position.saturating_add(data);
        }
        Ok(Sparse {
            size,
            extents: self.extents,
            is_whole: self.end == size,
        })
    }
}

/// Where headers of type `S` have their map.
#[derive(Clone, Copy)]
pub(super) struct OldMap {
    /// First of four parts.
    parts: usize,
    /// Whether blocks with further parts follow.
    extended: usize,
    /// Size of the file.
    size: usize,
}

/// As GNU tar has it.
const GNU: OldMap = OldMap {
    parts: 386,
    extended: 482,
    size: 483,
};

/// As star has it in its own format, where the prefix of a name would be.
const STAR: OldMap = OldMap {
    parts: 356,
    extended: 355,
    size: 452,
};

/// Parts in a header, and in a block that follows it.
const HEADER_PARTS: usize = 4;
const BLOCK_PARTS: usize = 21;

impl OldMap {
    /// Returns where this header has its map.
    pub(super) fn of(header: &Header) -> Result<Self, Rule> {
        if header.is_star() {
            Ok(STAR)
        } else if header.is_gnu() {
            Ok(GNU)
        } else {
            Err(Rule::StarSparse)
        }
    }

    /// Returns the size of the file.
    pub(super) fn size(self, header: &Header) -> Result<u64, Rule> {
        let field = self.size..self.size.saturating_add(12);
        let field = header.as_bytes().get(field).unwrap_or_default();
        map_number("size of the sparse file", field)
    }

    /// Adds the parts in the header; returns whether a block with more follows.
    pub(super) fn add_header(self, header: &Header, map: &mut Map) -> Result<bool, Rule> {
        let bytes = header.as_bytes();
        let is_full = add_parts(bytes.get(self.parts..), HEADER_PARTS, map)?;
        goes_on(bytes, self.extended, is_full)
    }

    /// Adds the parts in a block that follows the header; returns whether one more follows.
    pub(super) fn add_block(block: &Header, map: &mut Map) -> Result<bool, Rule> {
        let bytes = block.as_bytes();
        let is_full = add_parts(Some(bytes), BLOCK_PARTS, map)?;
        goes_on(bytes, BLOCK_PARTS.saturating_mul(PART_SIZE), is_full)
    }
}

/// Adds parts up to the first without a number; returns whether there was none of those. Python reads
/// the numbers after that one too.
fn add_parts(fields: Option<&[u8]>, count: usize, map: &mut Map) -> Result<bool, Rule> {
    let parts = fields.unwrap_or_default().chunks_exact(PART_SIZE);
    let mut is_full = true;
    for part in parts.take(count) {
        let (offset, length) = part.split_at(PART_SIZE / 2);
        let (offset, number) = (part_number(offset)?, part_number(length)?);
        is_full &= length.first() != Some(&0);
        if is_full {
            map.push(offset, number)?;
        }
    }
    Ok(is_full)
}

fn part_number(field: &[u8]) -> Result<u64, Rule> {
    map_number("part of the sparse file", field)
}

/// Parses a number of a map, in the form that all programs know.
fn map_number(name: &'static str, field: &[u8]) -> Result<u64, Rule> {
    if !number::is_plain(field) {
        return Err(wrong_number(name, field));
    }
    // CAST: the highest `i64` is no negative number.
    unsigned(name, field, i64::MAX as u64)
}

/// Whether the byte at `at` says that a block with more parts follows. GNU tar does not look at it
/// where there was room for more.
fn goes_on(bytes: &[u8], at: usize, is_full: bool) -> Result<bool, Rule> {
    match bytes.get(at) {
        None | Some(0) => Ok(false),
        Some(b'0') => Err(malformed("a digit says that it does not go on")),
        Some(_) if is_full => Ok(true),
        Some(_) => Err(malformed("it goes on after its end")),
    }
}

/// What the `GNU.sparse` records of an extended header say.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    major: u64,
    minor: u64,
    size: Option<u64>,
    count: Option<u64>,
    name: Vec<u8>,
    /// The parts of versions 0.0 and 0.1.
    parts: Vec<(u64, u64)>,
    /// The first number of a part whose second is still to come.
    offset: Option<u64>,
    /// Whether a part came before the number of parts, or that twice.
    is_miscounted: bool,
}

impl Records {
    /// Takes a record, whose keyword is without the prefix. Whether it is known.
    pub(super) fn add(&mut self, keyword: &[u8], value: &[u8]) -> Result<bool, Rule> {
        match keyword {
            b"major" => self.major = record_number(value)?,
            b"minor" => self.minor = record_number(value)?,
            b"size" | b"realsize" => self.size = Some(record_number(value)?),
            b"numblocks" => {
                let earlier = self.count.replace(record_number(value)?);
                self.is_miscounted |= earlier.is_some();
            }
            b"name" => self.name = value.to_vec(),
            b"offset" => {
                self.is_miscounted |= self.count.is_none();
                if self.offset.replace(record_number(value)?).is_some() {
                    return Err(malformed("an offset follows an offset"));
                }
            }
            b"numbytes" => {
                let offset = self.offset.take();
                let offset = offset.ok_or_else(|| malformed("a length follows no offset"))?;
                self.parts.push((offset, record_number(value)?));
            }
            b"map" => {
                self.is_miscounted |= self.count.is_none();
                self.parts = parse_list(value)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The name of the file, where the entry's own is one that was made up; otherwise empty.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether the number of parts does not stand before them, once; or does where the map is in the
    /// data.
    pub(super) fn is_miscounted(&self) -> bool {
        self.is_miscounted || self.major > 0 && self.count.is_some()
    }

    /// The size of the file.
    pub(super) fn size(&self) -> Result<u64, Rule> {
        self.size.ok_or_else(|| malformed("the size is missing"))
    }

    /// Whether the map stands before the data.
    pub(super) fn is_in_data(&self) -> Result<bool, Rule> {
        match (self.major, self.minor) {
            (0, 0 | 1) => Ok(false),
            (1, 0) => Ok(true),
            (major, minor) => Err(Rule::SparseVersion { major, minor }),
        }
    }

    /// Returns the map of versions 0.0 and 0.1.
    pub(super) fn map(&self) -> Result<Map, Rule> {
        let is_complete = self.offset.is_none();
        // CAST: `usize` is at most 64 bits wide.
        let count = self.parts.len() as u64;
        if !is_complete || self.count.is_some_and(|expected| expected != count) {
            return Err(malformed("the number of parts is not the recorded one"));
        }
        let mut map = Map::default();
        for &(offset, length) in &self.parts {
            map.push(offset, length)?;
        }
        Ok(map)
    }
}

fn malformed(reason: &'static str) -> Rule {
    Rule::SparseMap { reason }
}

fn record_number(value: &[u8]) -> Result<u64, Rule> {
    parse_number(value).ok_or_else(|| malformed("a value is no number"))
}

/// Parses a number below 2^63.
fn parse_number(digits: &[u8]) -> Option<u64> {
    parse_decimal(digits).filter(|number| i64::try_from(*number).is_ok())
}

/// Parses version 0.1's list of offsets and lengths.
fn parse_list(value: &[u8]) -> Result<Vec<(u64, u64)>, Rule> {
    let numbers: Option<Vec<u64>> = match value {
        b"" => Some(Vec::new()),
        value => value
            .split(|&byte| byte == b',')
            .map(parse_number)
            .collect(),
    };
    let numbers = numbers.ok_or_else(|| malformed("a value is no number"))?;
    let pairs = numbers.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(malformed("an offset has no length"));
    }
    Ok(pairs
        .filter_map(|pair| match pair {
            &[offset, length] => Some((offset, length)),
            _ => None,
        })
        .collect())
}

/// Reads version 1.0's map, which stands before the data: lines with a number each, of which the
/// first is how many parts follow, filled up to whole sectors.
#[derive(Debug, Default)]
pub(super) struct DataMap {
    map: Map,
    /// Parts that are still to come; `None` before the first line.
    left: Option<u64>,
    offset: Option<u64>,
    digits: Vec<u8>,
}

impl DataMap {
    /// Takes the next sector of the data. Returns the map where this one was its last.
    pub(super) fn add(&mut self, sector: &[u8]) -> Result<Option<Map>, Rule> {
        const DIGITS_MAX: usize = 20;
        for &byte in sector {
            if byte != b'\n' {
                self.digits.push(byte);
                if self.digits.len() > DIGITS_MAX {
                    return Err(malformed("a line is too long for a number"));
                }
                continue;
            }
            let number = parse_number(&self.digits).filter(|_| !self.digits.is_empty());
            let number = number.ok_or_else(|| malformed("a line has no number"))?;
            self.digits.clear();
            if self.add_number(number)? {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
        }
        Ok(None)
    }

    /// Whether this was the last number.
    fn add_number(&mut self, number: u64) -> Result<bool, Rule> {
        let Some(left) = self.left else {
            self.left = Some(number);
            return Ok(number == 0);
        };
        let Some(offset) = self.offset.take() else {
            self.offset = Some(number);
            return Ok(false);
        };
        self.map.push(offset, number)?;
        let left = left.saturating_sub(1);
        self.left = Some(left);
        Ok(left == 0)
    }
}
