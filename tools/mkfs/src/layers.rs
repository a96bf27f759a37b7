// SPDX-License-Identifier: GPL-2.0

//! Several archives as the layers of one tree, as container images have them.
//!
//! Each archive's whiteouts come first and take away what the archives before it have; then its
//! entries are added. So it does not matter in which order an archive has the two.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use layout::LAYERS_MAX;

use crate::archives::Archives;
use crate::image::Existing;
use crate::index::Index;
use crate::interrupt::Interrupt;
use crate::make::{self, Archive, Output, Reading};
use crate::options::{Options, ReadOptions};
use crate::output;
use crate::progress::Progress;
use crate::summary::Summary;
use crate::tar::Reader;
use crate::tree::Builder;
use crate::whiteouts::Mark;
use crate::{Error, Source};

/// Makes one index of several archives, each over those before it, in the file at `file`.
///
/// # Errors
///
/// Any [`Error`]; in each case, what was at `file` is still there.
pub fn make_layers(
    paths: &[PathBuf],
    file: &Path,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let archives = open(paths, file)?;
    let archive = read(&archives, options.read, progress)?;
    let index = Index::new(&archive.tree, &archives, options, file)?;
    let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", file))?;
    let superblock = output::index_only(&archives, &index, file, &interrupt, progress)?;
    Ok(archive.summary(superblock, progress))
}

/// Reads the archives behind an index.
///
/// # Errors
///
/// [`Error::Archive`] and [`Error::NotTar`] where one breaks a rule; [`Error::Io`].
pub(crate) fn read(
    archives: &Archives,
    options: ReadOptions,
    progress: &mut Progress,
) -> Result<Archive, Error> {
    let mut all = Reading::new(options);
    let end = archives.end();
    for (number, archive) in archives.iter().enumerate() {
        let source = &archive.source;
        if number > 0 {
            all.builder.begin_layer();
            hide(&mut all.builder, source, archive.length, options)?;
        }
        all.add(source, archive.length, archive.start, options, progress)?;
        progress.report("read", archive.start.saturating_add(archive.length), end);
    }
    Ok(all.finish())
}

/// Takes away from a tree what the whiteouts of the next layer say.
fn hide(
    tree: &mut Builder,
    source: &Source,
    length: u64,
    options: ReadOptions,
) -> Result<(), Error> {
    let mut reader = Reader::new(source, length, options);
    while let Some(entry) = reader.next_entry()? {
        let hidden = match Mark::of(entry.name) {
            Ok(Some(Mark::Gone { directory, name })) => tree.remove(directory, name),
            Ok(Some(Mark::Opaque { directory })) => tree.remove_children(directory),
            Ok(Some(Mark::Other) | None) => Ok(()),
            Err(rule) => Err(rule),
        };
        hidden.map_err(|rule| Error::archive(source.path(), entry.offset, entry.name, rule))?;
    }
    Ok(())
}

/// Opens and locks the archives. One that is an image counts without its index.
fn open(paths: &[PathBuf], file: &Path) -> Result<Archives, Error> {
    let unusable = |path: &Path, reason| Error::Unusable {
        path: path.into(),
        reason,
    };
    // CAST: `usize` has at least 32 bits here.
    if paths.len() > LAYERS_MAX as usize {
        return Err(unusable(file, "can be the index of at most 500 archives"));
    }
    let mut sources = Vec::new();
    for path in paths {
        let source = make::open(path, Output::IndexOnly(file))?;
        let length = match Existing::read(&source)? {
            Existing::Good(superblock) if superblock.index_offset == 0 => {
                return Err(unusable(path, "is an index without its archive"));
            }
            Existing::Good(superblock) => superblock.tar_length,
            Existing::None => source.length(),
            Existing::Bad(error) => {
                return Err(Error::Index {
                    path: path.clone(),
                    error,
                })
            }
        };
        sources.push((Rc::new(source), length));
    }
    Archives::joined(sources).ok_or_else(|| unusable(file, "would be the index of too many bytes"))
}
