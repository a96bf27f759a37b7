// SPDX-License-Identifier: GPL-2.0

//! Whether a file is an image, and its index whole.

use std::fs::File;
use std::path::Path;

use layout::{check_sum, Superblock, BLOCK_SIZE, PAYLOAD_SIZE};

use crate::blocks::crc32;
use crate::image::{Existing, Place};
use crate::{Error, Source, BLOCK};

/// Reads the superblock and verifies all checksums of the index. `None` where the file has no
/// index.
///
/// # Errors
///
/// [`Error::Index`] and [`Error::DamagedIndex`] where the index is damaged; [`Error::Io`].
pub fn check(path: &Path) -> Result<Option<Superblock>, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let source = Source::new(path, file)?;
    let damaged = |error| Error::Index {
        path: path.into(),
        error,
    };
    let superblock = match Existing::read(&source)? {
        Existing::None => return Ok(None),
        Existing::Bad(error) => return Err(damaged(error)),
        Existing::Good(superblock) => *superblock,
    };
    let mut block = [0; BLOCK_SIZE];
    for number in 0..superblock.data_sums.end() {
        read_block(&source, &superblock, number, &mut block)?;
        let (payload, _) = block.split_at(PAYLOAD_SIZE);
        check_sum(number, crc32(&[payload]), &block).map_err(damaged)?;
    }
    if let Some(place) = Place::of(&superblock) {
        place.check(&source, superblock.index_blocks)?;
    }
    Ok(Some(superblock))
}

fn read_block(
    source: &Source,
    superblock: &Superblock,
    number: u32,
    block: &mut [u8; BLOCK_SIZE],
) -> Result<(), Error> {
    let position = u64::from(number).saturating_mul(BLOCK);
    source.read_exact_at(block, superblock.index_offset.saturating_add(position))
}
