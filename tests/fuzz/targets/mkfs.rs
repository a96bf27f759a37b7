// SPDX-License-Identifier: GPL-2.0

//! Images in memory, made as `mkfs.tarfs` makes them in place.

use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;

use tarfs_tools::archives::Archives;
use tarfs_tools::exit::Status;
use tarfs_tools::image::Place;
use tarfs_tools::index::Index;
use tarfs_tools::interrupt::Interrupt;
use tarfs_tools::options::Options;
use tarfs_tools::output;
use tarfs_tools::progress::Progress;
use tarfs_tools::tar::{Reader, Rule};
use tarfs_tools::tree::Builder;
use tarfs_tools::whiteouts::Whiteouts;
use tarfs_tools::Source;

use super::memory_file::memory_file;

/// An image in memory.
pub struct Made {
    /// What keeps it there.
    _file: File,
    /// Its name, as long as this lives.
    pub path: PathBuf,
    /// Entries that the archive has.
    pub entries: u64,
}

/// Makes an image of an archive.
///
/// # Errors
///
/// Why there is none, as `mkfs.tarfs` would end.
pub fn make(archive: &[u8], options: &Options) -> Result<Made, Status> {
    static INTERRUPT: OnceLock<Interrupt> = OnceLock::new();
    let refused = |rule: Rule| rule.status();
    let (file, path) = memory_file(archive);
    let opened = file.try_clone().expect("a file in memory");
    let source = Source::new(&path, opened).map_err(|error| error.status())?;
    let source = Rc::new(source);
    let length = source.length();
    let mut whiteouts = Whiteouts::new(options.read.whiteouts);
    let mut builder = Builder::new(options.read.more_memory);
    let mut reader = Reader::new(&source, length, options.read);
    let mut entries = 0;
    while let Some(entry) = reader.next_entry().map_err(|error| error.status())? {
        if !whiteouts.take(&entry).map_err(refused)? {
            builder.add(&entry).map_err(refused)?;
        }
        entries += 1;
    }
    // Zeros alone are for the tests.
    if entries == 0 {
        return Err(Status::Damaged);
    }
    let finished = whiteouts.finish(&mut builder);
    finished.map_err(|problem| problem.rule.status())?;
    let place = Place::after(length, reader.position()).expect("an archive in memory");
    let tree = builder.finish();
    let archives = Archives::one(Rc::clone(&source), length, None);
    let index = Index::new(&tree, &archives, options, &path).expect("room in an index");
    let mut progress = Progress::new(true);
    let interrupt = INTERRUPT.get_or_init(|| Interrupt::watch().expect("signals"));
    output::append(&source, place, &index, interrupt, &mut progress).expect("room in memory");
    Ok(Made {
        _file: file,
        path,
        entries,
    })
}
