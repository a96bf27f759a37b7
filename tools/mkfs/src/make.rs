// SPDX-License-Identifier: GPL-2.0

//! From an archive to an image.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

use layout::Superblock;
use rustix::fs::FlockOperation;

use crate::align::Alignment;
use crate::archives::Archives;
use crate::image::{is_zero, Existing, Place};
use crate::index::Index;
use crate::interrupt::Interrupt;
use crate::notes::Notes;
use crate::options::{Options, ReadOptions};
use crate::output;
use crate::progress::Progress;
use crate::spool::Spooled;
use crate::stream::Stream;
use crate::summary::Summary;
use crate::tar::{Reader, Reason};
use crate::tree::{Builder, Tree};
use crate::whiteouts::Whiteouts;
use crate::{Error, Source};

/// Entries read between two reports of progress.
const ENTRIES_A_REPORT: u64 = 64;

/// Where the index goes.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// To the end of the archive's file.
    InPlace,
    /// After a copy of the archive, in this file.
    Image(&'a Path),
    /// Into this file.
    IndexOnly(&'a Path),
}

/// Archives that are being read.
pub(crate) struct Reading {
    pub(crate) builder: Builder,
    found: Found,
}

/// An archive that was read to its end, or several.
pub(crate) struct Archive {
    pub(crate) tree: Tree,
    found: Found,
}

/// What archives have besides files.
#[derive(Default)]
struct Found {
    entries: u64,
    /// Byte after the last entry, of the last archive.
    end: u64,
    xattrs_left_out: Notes,
    records_left_out: Notes,
    differing: Notes,
}

/// Makes the archive at `path` mountable. Everything is read, checked and laid out before the first
/// byte is written.
///
/// # Errors
///
/// Any [`Error`]; see [`output::append`] for what that means for the archive.
pub fn make(
    path: &Path,
    output: Output<'_>,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    if path.is_dir() {
        return make_of_directory(path, output, options, progress);
    }
    if let Some(stream) = Stream::open(path)? {
        return make_of_stream(stream, path, output, options, progress);
    }
    let source = Rc::new(open(path, output)?);
    if let (Some(alignment), Output::Image(image)) = (options.alignment, output) {
        let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", path))?;
        return make_aligned(&source, alignment, image, &interrupt, options, progress);
    }
    let (archive, tar_length) = read(&source, options.read, progress)?;
    let place = Place::after(tar_length, archive.end()).ok_or_else(|| too_long(&source))?;
    let archives = Archives::one(Rc::clone(&source), tar_length, None);
    let index = Index::new(&archive.tree, &archives, options, path)?;
    // Until here nothing was written, and a signal may end the run as it always does.
    let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", path))?;
    let superblock = match output {
        Output::InPlace => output::append(&source, place, &index, &interrupt, progress)?,
        Output::Image(image) => output::copy(&source, place, &index, image, &interrupt, progress)?,
        Output::IndexOnly(file) => {
            output::index_only(&archives, &index, file, Vec::new(), &interrupt, progress)?
        }
    };
    Ok(archive.summary(superblock, progress))
}

/// Makes an image of an archive that is made of a directory.
fn make_of_directory(
    path: &Path,
    output: Output<'_>,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let unusable = |reason| Error::Unusable {
        path: path.into(),
        reason,
    };
    let Output::Image(image) = output else {
        return Err(unusable("is a directory; use -o IMAGE"));
    };
    let directory = image.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new(".")).canonicalize();
    let root = path.canonicalize();
    if matches!((&directory, &root), (Ok(directory), Ok(root)) if directory.starts_with(root)) {
        return Err(unusable(
            "is where the output is to be; name another place for that",
        ));
    }
    let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", path))?;
    let spooled = Spooled::packed(path, image, &interrupt)?;
    make_of_written(spooled, path, image, &interrupt, options, progress)
}

/// Makes an image of an archive that cannot be read at positions: it is first written to where the
/// image will be.
fn make_of_stream(
    stream: Stream,
    path: &Path,
    output: Output<'_>,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let unusable = |reason| Error::Unusable {
        path: path.into(),
        reason,
    };
    let Output::Image(image) = output else {
        return Err(unusable("is compressed or no file; use -o IMAGE"));
    };
    if is_same_file(path, image) {
        return Err(unusable(
            "is the output, too; name another file for the output",
        ));
    }
    let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", path))?;
    let spooled = Spooled::stream(stream, path, image, &interrupt, progress)?;
    make_of_written(spooled, path, image, &interrupt, options, progress)
}

/// Makes an image of an archive that was written to where the image will be, aligned if that is asked
/// for.
fn make_of_written(
    spooled: Spooled<'_>,
    path: &Path,
    image: &Path,
    interrupt: &Interrupt,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    match options.alignment {
        None => make_of_spooled(spooled, path, options, progress),
        Some(alignment) => {
            let source = spooled.source(path)?;
            make_aligned(&source, alignment, image, interrupt, options, progress)
        }
    }
}

/// Makes an image of an archive whose files' data is then aligned.
fn make_aligned(
    source: &Source,
    alignment: Alignment,
    image: &Path,
    interrupt: &Interrupt,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    // The archive as it is says where it ends, and what is wrong with it.
    let (_, length) = read(source, options.read, progress)?;
    let spooled = Spooled::aligned(
        source,
        length,
        options.read,
        alignment,
        image,
        interrupt,
        progress,
    )?;
    make_of_spooled(spooled, source.path(), options, progress)
}

fn make_of_spooled(
    spooled: Spooled<'_>,
    path: &Path,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let source = Rc::new(spooled.source(path)?);
    let (archive, tar_length) = read(&source, options.read, progress)?;
    let place = Place::after(tar_length, archive.end()).ok_or_else(|| too_long(&source))?;
    let archives = Archives::one(source, tar_length, None);
    let index = Index::new(&archive.tree, &archives, options, path)?;
    let superblock = spooled.complete(place, &index, progress)?;
    Ok(archive.summary(superblock, progress))
}

fn is_same_file(path: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    identity(path).is_some_and(|found| identity(other) == Some(found))
}

/// Opens and locks the archive.
pub(crate) fn open(path: &Path, output: Output<'_>) -> Result<Source, Error> {
    let in_place = matches!(output, Output::InPlace);
    let file = OpenOptions::new()
        .read(true)
        .write(in_place)
        .open(path)
        .map_err(Error::io("open", path))?;
    let lock = if in_place {
        FlockOperation::NonBlockingLockExclusive
    } else {
        FlockOperation::NonBlockingLockShared
    };
    self::lock(&file, path, lock)?;
    let source = Source::new(path, file)?;
    let unusable = |reason| {
        Err(Error::Unusable {
            path: path.into(),
            reason,
        })
    };
    match output {
        Output::InPlace if source.is_device() => {
            unusable("is a device, which cannot grow; use --index-only")
        }
        Output::Image(other) | Output::IndexOnly(other) if source.is_same_file(other) => {
            unusable("is the archive itself; name another file for the output")
        }
        _ => Ok(source),
    }
}

/// Locks a file against other runs.
pub(crate) fn lock(file: &File, path: &Path, operation: FlockOperation) -> Result<(), Error> {
    rustix::fs::flock(file, operation).map_err(|error| match error {
        rustix::io::Errno::WOULDBLOCK => Error::Locked { path: path.into() },
        _ => Error::io("lock", path)(error.into()),
    })
}

/// Reads the archive in a file; returns its length too, without an index that the file has.
fn read(
    source: &Source,
    options: ReadOptions,
    progress: &mut Progress,
) -> Result<(Archive, u64), Error> {
    let bad_index = match Existing::read(source)? {
        Existing::Good(superblock) if superblock.index_offset == 0 => {
            return Err(Error::Unusable {
                path: source.path().into(),
                reason: "is an index without its archive",
            });
        }
        Existing::Good(superblock) => {
            let tar_length = superblock.tar_length;
            let archive = read_entries(source, tar_length, options, progress)?;
            let place = Place::after(tar_length, archive.end()).ok_or_else(|| too_long(source))?;
            if Place::of(&superblock) != Some(place) {
                return Err(Error::DamagedIndex {
                    path: source.path().into(),
                    reason: format!("it is not where the archive's {tar_length} bytes put it"),
                });
            }
            place.check(source, superblock.index_blocks)?;
            return Ok((archive, tar_length));
        }
        Existing::Bad(error) if error.is_unsupported() => {
            return Err(Error::Index {
                path: source.path().into(),
                error,
            });
        }
        Existing::Bad(error) => Some(error),
        Existing::None => None,
    };
    let archive = read_entries(source, source.length(), options, progress)?;
    match (Place::find(source, archive.end())?, bad_index) {
        (Some(place), _) => Ok((archive, place.tar_length)),
        (None, None) => Ok((archive, source.length())),
        // Where the archive ends, nothing says any more.
        (None, Some(error)) => Err(Error::Index {
            path: source.path().into(),
            error,
        }),
    }
}

/// Reads the archive that is the first `length` bytes of a file.
///
/// # Errors
///
/// [`Error::Archive`] and [`Error::NotTar`] where it breaks a rule; [`Error::Io`].
pub(crate) fn read_entries(
    source: &Source,
    length: u64,
    options: ReadOptions,
    progress: &mut Progress,
) -> Result<Archive, Error> {
    let mut reading = Reading::new(options);
    reading.add(source, length, 0, options, progress)?;
    Ok(reading.finish())
}

impl Reading {
    /// Starts with no entry.
    pub(crate) fn new(options: ReadOptions) -> Self {
        Self {
            builder: Builder::new(options.more_memory),
            found: Found::default(),
        }
    }

    /// Ends with what was read.
    pub(crate) fn finish(self) -> Archive {
        Archive {
            tree: self.builder.finish(),
            found: self.found,
        }
    }

    /// Adds the entries of an archive, the first `length` bytes of a file, which is at byte `start` of
    /// the space of all archives.
    ///
    /// # Errors
    ///
    /// As for [`read_entries`].
    pub(crate) fn add(
        &mut self,
        source: &Source,
        length: u64,
        start: u64,
        options: ReadOptions,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let mut entries: u64 = 0;
        let mut whiteouts = Whiteouts::new(options.whiteouts);
        let mut reader = Reader::new(source, length, options);
        while let Some(mut entry) = reader.next_entry()? {
            let offset = entry.offset;
            entry.move_by(start);
            let is_whiteout = whiteouts.take(&entry);
            let added = is_whiteout.and_then(|is_whiteout| match is_whiteout {
                true => Ok(()),
                false => self.builder.add(&entry),
            });
            added.map_err(|rule| Error::archive(source.path(), offset, entry.name, rule))?;
            for not_kept in &entry.not_kept {
                let notes = match not_kept.reason {
                    Reason::UnknownRecord => &mut self.found.records_left_out,
                    _ => &mut self.found.xattrs_left_out,
                };
                notes.add_not_kept(entry.name, not_kept);
            }
            if let Some(&difference) = entry.differences.first() {
                self.found.differing.add_difference(entry.name, difference);
            }
            entries = entries.saturating_add(1);
            if entries % ENTRIES_A_REPORT == 0 {
                progress.report("read", reader.position(), length);
            }
        }
        if let Some(&difference) = reader.trailing_differences().first() {
            self.found.differing.add_difference(b"", difference);
        }
        self.found.end = reader.position();
        self.found.entries = self.found.entries.saturating_add(entries);
        whiteouts.finish(&mut self.builder).map_err(|problem| {
            Error::archive(source.path(), problem.offset, &problem.name, problem.rule)
        })?;
        // Zeros alone are an empty archive, but much that is no archive starts with some.
        if entries == 0
            && Place::find(source, self.found.end)?.is_none()
            && !is_zero(source, 0, length)?
        {
            return Err(Error::NotTar {
                path: source.path().into(),
                reason: "it starts with zeros, and has other data after them",
            });
        }
        Ok(())
    }
}

impl Archive {
    /// Byte after the last entry, of the last archive.
    pub(crate) fn end(&self) -> u64 {
        self.found.end
    }

    /// Says what was made of these archives.
    pub(crate) fn summary(self, superblock: Superblock, progress: &Progress) -> Summary {
        Summary {
            entries: self.found.entries,
            superblock,
            xattrs_left_out: self.found.xattrs_left_out,
            records_left_out: self.found.records_left_out,
            differing: self.found.differing,
            layers: Vec::new(),
            elapsed: progress.elapsed(),
        }
    }
}

fn too_long(source: &Source) -> Error {
    Error::Unusable {
        path: source.path().into(),
        reason: "is too long for an index after it; use --index-only",
    }
}
