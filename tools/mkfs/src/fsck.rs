// SPDX-License-Identifier: GPL-2.0

//! Checking an index, by itself and against its archives.
//!
//! What is wrong is reported and the check goes on; only what the system fails at ends it. Memory
//! is 12 bytes an inode and a bit for each byte of the regions without records; that suffices for an
//! archive where no file replaces another. Otherwise, reading the archives takes what it takes
//! `mkfs.tarfs`.

mod comparison;
mod paths;
mod proof;
mod report;
mod structure;
mod sums;
mod usage;

use std::fs::File;
use std::path::{Path, PathBuf};

use layout::Superblock;
use rustix::fs::FlockOperation;
use uuid::Uuid;

use crate::archives::Archives;
use crate::image::{Existing, Place};
use crate::index_reader::{IndexReader, Sums};
use crate::interrupt::Interrupt;
use crate::layer_files::LayerFile;
use crate::layers;
use crate::make::{self, Output};
use crate::options::{Label, Options, ReadOptions};
use crate::progress::Progress;
use crate::{Error, Source, BLOCK};

pub use report::{Finding, Report};

/// How many times an index may be in memory as the files that made it, in addition to what is usual.
const MEMORY_FACTOR: u64 = 4;

/// What was checked.
#[derive(Debug, Default)]
pub struct Checked {
    /// The superblock, where there is a good one.
    pub superblock: Option<Superblock>,
    /// Whether the index was compared with its archives.
    pub is_compared: bool,
}

/// Checks the image or index at `path`; `archives` are those of an index of its own.
///
/// # Errors
///
/// [`Error::Io`], [`Error::Locked`] and [`Error::Changed`]; [`Error::Index`] where the index is of a
/// version or has a feature that is not known; [`Error::NotIndexed`] where the file has no index;
/// [`Error::Unusable`] where the archives are not those of the index.
pub fn check(
    path: &Path,
    archives: &[PathBuf],
    report: &mut Report,
    progress: &mut Progress,
) -> Result<Checked, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    make::lock(&file, path, FlockOperation::NonBlockingLockShared)?;
    let source = Source::new(path, file)?;
    let superblock = match Existing::read(&source)? {
        Existing::Good(superblock) => *superblock,
        Existing::Bad(error) if error.is_unsupported() => {
            return Err(Error::Index {
                path: path.into(),
                error,
            })
        }
        Existing::Bad(error) => {
            report.add(error);
            return Ok(Checked::default());
        }
        Existing::None => {
            check_unfinished(&source, archives, report, progress)?;
            return Ok(Checked::default());
        }
    };
    let index = IndexReader::new(source, superblock, Sums::Ignore);
    let opened = Archives::open(&index, archives);
    let archives = broken_index(opened, report)?.flatten();
    sums::check_index(&index, report, progress)?;
    let paths = structure::check(&index, report, progress)?;
    let read_options = read_options(index.superblock());
    if let Some(archives) = &archives {
        let proved = match report.count() {
            0 => proof::prove(&index, &paths, archives, read_options, progress)?,
            _ => None,
        };
        if let Some(entries_end) = proved {
            check_place(&index, entries_end, report)?;
        } else {
            let read = layers::read(archives, read_options, progress);
            if let Some(archive) = broken_archive(read, report)? {
                comparison::compare(&index, &archive.tree, &paths, report, progress)?;
                check_place(&index, archive.end(), report)?;
            }
        }
        sums::check_data(&index, archives, report, progress)?;
    }
    Ok(Checked {
        superblock: Some(index.superblock().clone()),
        is_compared: archives.is_some(),
    })
}

/// Makes the index again from the archives. The UUID, the label and how the archives are read stay,
/// where the superblock still has them.
///
/// # Errors
///
/// Those of [`make::make`], which say what they leave behind.
pub fn repair(
    path: &Path,
    archives: &[PathBuf],
    checked: &Checked,
    progress: &mut Progress,
) -> Result<(), Error> {
    let superblock = checked.superblock.as_ref();
    let options = Options {
        alignment: None,
        uuid: superblock.map(|superblock| Uuid::from_bytes(superblock.uuid)),
        label: Label(superblock.map_or([0; 64], |superblock| superblock.label)),
        read: superblock.map(read_options).unwrap_or_default(),
        data_sums: superblock.is_some_and(|superblock| superblock.data_sums.records() > 0),
    };
    match archives {
        [] if superblock.is_some_and(|superblock| superblock.index_offset == 0) => {
            Err(Error::Unusable {
                path: path.into(),
                reason: "is an index without its archive; name the archive to repair it",
            })
        }
        [] => make::make(path, Output::InPlace, &options, progress).map(|_| ()),
        [archive] => make::make(archive, Output::IndexOnly(path), &options, progress).map(|_| ()),
        several => {
            let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", path))?;
            let files = several.iter().cloned().map(LayerFile::at).collect();
            layers::make_layers(files, path, &options, &interrupt, progress).map(|_| ())
        }
    }
}

/// How the archives of an index are read: as they were, and with the memory that made so much index.
fn read_options(superblock: &Superblock) -> ReadOptions {
    let index_bytes = superblock.index_blocks.saturating_mul(BLOCK);
    ReadOptions {
        more_memory: index_bytes.saturating_mul(MEMORY_FACTOR),
        ..ReadOptions::from_features(superblock.features_compat)
    }
}

/// Looks for the remains of an index in a file without a superblock.
fn check_unfinished(
    source: &Source,
    archives: &[PathBuf],
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), Error> {
    let path = source.path();
    if !archives.is_empty() {
        return Err(Error::Unusable {
            path: path.into(),
            reason: "is no index: its last block is no superblock",
        });
    }
    let archive = make::read_entries(source, source.length(), ReadOptions::default(), progress)?;
    if Place::find(source, archive.end())?.is_none() {
        return Err(Error::NotIndexed { path: path.into() });
    }
    report.add("the index has no superblock: what wrote it was killed, or the image was cut off");
    Ok(())
}

/// Checks that an image's index is where it has to be, and what stands before it. The archive's last
/// entry ends at byte `entries_end`.
fn check_place(index: &IndexReader, entries_end: u64, report: &mut Report) -> Result<(), Error> {
    let superblock = index.superblock();
    let Some(place) = Place::of(superblock) else {
        return Ok(());
    };
    if Place::after(superblock.tar_length, entries_end) != Some(place) {
        report.add(format!(
            "the index is at byte {}, which is not where an archive of {} bytes puts it",
            superblock.index_offset, superblock.tar_length
        ));
    }
    match place.check(index.source(), superblock.index_blocks) {
        Err(error @ Error::DamagedIndex { .. }) => report.add(error),
        other => other?,
    }
    Ok(())
}

/// Reports the rule that an index breaks.
fn broken_index<T>(result: Result<T, Error>, report: &mut Report) -> Result<Option<T>, Error> {
    match structure::broken_rule(result)? {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            report.add(error);
            Ok(None)
        }
    }
}

/// Reports the rule that an archive breaks: no index can be made from it.
fn broken_archive<T>(result: Result<T, Error>, report: &mut Report) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ (Error::Archive { .. } | Error::NotTar { .. })) => {
            report.add_data(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
