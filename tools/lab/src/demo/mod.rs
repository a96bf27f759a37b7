// SPDX-License-Identifier: GPL-2.0
//! The demonstration: both modules on the stock kernel, step by step, on real input.

mod archive;
mod null_block;
mod page;

use std::path::Path;
use std::time::Instant;

use crate::error::Result;
use crate::samples::Sample;
use crate::{mkfs, Lab};

use archive::Archive;
use page::Page;

/// Shows all of it, tarfs on `tar` or else on a Debian root.
///
/// # Errors
/// The first thing that did not hold; none where all did.
pub fn run(lab: &Lab, tar: Option<&Path>) -> Result<()> {
    // What costs time on a fresh machine, before the first line of the demonstration.
    lab.toolbox()?;
    let kernel = lab.kernel()?.release();
    for module in ["rnull", "tarfs"] {
        lab.module(module)?;
    }
    mkfs::command()?;
    let sample = match tar {
        Some(_) => None,
        None => Some(Sample::DebianRoot.provide(lab)?),
    };
    let (tar, title) = match (tar, &sample) {
        (Some(tar), _) => (tar, tar.display().to_string()),
        (None, Some(sample)) => (sample.as_path(), Sample::DebianRoot.title().to_owned()),
        (None, None) => return Ok(()),
    };

    let start = Instant::now();
    let archive = Archive::new(lab, tar)?;
    let mut page = Page::default();
    page.text(&format!(
        "Two modules in Rust on Debian's stock kernel {kernel}"
    ));
    null_block::show(lab, &mut page)?;
    archive.show(lab, &title, &mut page)?;
    let seconds = start.elapsed().as_secs_f64();
    page.text(&format!("\nAll of it held ({seconds:.0} s)."));
    Ok(())
}
