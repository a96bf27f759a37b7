// SPDX-License-Identifier: GPL-2.0

//! Checksums: those of the index's blocks, and those of what the archives hold.

use super::report::Report;
use super::structure::broken_rule;
use crate::archives::Archives;
use crate::data_sums;
use crate::index_reader::IndexReader;
use crate::progress::Progress;
use crate::{Error, BLOCK};

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
    let digests = data_sums::read(
        archives,
        has_digest,
        |number, computed| check_block(index, number, computed, report),
        &mut |done| {
            progress.report("data verified", done, superblock.tar_length);
            Ok(())
        },
    )?;
    for (archive, digest) in archives.iter().zip(digests) {
        if archive.sha256.is_some_and(|recorded| recorded != digest) {
            let path = archive.source.path().display();
            let rule = "SHA-256 is not the recorded one: the data is damaged";
            report.add_data(format!("{path}: {rule}"));
        }
    }
    Ok(())
}

/// Verifies the checksum of block `number` of the archives' space, if there is one.
fn check_block(
    index: &IndexReader,
    number: u64,
    computed: u32,
    report: &mut Report,
) -> Result<(), Error> {
    if let Err(error) = broken_rule(index.check_data(number, computed))? {
        // A block of sums that is damaged itself, which was reported, says nothing about the data.
        let position = index.superblock().data_sum_position(number);
        let is_sound = position.map(|position| index.check_sum(position.block));
        if is_sound.transpose()?.is_some_and(|checked| checked.is_ok()) {
            report.add_data(error);
        }
    }
    Ok(())
}
