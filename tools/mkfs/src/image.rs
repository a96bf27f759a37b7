// SPDX-License-Identifier: GPL-2.0

//! Images: where the index is after an archive, and whether a file has one already.

use layout::{Superblock, BLOCK_SIZE, SECTOR_SIZE};

use crate::blocks::crc32;
use crate::tar::{self, size_field, write_field, Header};
use crate::{Error, Source, BLOCK, SECTOR};

/// Bytes of zeros that end an archive.
const END_MARK: u64 = 2 * SECTOR;

/// Name of the member that the index is to readers that go on after the archive's end.
const INDEX_NAME: &[u8] = b".tarfs-index";

/// What the member's link name says before the archive's length.
const LENGTH_KEY: &str = "tarfs-length=";

/// Blocks read at once in the search for an index's header.
const SEARCH_BLOCKS: usize = 64;

/// Where an index is in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Length of the archive in bytes.
    pub tar_length: u64,
    /// Byte of the image at which the index's header is; zeros stand between archive and header.
    pub header: u64,
    /// Byte of the image at which index block 0 is.
    pub index: u64,
}

/// Whether a file has an index.
pub enum Existing {
    /// Its last block is no superblock.
    None,
    /// Its last block is a good superblock.
    Good(Box<Superblock>),
    /// Its last block is a superblock that breaks a rule.
    Bad(layout::Error),
}

impl Place {
    /// Places an index after an archive of `tar_length` bytes whose last entry ends at byte
    /// `entries_end`. `None` where the index would be at byte 2^63 or beyond.
    pub fn after(tar_length: u64, entries_end: u64) -> Option<Self> {
        let earliest = entries_end.checked_add(END_MARK)?.max(tar_length);
        let index = earliest
            .checked_add(SECTOR)?
            .checked_next_multiple_of(BLOCK)?;
        i64::try_from(index).ok()?;
        Some(Self {
            tar_length,
            header: index.checked_sub(SECTOR)?,
            index,
        })
    }

    /// Returns where the index of this image is; `None` of an index of its own.
    pub fn of(superblock: &Superblock) -> Option<Self> {
        Some(Self {
            tar_length: superblock.tar_length,
            header: superblock.index_offset.checked_sub(SECTOR)?,
            index: superblock.index_offset,
        })
    }

    /// Returns the header block that stands before an index of `blocks` blocks.
    pub fn header_block(&self, blocks: u64) -> [u8; SECTOR_SIZE] {
        // The superblock ends in the zeros that end an archive.
        let size = blocks.saturating_mul(BLOCK).saturating_sub(END_MARK);
        let link = format!("{LENGTH_KEY}{}", self.tar_length);
        let mut header = Header::zero();
        write_field(&mut header.name, INDEX_NAME);
        write_field(&mut header.mode, b"0000400");
        write_field(&mut header.uid, b"0000000");
        write_field(&mut header.gid, b"0000000");
        write_field(&mut header.mtime, b"00000000000");
        write_field(&mut header.linkname, link.as_bytes());
        header.size = size_field(size);
        header.typeflag = b'0';
        header.magic = tar::USTAR;
        header.version = *b"00";
        header.seal();
        zerocopy::transmute!(header)
    }

    /// Checks that the bytes between the archive and an index of `blocks` blocks are as they were
    /// written.
    ///
    /// # Errors
    ///
    /// [`Error::DamagedIndex`]; [`Error::Io`].
    pub fn check(&self, source: &Source, blocks: u64) -> Result<(), Error> {
        let mut found = [0; SECTOR_SIZE];
        source.read_exact_at(&mut found, self.header)?;
        let is_header = found == self.header_block(blocks);
        if is_header && is_zero(source, self.tar_length, self.header)? {
            return Ok(());
        }
        Err(Error::DamagedIndex {
            path: source.path().into(),
            reason: format!(
                "bytes {} to {}, between the archive and the index, are not as they were written",
                self.tar_length, self.index
            ),
        })
    }

    /// Looks for the header of an index that an earlier run did not complete or that was damaged
    /// since, in a file whose last entry ends at byte `entries_end`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn find(source: &Source, entries_end: u64) -> Result<Option<Self>, Error> {
        let Some(first) = Self::after(0, entries_end) else {
            return Ok(None);
        };
        let mut buffer = vec![0; SEARCH_BLOCKS.saturating_mul(BLOCK_SIZE)];
        let mut position = first.header;
        while position < source.length() {
            let filled = source.read_at(&mut buffer, position)?;
            for block in buffer.get(..filled).unwrap_or_default().chunks(BLOCK_SIZE) {
                if let Some(place) = Self::parse(block, position, entries_end, source.length()) {
                    if is_zero(source, place.tar_length, place.header)? {
                        return Ok(Some(place));
                    }
                }
                position = position.saturating_add(BLOCK);
            }
        }
        Ok(None)
    }

    /// Returns the place that a header says, where it is at byte `position` and the file, of
    /// `length` bytes, does not go on after the index.
    fn parse(block: &[u8], position: u64, entries_end: u64, length: u64) -> Option<Self> {
        let found = block.get(..SECTOR_SIZE)?;
        let header: &Header = zerocopy::FromBytes::ref_from_bytes(found).ok()?;
        if tar::until_nul(&header.name) != INDEX_NAME {
            return None;
        }
        let link = std::str::from_utf8(tar::until_nul(&header.linkname)).ok()?;
        let place = Self::after(link.strip_prefix(LENGTH_KEY)?.parse().ok()?, entries_end)?;
        let size = header.size().ok()?;
        let blocks = size.checked_add(END_MARK)?.checked_div(BLOCK)?;
        let end = place.index.checked_add(blocks.checked_mul(BLOCK)?)?;
        let is_ours = place.header == position && found == place.header_block(blocks);
        (is_ours && length <= end).then_some(place)
    }
}

/// Whether this is the header that stands before an index.
pub(crate) fn is_index_header(header: &Header) -> bool {
    let link = tar::until_nul(&header.linkname);
    tar::until_nul(&header.name) == INDEX_NAME && link.starts_with(LENGTH_KEY.as_bytes())
}

impl Existing {
    /// Looks at the last block of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn read(source: &Source) -> Result<Self, Error> {
        let Some(position) = source.length().checked_sub(BLOCK) else {
            return Ok(Self::None);
        };
        let mut block = [0; BLOCK_SIZE];
        source.read_exact_at(&mut block, position)?;
        Ok(match Superblock::decode(&block, crc32, source.length()) {
            Ok(superblock) => Self::Good(Box::new(superblock)),
            Err(layout::Error::NotTarfs { .. }) => Self::None,
            Err(error) => Self::Bad(error),
        })
    }
}

/// Whether the bytes from `start` up to `end` of a file are zero. It is read up to the first that
/// is not.
///
/// # Errors
///
/// [`Error::Io`].
pub fn is_zero(source: &Source, start: u64, end: u64) -> Result<bool, Error> {
    let mut buffer = vec![0; SEARCH_BLOCKS.saturating_mul(BLOCK_SIZE)];
    let mut position = start;
    while position < end {
        let left = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let bytes = buffer.get_mut(..wanted).unwrap_or_default();
        source.read_exact_at(bytes, position)?;
        if bytes.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        // CAST: at most the buffer's length.
        position = position.saturating_add(wanted as u64);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = |tar_length, entries_end| {
            let place = Place::after(tar_length, entries_end).unwrap();
            assert_eq!(place.header, place.index - 512);
            place.index
        };
        // Header and mark in front of byte 4096 at the latest.
        assert_eq!(place(0, 0), 4096);
        assert_eq!(place(2560, 2560), 4096);
        assert_eq!(place(2561, 2561), 8192);
        assert_eq!(place(3584, 2560), 4096);
        assert_eq!(place(3585, 2560), 8192);
        assert_eq!(Place::after(u64::MAX, 0), None);
        assert_eq!(Place::after(0, u64::MAX - 600), None);
        assert_eq!(Place::after(1 << 63, 0), None);
    }
}
