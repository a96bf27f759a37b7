// SPDX-License-Identifier: GPL-2.0

//! Checksums: those of the index's blocks, and those of what the archives hold.

use layout::{check_data_sum, BLOCK_SIZE};
use sha2::{Digest, Sha256};

use super::report::Report;
use super::structure::broken_rule;
use crate::archives::Archives;
use crate::blocks::crc32;
use crate::index_reader::IndexReader;
use crate::progress::Progress;
use crate::{Error, BLOCK};

/// Bytes read at once.
const STEP: usize = 1 << 20;

/// Blocks checked between two reports of progress.
const BLOCKS_A_REPORT: u32 = 1024;

/// Verifies the checksums of all blocks of an index.
///
/// # Errors
///
/// [`Error::Io`].
pub fn check_index(
    index: &IndexReader,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), Error> {
    let superblock = index.superblock();
    let blocks = superblock.data_sums.end();
    for number in 0..blocks {
        if let Err(error) = index.check_sum(number)? {
            report.add(error);
        }
        if number % BLOCKS_A_REPORT == 0 {
            let done = u64::from(number).saturating_mul(BLOCK);
            progress.report("verified", done, u64::from(blocks).saturating_mul(BLOCK));
        }
    }
    Ok(())
}

/// Verifies the checksums of the archives' blocks and of whole archives, where there are any.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::Changed`].
pub fn check_data(
    index: &IndexReader,
    archives: &Archives,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), Error> {
    let superblock = index.superblock();
    let has_digest = archives.iter().any(|archive| archive.sha256.is_some());
    if superblock.data_sums.records() == 0 && !has_digest {
        return Ok(());
    }
    for archive in archives.iter() {
        let mut digest = archive.sha256.map(|_| Sha256::new());
        let mut buffer = vec![0; STEP];
        let mut done: u64 = 0;
        while done < archive.length {
            let position = archive.start.saturating_add(done);
            archives.read_at(&mut buffer, position)?;
            // CAST: `usize` is at most 64 bits wide.
            let left = archive.length.saturating_sub(done).min(STEP as u64);
            // CAST: at most the buffer's length.
            let bytes = buffer.get(..left as usize).unwrap_or_default();
            if let Some(digest) = &mut digest {
                digest.update(bytes);
            }
            let blocks = left.div_ceil(BLOCK);
            for (block, number) in buffer
                .chunks(BLOCK_SIZE)
                .zip(position / BLOCK..)
                .take(blocks as usize)
            {
                check_block(index, number, block, report)?;
            }
            done = done.saturating_add(left);
            progress.report("data verified", position, superblock.tar_length);
        }
        if digest.map(|digest| digest.finalize().into()) != archive.sha256 {
            let path = archive.source.path().display();
            report.add_data(format!(
                "{path}: SHA-256 is not the recorded one: the data is damaged"
            ));
        }
    }
    Ok(())
}

/// Verifies the checksum of block `number` of the archives' space, if there is one.
fn check_block(
    index: &IndexReader,
    number: u64,
    block: &[u8],
    report: &mut Report,
) -> Result<(), Error> {
    let Some(position) = index.superblock().data_sum_position(number) else {
        return Ok(());
    };
    let Ok(sums) = broken_rule(index.block(position.block))? else {
        return Ok(());
    };
    let computed = crc32(&[block]);
    if let Err(error) = check_data_sum(number, computed, sums.as_slice(), position.offset) {
        report.add_data(error);
    }
    Ok(())
}
