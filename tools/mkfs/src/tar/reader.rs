// SPDX-License-Identifier: GPL-2.0

//! From entry to entry of an archive.

use layout::SECTOR_SIZE;

use super::entry::{Entry, Extensions};
use super::header::{until_nul, Header};
use super::pax::Attributes;
use super::window::Window;
use super::{NotKept, Rule};
use crate::{Error, Source};

/// Size of a header, as positions are counted.
const HEADER: u64 = SECTOR_SIZE as u64;

/// Longest extended header, in bytes. Its contents are held in memory.
const EXTENSION_MAX: u64 = 1 << 20;

/// Reads an archive's entries one after the other.
pub struct Reader<'s> {
    source: &'s Source,
    /// Length of the archive in bytes; what the file has after it is not read.
    length: u64,
    /// Byte of the archive at which the next header is expected.
    next: u64,
    window: Window,
    /// The header of the current entry, and its name where it has a prefix.
    header: Header,
    prefixed_name: Vec<u8>,
    /// What extended headers say: global ones, and those of the current entry.
    global: Attributes,
    own: Attributes,
    long_name: Vec<u8>,
    long_target: Vec<u8>,
    /// Records of the headers before the current entry whose keyword is not known.
    unknown: Vec<NotKept>,
}

impl<'s> Reader<'s> {
    /// Starts at the first of the `length` bytes of the archive in `source`.
    pub fn new(source: &'s Source, length: u64) -> Self {
        Self {
            source,
            length,
            next: 0,
            window: Window::default(),
            header: Header::zero(),
            prefixed_name: Vec::new(),
            global: Attributes::default(),
            own: Attributes::default(),
            long_name: Vec::new(),
            long_target: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Byte of the archive after what was read; at the end, the byte after the last entry.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Returns the next entry; `None` at the end of the archive.
    ///
    /// # Errors
    ///
    /// [`Error::Archive`] or [`Error::NotTar`] where the archive breaks a rule; [`Error::Io`].
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, Error> {
        self.own = Attributes::default();
        self.long_name.clear();
        self.long_target.clear();
        let mut first = None;
        loop {
            let at = self.next;
            if !self.read_header(at)? {
                return match first {
                    None => Ok(None),
                    Some(first) => Err(self.error(first, b"", Rule::NothingExtended)),
                };
            }
            match self.header.typeflag {
                b'g' => {
                    let records = self.extension(at)?;
                    let added = self.global.add(&records);
                    added.map_err(|rule| self.error(at, b"", rule))?;
                    self.unknown.append(&mut self.global.take_unknown());
                    continue;
                }
                // The label of a volume.
                b'V' => {
                    self.next = at.saturating_add(HEADER);
                    continue;
                }
                b'L' => self.long_name = self.long_field(at)?,
                b'K' => self.long_target = self.long_field(at)?,
                b'x' | b'X' => {
                    let records = self.extension(at)?;
                    let added = self.own.add(&records);
                    added.map_err(|rule| self.error(at, b"", rule))?;
                    self.unknown.append(&mut self.own.take_unknown());
                }
                _ => return self.entry(first.unwrap_or(at), at).map(Some),
            }
            first.get_or_insert(at);
        }
    }

    /// Reads the header at byte `at`; returns whether there is one or the archive ends.
    fn read_header(&mut self, at: u64) -> Result<bool, Error> {
        let left = self.length.saturating_sub(at);
        if left == 0 && at > 0 {
            return Ok(false);
        }
        if left < HEADER {
            return Err(match at {
                0 => self.not_tar("it is shorter than a header"),
                _ => self.error(at, b"", Rule::HeaderTruncated),
            });
        }
        self.header = self.window.header(self.source, at)?;
        if self.header.is_zero() {
            self.check_end(at)?;
            return Ok(false);
        }
        match self.header.check() {
            Ok(()) => Ok(true),
            Err(_) if at == 0 => Err(self.not_tar(self.header.guess())),
            Err(rule) => Err(self.error(at, b"", rule)),
        }
    }

    /// Checks that the zero block at byte `at` is not a damaged part of an archive that goes on.
    fn check_end(&mut self, at: u64) -> Result<(), Error> {
        let second = at.saturating_add(HEADER);
        let is_last = self.length.saturating_sub(second) < HEADER;
        if is_last || self.window.header(self.source, second)?.is_zero() {
            return Ok(());
        }
        Err(self.error(at, b"", Rule::LoneZeroBlock))
    }

    /// Returns the contents of the extended header at byte `at`, and goes on after them.
    fn extension(&mut self, at: u64) -> Result<Vec<u8>, Error> {
        let start = at.saturating_add(HEADER);
        let (size, end) = self
            .extension_size(start)
            .map_err(|rule| self.error(at, until_nul(&self.header.name), rule))?;
        let mut contents = vec![0; size];
        self.window.read(self.source, start, &mut contents)?;
        self.next = end;
        Ok(contents)
    }

    /// Returns the size of the extended header whose contents start at byte `start`, and the byte
    /// after them and their padding.
    fn extension_size(&self, start: u64) -> Result<(usize, u64), Rule> {
        let size = self.header.size()?;
        if size > EXTENSION_MAX {
            return Err(Rule::ExtensionTooLong {
                size,
                max: EXTENSION_MAX,
            });
        }
        // CAST: at most EXTENSION_MAX.
        Ok((size as usize, self.data_end(start, size)?))
    }

    /// Returns the long name or target that GNU tar wrote at byte `at`, and goes on after it.
    fn long_field(&mut self, at: u64) -> Result<Vec<u8>, Error> {
        let contents = self.extension(at)?;
        match until_nul(&contents) {
            b"" => Err(self.error(at, b"", Rule::NameEmpty)),
            name => Ok(name.to_vec()),
        }
    }

    /// Returns the byte after data of `size` bytes from byte `start` on and its padding.
    fn data_end(&self, start: u64, size: u64) -> Result<u64, Rule> {
        size.checked_next_multiple_of(HEADER)
            .and_then(|padded| padded.checked_add(start))
            .filter(|end| *end <= self.length)
            .ok_or(Rule::Truncated {
                start,
                size,
                length: self.length,
            })
    }

    /// Returns the entry whose header, just read, is at byte `at` and whose first one at `first`.
    fn entry(&mut self, first: u64, at: u64) -> Result<Entry<'_>, Error> {
        self.header.prefixed_name(&mut self.prefixed_name);
        let extensions = Extensions {
            pax: self.own.over(&self.global),
            long_name: &self.long_name,
            long_target: &self.long_target,
        };
        let name = extensions.name(match self.prefixed_name.as_slice() {
            b"" => until_nul(&self.header.name),
            name => name,
        });
        let data = at.saturating_add(HEADER);
        let mut entry = Entry::new(name, &self.header, &extensions, first, data)
            .map_err(|rule| self.error(first, name, rule))?;
        entry.not_kept.append(&mut self.unknown);
        self.next = self
            .data_end(data, entry.size)
            .map_err(|rule| self.error(first, name, rule))?;
        Ok(entry)
    }

    fn error(&self, offset: u64, name: &[u8], rule: Rule) -> Error {
        Error::archive(self.source.path(), offset, name, rule)
    }

    fn not_tar(&self, reason: &'static str) -> Error {
        Error::NotTar {
            path: self.source.path().into(),
            reason,
        }
    }
}
