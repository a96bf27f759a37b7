// SPDX-License-Identifier: GPL-2.0

//! `mkfs.tarfs`: makes a tar archive mountable as tarfs.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use std::path::{Path, PathBuf};

use clap::Parser;
use tarfs_tools::align::Alignment;
use tarfs_tools::cli;
use tarfs_tools::exit::Status;
use tarfs_tools::interrupt::Interrupt;
use tarfs_tools::layer_files::LayerFile;
use tarfs_tools::make::Output;
use tarfs_tools::oci::{self, Platform, Reference};
use tarfs_tools::options::{Label, Options, ReadOptions, Whiteouts};
use tarfs_tools::progress::Progress;
use tarfs_tools::summary::Summary;
use tarfs_tools::Error;
use uuid::Uuid;

/// Make a tar archive mountable as tarfs.
///
/// An index is appended to the archive, whose own bytes stay as they are: it can still be listed
/// and extracted, and truncating it to its old length undoes everything.
#[derive(Parser)]
#[command(
    name = "mkfs.tarfs",
    bin_name = "mkfs.tarfs",
    override_usage = "mkfs.tarfs [OPTIONS] <TAR>\n       \
                      mkfs.tarfs [OPTIONS] --layer <TAR>... --index-only <INDEX>\n       \
                      mkfs.tarfs [OPTIONS] --oci <LAYOUT>[:<TAG>] --index-only <INDEX>",
    version = concat!(env!("CARGO_PKG_VERSION"), ", format 1"),
    after_help = "Exit status: 0 done; 1 no index (--check); 2 the archive has something that an \
                  image cannot hold; 4 the archive or index is damaged; 8 the system failed; \
                  16 usage; 32 interrupted."
)]
struct Arguments {
    /// Leave the archive alone and write it with its index to IMAGE
    #[arg(short, long, value_name = "IMAGE", group = "mode")]
    output: Option<PathBuf>,

    /// Leave the archive alone and write the index alone to INDEX
    #[arg(long, value_name = "INDEX", group = "mode")]
    index_only: Option<PathBuf>,

    /// Say whether the archive has an index, and verify it
    #[arg(long, group = "mode", conflicts_with_all = ["uuid", "label", "ignore_zeros", "tar_xattrs", "whiteouts", "strict", "data_checksums"])]
    check: bool,

    /// Give the image this UUID; by default it is derived from the index
    #[arg(long)]
    uuid: Option<Uuid>,

    /// Give the image a label of at most 64 bytes
    #[arg(long, default_value = "", hide_default_value = true)]
    label: Label,

    /// Let each file's data start at a multiple of N bytes, in an archive that is otherwise the same
    #[arg(long, value_name = "N", requires = "output")]
    align: Option<Alignment>,

    /// Skip blocks of zeros: read all of several archives that were concatenated
    #[arg(long)]
    ignore_zeros: bool,

    /// Keep users' and groups' names and unknown pax records as extended attributes user.tar.*
    #[arg(long)]
    tar_xattrs: bool,

    /// Refuse what GNU tar, libarchive, Go and Python read differently from each other
    #[arg(long)]
    strict: bool,

    /// Take so much more memory for what the archive's files are than 64 MiB and 200 bytes for each
    /// entry
    #[arg(long, value_name = "BYTES", default_value_t, hide_default_value = true)]
    more_memory: u64,

    /// Record checksums of the archive's data, which is read for them: damage is noticed when it is
    /// read
    #[arg(long)]
    data_checksums: bool,

    /// What becomes of whiteouts, by which a container image's layer hides files of those below
    #[arg(long, value_enum, default_value_t)]
    whiteouts: Whiteouts,

    /// Print what was made as JSON
    #[arg(long, conflicts_with_all = ["check", "quiet"])]
    json: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,

    /// Make one index of several archives, each over those before it, of which its whiteouts hide
    /// files; repeat it for each
    #[arg(
        long = "layer",
        value_name = "TAR",
        requires = "index_only",
        conflicts_with_all = ["archive", "whiteouts"]
    )]
    layers: Vec<PathBuf>,

    /// Make one index of the layers of an image in an OCI image layout, a directory or an archive of
    /// one; TAG is its name there
    #[arg(
        long,
        value_name = "LAYOUT[:TAG]",
        requires = "index_only",
        conflicts_with_all = ["archive", "layers", "whiteouts"]
    )]
    oci: Option<Reference>,

    /// Of an image for several platforms, take the one for OS/ARCHITECTURE
    #[arg(
        long,
        value_name = "OS/ARCHITECTURE",
        requires = "oci",
        default_value_t
    )]
    platform: Platform,

    /// The archive; with -o it may be compressed (gzip, xz, zstd, bzip2), a pipe, - for standard
    /// input, or a directory to make one of
    #[arg(value_name = "TAR", required_unless_present_any = ["layers", "oci"])]
    archive: Option<PathBuf>,
}

fn main() -> Status {
    let arguments: Arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    let result = match &arguments.archive {
        Some(archive) if arguments.check => check(&arguments, archive),
        _ => make(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("mkfs.tarfs: {error}");
        error.status()
    })
}

fn make(arguments: &Arguments) -> Result<Status, Error> {
    let output = match (&arguments.output, &arguments.index_only) {
        (Some(image), _) => Output::Image(image),
        (None, Some(index)) => Output::IndexOnly(index),
        (None, None) => Output::InPlace,
    };
    let options = Options {
        uuid: arguments.uuid,
        label: arguments.label,
        read: ReadOptions {
            ignore_zeros: arguments.ignore_zeros,
            tar_xattrs: arguments.tar_xattrs,
            whiteouts: match arguments.archive {
                Some(_) => arguments.whiteouts,
                None => Whiteouts::Apply,
            },
            strict: arguments.strict,
            more_memory: arguments.more_memory,
        },
        alignment: arguments.align,
        data_sums: arguments.data_checksums,
    };
    let mut progress = Progress::new(arguments.quiet);
    let (name, result) = match (&arguments.archive, output) {
        (Some(archive), output) => {
            let result = tarfs_tools::make(archive, output, &options, &mut progress);
            (archive.as_path(), result)
        }
        (None, Output::IndexOnly(index)) => {
            let result = make_of_layers(arguments, index, &options, &mut progress);
            (index, result)
        }
        // The command line's definition says what stands together.
        (None, Output::InPlace | Output::Image(_)) => return Ok(Status::Usage),
    };
    progress.finish();
    let summary = result?;
    if arguments.json {
        cli::print_line(summary.json(name));
    } else {
        arguments.print(&summary.line(name));
    }
    Ok(Status::Good)
}

/// Makes the index of the archives that are named, or of those of an image.
fn make_of_layers(
    arguments: &Arguments,
    index: &Path,
    options: &Options,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let interrupt = Interrupt::watch().map_err(Error::io("handle signals for", index))?;
    let layers = match &arguments.oci {
        Some(image) => oci::layers(image, &arguments.platform, index, &interrupt)?,
        None => arguments
            .layers
            .iter()
            .cloned()
            .map(LayerFile::at)
            .collect(),
    };
    tarfs_tools::make_layers(layers, index, options, &interrupt, progress)
}

fn check(arguments: &Arguments, archive: &Path) -> Result<Status, Error> {
    let path = archive.display();
    let Some(superblock) = tarfs_tools::check(archive)? else {
        arguments.print(&format!("{path}: no index"));
        return Ok(Status::NotIndexed);
    };
    arguments.print(&format!(
        "{path}: index of {} inodes in {} blocks, good; archive of {} bytes; UUID {}",
        superblock.inode_count(),
        superblock.index_blocks,
        superblock.tar_length,
        Uuid::from_bytes(superblock.uuid),
    ));
    Ok(Status::Good)
}

impl Arguments {
    /// Prints a line for a person.
    fn print(&self, line: &str) {
        if !self.quiet {
            cli::print_line(line);
        }
    }
}
