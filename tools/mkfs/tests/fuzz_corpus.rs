// SPDX-License-Identifier: GPL-2.0

//! What `make fuzz` starts with and has found: the inputs of the corpus, as plain tests. A file that
//! made a fuzzer crash belongs there, too.

#[path = "../../../tests/fuzz/targets/image_reader.rs"]
mod image_reader;
#[path = "../../../tests/fuzz/targets/layout_reader.rs"]
mod layout_reader;
#[path = "../../../tests/fuzz/targets/memory_file.rs"]
mod memory_file;
#[path = "../../../tests/fuzz/targets/tar_reader.rs"]
mod tar_reader;

use std::fs;
use std::path::Path;

/// Gives a target its inputs.
fn run_all(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
    let mut count = 0;
    for input in fs::read_dir(corpus.join(target)).unwrap() {
        let path = input.unwrap().path();
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 1);
}

#[test]
fn images() {
    run_all("image_reader", image_reader::run);
}

#[test]
fn indexes() {
    run_all("layout_reader", layout_reader::run);
}

#[test]
fn archives() {
    run_all("tar_reader", tar_reader::run);
}
