// SPDX-License-Identifier: GPL-2.0

//! What `make fuzz` starts with for models of latencies, and what made it crash once, as a plain test.

#[path = "../../../tests/fuzz/targets/latency_text.rs"]
mod latency_text;

use std::fs;
use std::path::Path;

#[test]
fn models() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    let mut count = 0;
    for folder in ["corpus/latency_text", "regressions/latency_text"] {
        for input in fuzz.join(folder).read_dir().into_iter().flatten() {
            let path = input.unwrap().path();
            println!("{}", path.display());
            latency_text::run(&fs::read(path).unwrap());
            count += 1;
        }
    }
    assert!(count > 0);
}
