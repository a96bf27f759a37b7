// SPDX-License-Identifier: GPL-2.0

//! From entry to entry of an archive.

use layout::SECTOR_SIZE;

use super::entry::{Data, Entry, Extensions};
use super::header::{until_nul, Header, USTAR};
use super::pax::Attributes;
use super::sparse::{self, DataMap, Map, OldMap};
use super::window::Window;
use super::{Difference, Rule, Type};
use crate::image::is_index_header;
use crate::options::ReadOptions;
use crate::{Error, Source};

/// Size of a header, as positions are counted.
const HEADER: u64 = SECTOR_SIZE as u64;

/// Longest extended header, in bytes. Its contents are held in memory.
pub(crate) const EXTENSION_MAX: u64 = 1 << 20;

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
    /// Number of the global records that are not known and were reported with an entry.
    reported: usize,
    /// What the headers before the current entry have that other programs read differently.
    differences: Vec<Difference>,
    options: ReadOptions,
}

/// Why an entry cannot be read: a rule, for which the entry is to be named, or anything else.
enum Problem {
    Rule(Rule),
    Error(Error),
}

impl From<Rule> for Problem {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl<'s> Reader<'s> {
    /// Starts at the first of the `length` bytes of the archive in `source`.
    pub fn new(source: &'s Source, length: u64, options: ReadOptions) -> Self {
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
            reported: 0,
            differences: Vec::new(),
            options,
        }
    }

    /// Byte of the archive after what was read; at the end, the byte after the last entry.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// What the headers after the last entry have that other programs read differently.
    pub fn trailing_differences(&self) -> &[Difference] {
        &self.differences
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
        let mut is_extended = false;
        let mut is_global_last = false;
        loop {
            let Some(at) = self.find_header()? else {
                if is_global_last {
                    self.differences.push(Difference::TrailingGlobal);
                }
                return match (first, self.differences.first()) {
                    (None, Some(&difference)) if self.options.strict => {
                        Err(self.error(self.next, b"", Rule::Difference { difference }))
                    }
                    (None, _) => Ok(None),
                    (Some(first), _) => Err(self.error(first, b"", Rule::NothingExtended)),
                };
            };
            let is_extension = matches!(
                self.header.typeflag,
                b'g' | b'V' | b'L' | b'K' | b'x' | b'X' | b'A'
            );
            if is_extension && !self.header.has_plain_numbers() {
                self.differences.push(Difference::NumberForm);
            }
            is_global_last = self.header.typeflag == b'g';
            match self.header.typeflag {
                b'g' => {
                    let records = self.extension(at)?;
                    let added = self.global.add(&records);
                    added.map_err(|rule| self.error(at, b"", rule))?;
                    self.differences.append(&mut self.global.take_differences());
                    if self.global.take_sparse().is_some() {
                        let reason = "it is in a global header";
                        return Err(self.error(at, b"", Rule::SparseMap { reason }));
                    }
                    if self.global.is_about_files() {
                        self.differences.push(Difference::GlobalRecords);
                    }
                    continue;
                }
                // The label of a volume.
                b'V' => {
                    self.differences.push(Difference::OwnHeader);
                    self.next = at.saturating_add(HEADER);
                    continue;
                }
                b'L' => {
                    let name = self.long_field(at)?;
                    if !std::mem::replace(&mut self.long_name, name).is_empty() {
                        self.differences.push(Difference::TwoLongNames);
                    }
                }
                b'K' => {
                    let target = self.long_field(at)?;
                    if !std::mem::replace(&mut self.long_target, target).is_empty() {
                        self.differences.push(Difference::TwoLongNames);
                    }
                }
                b'x' | b'X' => {
                    let records = self.extension(at)?;
                    let added = self.own.add(&records);
                    added.map_err(|rule| self.error(at, b"", rule))?;
                    self.differences.append(&mut self.own.take_differences());
                    if std::mem::replace(&mut is_extended, true) {
                        self.differences.push(Difference::TwoExtendedHeaders);
                    }
                }
                b'A' => {
                    let contents = self.extension(at)?;
                    self.differences.push(Difference::OwnHeader);
                    let added = self.own.add_solaris_acl(&contents);
                    added.map_err(|rule| self.error(at, b"", rule))?;
                }
                _ => return self.entry(first.unwrap_or(at), at).map(Some),
            }
            first.get_or_insert(at);
        }
    }

    /// Reads the next header; returns the byte at which it is, `None` where the archive ends.
    fn find_header(&mut self) -> Result<Option<u64>, Error> {
        let mut at = self.next;
        loop {
            if self.read_header(at)? {
                // The index that the file has already is a member after zeros.
                let is_index = at > self.next && is_index_header(&self.header);
                return Ok(Some(at).filter(|_| !is_index));
            }
            at = at.saturating_add(HEADER);
            if !self.options.ignore_zeros || self.length.saturating_sub(at) < HEADER {
                return Ok(None);
            }
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
        self.header = *self.window.header(self.source, at)?;
        if self.header.is_zero() {
            self.check_end(at)?;
            return Ok(false);
        }
        match self.header.check() {
            Ok(()) => Ok(true),
            Err(_) if at == 0 => {
                Err(self.not_tar("it does not start with a header whose checksum is right"))
            }
            Err(rule) => Err(self.error(at, b"", rule)),
        }
    }

    /// Checks that the zero block at byte `at` is not a damaged part of an archive that goes on.
    fn check_end(&mut self, at: u64) -> Result<(), Error> {
        let second = at.saturating_add(HEADER);
        let is_last = self.length.saturating_sub(second) < HEADER;
        if is_last
            || self.options.ignore_zeros
            || self.window.header(self.source, second)?.is_zero()
        {
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
        if !contents.contains(&0) {
            self.differences.push(Difference::UnterminatedName);
        }
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
        let records = self.own.take_sparse();
        let data = self.data(at, records.as_deref());
        let mut data = data.map_err(|problem| self.explain(first, problem))?;
        data.differences.append(&mut self.differences);
        if data.sparse.as_ref().is_some_and(|sparse| !sparse.is_whole) {
            data.differences.push(Difference::SparseEnd);
        }
        if let Some(records) = &records {
            if records.is_miscounted() {
                data.differences.push(Difference::SparseCount);
            }
            if self.header.magic != USTAR {
                data.differences.push(Difference::SparseFormat);
            }
        }
        let reported = std::mem::replace(&mut self.reported, self.global.unknown_count());
        let extensions = Extensions {
            reported,
            ..self.extensions()
        };
        let entry = Entry::new(self.name(), &self.header, &extensions, first, data);
        match entry.map(|entry| (entry.differences.first().copied(), entry)) {
            Ok((Some(difference), _)) if self.options.strict => {
                Err(self.error(first, self.name(), Rule::Difference { difference }))
            }
            Ok((_, entry)) => Ok(entry),
            Err(rule) => Err(self.error(first, self.name(), rule)),
        }
    }

    /// Finds the data of the entry whose header is at byte `at`, and goes on after it. `records` are
    /// those of a sparse file.
    fn data(&mut self, at: u64, records: Option<&sparse::Records>) -> Result<Data, Problem> {
        let start = at.saturating_add(HEADER);
        let pax = self.own.over(&self.global);
        let mut data = Data::new(self.name(), &self.header, &pax, start)?;
        if self.global.continues_file() {
            return Err(Rule::MultiVolume.into());
        }
        if self.header.typeflag == b'S' {
            self.read_old_map(&mut data)?;
        } else if let Some(records) = records {
            if data.entry_type != Type::Regular {
                return Err(Rule::SparseType.into());
            }
            self.read_map(records, &mut data)?;
        }
        self.next = self.data_end(data.offset, data.size)?;
        Ok(data)
    }

    /// Reads the map in the header, and in the blocks between it and the data.
    fn read_old_map(&mut self, data: &mut Data) -> Result<(), Problem> {
        let format = OldMap::of(&self.header)?;
        let mut map = Map::default();
        let mut goes_on = format.add_header(&self.header, &mut map)?;
        while goes_on {
            let after = self.data_end(data.offset, HEADER)?;
            let block = self.window.header(self.source, data.offset)?;
            goes_on = OldMap::add_block(block, &mut map)?;
            data.offset = after;
        }
        let size = format.size(&self.header)?;
        data.sparse = Some(map.finish(size, data.offset, data.size)?);
        Ok(())
    }

    /// Reads the map in the records, or before the data.
    fn read_map(&mut self, records: &sparse::Records, data: &mut Data) -> Result<(), Problem> {
        let map = if records.is_in_data()? {
            self.data_end(data.offset, data.size)?;
            self.read_data_map(data)?
        } else {
            records.map()?
        };
        data.sparse = Some(map.finish(records.size()?, data.offset, data.size)?);
        Ok(())
    }

    /// Reads the map before the data, which then starts after it.
    fn read_data_map(&mut self, data: &mut Data) -> Result<Map, Problem> {
        let mut map = DataMap::default();
        while let Some(left) = data.size.checked_sub(HEADER) {
            let sector = self.window.header(self.source, data.offset)?;
            data.offset = data.offset.saturating_add(HEADER);
            data.size = left;
            if let Some(map) = map.add(sector.as_bytes())? {
                return Ok(map);
            }
        }
        Err(Rule::SparseMap {
            reason: "the data ends before it does",
        }
        .into())
    }

    /// The name of the entry whose header was read last.
    fn name(&self) -> &[u8] {
        self.extensions().name(match self.prefixed_name.as_slice() {
            b"" => until_nul(&self.header.name),
            name => name,
        })
    }

    fn extensions(&self) -> Extensions<'_> {
        Extensions {
            pax: self.own.over(&self.global),
            long_name: &self.long_name,
            long_target: &self.long_target,
            reported: self.reported,
            options: self.options,
        }
    }

    fn explain(&self, offset: u64, problem: Problem) -> Error {
        match problem {
            Problem::Rule(rule) => self.error(offset, self.name(), rule),
            Problem::Error(error) => error,
        }
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
