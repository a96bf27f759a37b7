// SPDX-License-Identifier: GPL-2.0

//! The part of an archive that was read last.

use zerocopy::FromBytes;

use super::header::Header;
use crate::{Error, Source};

/// Bytes read at once. Headers that lie close together, as extended headers and those around small
/// files do, then take one read. Where one read follows the other, there is little else: they grow.
const SIZE: usize = 1 << 12;
const SIZE_MAX: usize = 1 << 16;

/// A window on a source, which moves when something outside it is asked for.
#[derive(Default)]
pub(super) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Returns the header block at byte `at`, which is within the source.
    pub(super) fn header(&mut self, source: &Source, at: u64) -> Result<&Header, Error> {
        if self.header_inside(at).is_none() {
            self.move_to(source, at)?;
        }
        self.header_inside(at).ok_or_else(|| source.changed())
    }

    fn move_to(&mut self, source: &Source, at: u64) -> Result<(), Error> {
        let size = match self.after(at) {
            Some(_) => self.bytes.len().saturating_mul(2).clamp(SIZE, SIZE_MAX),
            None => SIZE,
        };
        self.bytes.resize(size, 0);
        let filled = source.read_at(&mut self.bytes, at)?;
        self.bytes.truncate(filled);
        self.start = at;
        Ok(())
    }

    /// Fills `out` from byte `at` on; the bytes are within the source.
    pub(super) fn read(&self, source: &Source, at: u64, out: &mut [u8]) -> Result<(), Error> {
        if let Some(bytes) = self.after(at).and_then(|bytes| bytes.get(..out.len())) {
            out.copy_from_slice(bytes);
            return Ok(());
        }
        source.read_exact_at(out, at)
    }

    fn header_inside(&self, at: u64) -> Option<&Header> {
        let (header, _) = Header::ref_from_prefix(self.after(at)?).ok()?;
        Some(header)
    }

    fn after(&self, at: u64) -> Option<&[u8]> {
        let skipped = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(skipped..)
    }
}
