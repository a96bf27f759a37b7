// SPDX-License-Identifier: GPL-2.0

//! Checksums of what archives hold: a CRC-32 of each block, and the SHA-256 of the whole.

use layout::BLOCK_SIZE;
use sha2::{Digest, Sha256};

use crate::archives::{Archive, Archives};
use crate::blocks::crc32;
use crate::{Error, BLOCK};

/// Bytes read at once, in whole blocks.
const STEP: usize = 1 << 20;

/// Reads archives from their first byte to their last. `each` gets the number of each block of the
/// archives' space, and its CRC-32; `watch` gets, now and then, the number of bytes that were read.
/// Returns the archives' SHA-256 where `with_digests`, otherwise nothing.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Changed`]; those of `each` and of `watch`.
pub fn read(
    archives: &Archives,
    with_digests: bool,
    mut each: impl FnMut(u64, u32) -> Result<(), Error>,
    watch: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Vec<[u8; 32]>, Error> {
    let mut digests = Vec::new();
    for archive in archives.iter() {
        let mut digest = with_digests.then(Sha256::new);
        read_archive(archive, |position, step| {
            watch(position)?;
            if let Some(digest) = &mut digest {
                digest.update(step);
            }
            for (block, number) in step.chunks(BLOCK_SIZE).zip(position / BLOCK..) {
                let rest = BLOCK_SIZE.saturating_sub(block.len());
                let zeros = [0; BLOCK_SIZE];
                each(
                    number,
                    crc32(&[block, zeros.get(..rest).unwrap_or_default()]),
                )?;
            }
            Ok(())
        })?;
        digests.extend(digest.map(|digest| <[u8; 32]>::from(digest.finalize())));
    }
    Ok(digests)
}

/// Calls `visit` with each part of an archive, and its place in the archives' space.
fn read_archive(
    archive: &Archive,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut buffer = vec![0; STEP];
    let mut done: u64 = 0;
    while done < archive.length {
        let left = archive.length.saturating_sub(done);
        let length = usize::try_from(left).unwrap_or(STEP).min(STEP);
        let bytes = buffer.get_mut(..length).unwrap_or_default();
        archive.source.read_exact_at(bytes, done)?;
        visit(archive.start.saturating_add(done), bytes)?;
        // CAST: at most STEP.
        done = done.saturating_add(length as u64);
    }
    Ok(())
}
