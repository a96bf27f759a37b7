// SPDX-License-Identifier: GPL-2.0

//! What `make fuzz` starts with, and what made a fuzzer crash once, as plain tests.

#[allow(dead_code)]
#[path = "../../../tests/fuzz/targets/tarfs.rs"]
mod targets;

use std::fs;
use std::path::Path;

use targets::{differential, image_reader, layout_reader, tar_reader};

/// Gives a target its inputs, of which there is at least one.
fn run_all(target: &str, run: impl Fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let mut count = 0;
    for folder in ["seeds", "corpus", "regressions"] {
        let folder = fuzz.join(folder).join(target);
        for input in folder.read_dir().into_iter().flatten() {
            let path = input.unwrap().path();
            println!("{}", path.display());
            run(&fs::read(path).unwrap());
            count += 1;
        }
    }
    assert!(count > 0, "no inputs for {target}");
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
    run_all("tar_reader", |data| {
        let _ = tar_reader::run(data);
    });
}

#[test]
fn archives_as_others_read_them() {
    run_all("differential", |data| {
        let _ = differential::run(data);
    });
}
