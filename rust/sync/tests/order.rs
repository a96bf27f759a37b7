// SPDX-License-Identifier: GPL-2.0
//! What is in order compiles, and what is not does not, for the reason that stands beside it in
//! `cases/`: `//~ MESSAGE` at the end of a line wants an error there whose message has that part.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A line and a part of a message.
type Finding = (u64, String);

#[test]
fn each_case_has_the_errors_it_names_and_no_other() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libsync.rmeta");
    let errors = compile("sync", &package.join("sync.rs"), &library, &[]);
    assert!(errors.is_empty(), "{errors:?}");

    let mut cases = 0;
    for case in fs::read_dir(package.join("tests/cases")).unwrap() {
        let case = case.unwrap().path();
        if case.ends_with("driver.rs") {
            continue;
        }
        let sync = format!("sync={}", library.display());
        let output = folder.path().join("case.rmeta");
        let errors = compile("case", &case, &output, &["--extern", &sync]);
        let mut expected = expected(&case);
        for (line, message) in &errors {
            let at = expected
                .iter()
                .find(|(number, part)| number == line && message.contains(part))
                .cloned();
            let name = case.display();
            let at = at.unwrap_or_else(|| panic!("{name}:{line}: not expected: {message}"));
            expected.remove(&at);
        }
        assert!(expected.is_empty(), "{}: {expected:?}", case.display());
        cases += 1;
    }
    assert!(cases >= 8);
}

/// What the comments of a case want.
fn expected(case: &Path) -> BTreeSet<Finding> {
    let text = fs::read_to_string(case).unwrap();
    let lines = text.lines().zip(1..);
    lines
        .filter_map(|(line, number)| Some((number, line.split_once("//~ ")?.1.to_owned())))
        .collect()
}

/// Compiles a crate and returns its errors.
fn compile(name: &str, root: &Path, output: &Path, arguments: &[&str]) -> BTreeSet<Finding> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let result = Command::new(rustc)
        .args(["--edition=2021", "--crate-type=lib", "--emit=metadata"])
        .args(["--error-format=json", "--crate-name", name])
        .args(arguments)
        .arg("-o")
        .arg(output)
        .arg(root)
        .output()
        .unwrap();
    let messages = String::from_utf8(result.stderr).unwrap();
    let errors: BTreeSet<_> = messages.lines().filter_map(error).collect();
    assert_eq!(result.status.success(), errors.is_empty(), "{messages}");
    errors
}

/// The place and text of a message, if it is an error; of the place in the crate, not in a macro.
fn error(line: &str) -> Option<Finding> {
    let message: Value = serde_json::from_str(line).unwrap();
    if message["level"] != "error" {
        return None;
    }
    // The last message counts the others, and is nowhere.
    let spans = message["spans"].as_array().unwrap();
    let mut span = spans.iter().find(|span| span["is_primary"] == true)?;
    while !span["expansion"].is_null() {
        span = &span["expansion"]["span"];
    }
    let text = message["message"].as_str().unwrap().to_owned();
    Some((span["line_start"].as_u64().unwrap(), text))
}
