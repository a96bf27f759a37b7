// SPDX-License-Identifier: GPL-2.0

//! Several archives as the layers of one tree, as container images have them.
//!
//! Each archive's whiteouts come first and take away what the archives before it have; then its
//! entries are added. So it does not matter in which order an archive has the two.

use std::path::Path;

use layout::LAYERS_MAX;

use crate::archives::Archives;
use crate::index::Index;
use crate::interrupt::Interrupt;
use crate::layer_files::LayerFile;
use crate::make::{Archive, Reading};
use crate::options::{Options, ReadOptions};
use crate::output;
use crate::progress::Progress;
use crate::summary::{Layer, Summary};
use crate::tar::Reader;
use crate::tree::Builder;
use crate::whiteouts::Mark;
use crate::{Error, Source};

/// Makes one index of several archives, each over those before it, in the file at `file`. Archives
/// that are compressed are decompressed to files beside it.
///
/// # Errors
///
/// Any [`Error`]; in each case, what was at `file` is still there.
pub fn make_layers(
    layers: Vec<LayerFile>,
    file: &Path,
    options: &Options,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let unusable = |reason| Error::Unusable {
        path: file.into(),
        reason,
    };
    // CAST: `usize` has at least 32 bits here.
    if layers.len() > LAYERS_MAX as usize {
        return Err(unusable("can be the index of at most 500 archives"));
    }
    let mut plain = Vec::new();
    for (layer, number) in layers.into_iter().zip(1..) {
        plain.push(layer.open(file, number, interrupt, progress)?);
    }
    let archives =
        Archives::joined(&plain).ok_or_else(|| unusable("would be the index of too many bytes"))?;
    let archive = read(&archives, options.read, progress)?;
    let index = Index::new(&archive.tree, &archives, options, file)?;
    let summarised = plain.iter().map(Layer::of).collect();
    let written = plain.into_iter().filter_map(|layer| {
        let path = layer.source.path().to_path_buf();
        layer.written.map(|written| (written, path))
    });
    let written = written.collect();
    let superblock = output::index_only(&archives, &index, file, written, interrupt, progress)?;
    Ok(Summary {
        layers: summarised,
        ..archive.summary(superblock, progress)
    })
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
