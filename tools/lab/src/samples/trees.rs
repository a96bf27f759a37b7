// SPDX-License-Identifier: GPL-2.0
//! Archives of many empty files, to see how costs grow with their number.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use tar::{Builder, EntryType, Header};

use crate::cache::Entry;
use crate::error::{Error, Result};
use crate::progress::Step;
use crate::Lab;

/// A directory with the files in it.
const GROUP: u64 = 1000;

/// The directories' numbers of files. mkfs.erofs compares each name of a tar with all others of its
/// directory, which ends it here.
const SIZES: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// An archive of `count` entries, directories included.
pub fn entries(lab: &Lab, count: u64) -> Result<PathBuf> {
    archive(lab, &format!("entries-{count}"), |out| {
        for number in 0..count {
            let directory = number / GROUP;
            match number % GROUP {
                0 => append(out, EntryType::Directory, &format!("d{directory:07}/"))?,
                file => append(
                    out,
                    EntryType::Regular,
                    &format!("d{directory:07}/f{file:03}"),
                )?,
            }
        }
        Ok(())
    })
}

/// An archive of directories that differ in their number of files.
pub fn directories(lab: &Lab) -> Result<PathBuf> {
    archive(lab, "directories", |out| {
        for size in SIZES {
            append(out, EntryType::Directory, &format!("{size}/"))?;
            for file in 0..size {
                append(out, EntryType::Regular, &format!("{size}/f{file:07}"))?;
            }
        }
        Ok(())
    })
}

/// An archive in the cache folder, which `write` fills.
fn archive(
    lab: &Lab,
    name: &str,
    write: impl Fn(&mut Builder<BufWriter<File>>) -> io::Result<()>,
) -> Result<PathBuf> {
    let file = format!("{name}.tar");
    let inputs = vec!["recipe 2".to_owned()];
    let entry = Entry::new(lab.cache(), name, inputs, vec![file.clone()]);
    let folder = entry.get(|folder| {
        let path = folder.join(&file);
        let step = Step::start(format!("writing {file}"));
        let written = File::create(&path).and_then(|out| {
            let mut builder = Builder::new(BufWriter::new(out));
            write(&mut builder)?;
            builder.into_inner()?.flush()
        });
        written.map_err(|error| Error::io("write", &path, error))?;
        step.finish();
        Ok(())
    })?;
    Ok(folder.join(file))
}

fn append(out: &mut Builder<impl Write>, kind: EntryType, path: &str) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(kind);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_mtime(1_000_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header.set_cksum();
    out.append(&header, io::empty())
}
