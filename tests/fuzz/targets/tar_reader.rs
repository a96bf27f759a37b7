// SPDX-License-Identifier: GPL-2.0

//! `mkfs.tarfs`: whatever an archive's bytes are, it is refused or its image is one in which
//! `fsck.tarfs` finds nothing wrong.

use std::rc::Rc;
use std::sync::OnceLock;

use tarfs_tools::archives::Archives;
use tarfs_tools::fsck::{self, Report};
use tarfs_tools::image::Place;
use tarfs_tools::index::Index;
use tarfs_tools::interrupt::Interrupt;
use tarfs_tools::options::{Options, ReadOptions, Whiteouts};
use tarfs_tools::output;
use tarfs_tools::progress::Progress;
use tarfs_tools::tar::Reader;
use tarfs_tools::tree::Builder;
use tarfs_tools::Source;

use super::memory_file::memory_file;

/// Makes an image of an archive after a byte of options, and checks it.
pub fn run(data: &[u8]) {
    static INTERRUPT: OnceLock<Interrupt> = OnceLock::new();
    let Some((&choices, archive)) = data.split_first() else {
        return;
    };
    let options = Options {
        read: ReadOptions {
            ignore_zeros: choices & 1 != 0,
            tar_xattrs: choices & 2 != 0,
            strict: choices & 4 != 0,
            whiteouts: match choices & 24 {
                8 => Whiteouts::Overlay,
                16 => Whiteouts::Apply,
                _ => Whiteouts::Keep,
            },
            more_memory: 0,
        },
        data_sums: choices & 32 != 0,
        ..Options::default()
    };
    let (file, path) = memory_file(archive);
    let Ok(source) = Source::new(&path, file) else {
        return;
    };
    let source = Rc::new(source);
    let length = source.length();
    let mut whiteouts = tarfs_tools::whiteouts::Whiteouts::new(options.read.whiteouts);
    let mut builder = Builder::new(0);
    let mut reader = Reader::new(&source, length, options.read);
    let mut entries = 0;
    loop {
        let entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(_) => return,
        };
        match whiteouts.take(&entry) {
            Ok(true) => {}
            Ok(false) if builder.add(&entry).is_ok() => {}
            _ => return,
        }
        entries += 1;
    }
    let place = Place::after(length, reader.position());
    // Zeros alone are for the tests.
    if entries == 0 || whiteouts.finish(&mut builder).is_err() {
        return;
    }
    let place = place.expect("an archive in memory");
    let tree = builder.finish();
    let archives = Archives::one(Rc::clone(&source), length, None);
    let index = Index::new(&tree, &archives, &options, &path).expect("room in an index");
    let mut progress = Progress::new(true);
    let interrupt = INTERRUPT.get_or_init(|| Interrupt::watch().expect("signals"));
    output::append(&source, place, &index, interrupt, &mut progress).expect("room in memory");
    let mut report = Report::default();
    let checked = fsck::check(&path, &[], &mut report, &mut progress).expect("an image");
    assert!(checked.is_compared);
    assert_eq!(report.count(), 0, "{}", report.findings()[0].rule);
}
