// SPDX-License-Identifier: GPL-2.0
//! `Documentation/unsafe.rst`: every use of `unsafe` with what it relies on.

use std::fmt::Write;
use std::fs;

use super::claims::{self, Claim, Use};
use crate::error::{Error, Kind, Result};
use crate::{sources, Lab};

/// What may use `unsafe`.
const PLACES: &[&str] = &["rust/bindings", "rust/sync", "rust/blk", "rust/vfs"];

const HEAD: &str = "\
.. SPDX-License-Identifier: GPL-2.0
.. Made of the sources by `make documents`; changes here are lost.

===============
The unsafe code
===============

All ``unsafe`` of the project is in ``rust/bindings``, ``rust/sync``, ``rust/blk``
and ``rust/vfs``: the modules above them and the tools forbid it, and the kernel's
lints refuse a block without a ``SAFETY`` comment. This page has them all, as the
comments in the sources say it, so that they can be read beside each other:

- a *block* says why what the functions it calls require holds there;
- an *implementation* of an unsafe trait says why the trait's promise holds;
- a *function* says what its callers must see to;
- a *trait* says what its implementations promise.

A reviewer's questions are in the documentation of the crates themselves: who owns
what, and on which CPUs and in which contexts it may run.

";

/// Makes the page.
///
/// # Errors
/// `Build` for a use of `unsafe` about which nothing is said.
pub fn document(lab: &Lab) -> Result<String> {
    let checkout = lab.checkout();
    let mut files = sources::find(checkout, PLACES)?;
    files.retain(|file| {
        let file = file.strip_prefix(checkout).unwrap_or(file);
        let rust = file.extension().is_some_and(|extension| extension == "rs");
        // A test's cases do not compile.
        rust && !file.components().any(|part| part.as_os_str() == "tests")
    });
    files.sort();

    let (mut table, mut pages) = (Vec::new(), String::new());
    for file in files {
        let source = fs::read_to_string(&file).map_err(|error| Error::io("read", &file, error))?;
        let name = file
            .strip_prefix(checkout)
            .unwrap_or(&file)
            .display()
            .to_string();
        let claims = claims::find(&source)
            .map_err(|error| Error::new(Kind::Build, format!("{name}: {error}")))?;
        if claims.is_empty() {
            continue;
        }
        page(&name, &claims, &mut pages)?;
        let count = |usage| claims.iter().filter(|claim| claim.usage == usage).count();
        let uses = [Use::Block, Use::Implementation, Use::Function, Use::Trait];
        table.push((name, uses.map(count)));
    }
    Ok(format!("{HEAD}{}{pages}", overview(&table)))
}

/// How much there is in each file.
fn overview(files: &[(String, [usize; 4])]) -> String {
    let width = files
        .iter()
        .map(|(name, _)| name.len() + 4)
        .max()
        .unwrap_or(0);
    let rule = format!(
        "{}  ======  ===============  =========  ======\n",
        "=".repeat(width)
    );
    let mut text = format!(
        "{rule}{:width$}  Blocks  Implementations  Functions  Traits\n{rule}",
        "File"
    );
    let mut line = |name: &str, counts: &[usize; 4]| {
        let [blocks, implementations, functions, traits] = counts;
        let _ = writeln!(
            text,
            "{name:width$}  {blocks:6}  {implementations:15}  {functions:9}  {traits:6}"
        );
    };
    let mut sums = [0; 4];
    for (name, counts) in files {
        line(&format!("``{name}``"), counts);
        sums.iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
    }
    line("All", &sums);
    text + &rule
}

/// Adds what is said in one file.
fn page(name: &str, claims: &[Claim], pages: &mut String) -> Result<()> {
    let _ = write!(pages, "\n{name}\n{}\n", "=".repeat(name.len()));
    for claim in claims {
        let Some(text) = &claim.text else {
            let message = format!(
                "{name}:{}: nothing is said about this use of unsafe, in {}",
                claim.line, claim.item
            );
            return Err(Error::new(Kind::Build, message));
        };
        let kind = match claim.usage {
            Use::Block => "block",
            Use::Implementation => "implementation",
            Use::Function => "function",
            Use::Trait => "trait",
        };
        let _ = write!(pages, "\n``{}``, {kind}\n", claim.item);
        for line in fill(&restructured(text)) {
            let _ = writeln!(pages, "    {line}");
        }
    }
    Ok(())
}

/// A comment's text as reStructuredText: its code in double back-quotes, the rest literally.
fn restructured(comment: &str) -> String {
    let mut text = String::new();
    for (number, part) in comment.split('`').enumerate() {
        if number % 2 == 1 {
            let _ = write!(text, "``{part}``");
            continue;
        }
        // A literal ends before a space or a mark; `\ ` is one that does not show.
        if number > 0 && part.starts_with(char::is_alphanumeric) {
            text.push_str("\\ ");
        }
        // What is left of links in rustdoc is the brackets around the code.
        for letter in part.chars() {
            match letter {
                '[' | ']' => {}
                '*' | '|' | '_' | '\\' => text.extend(['\\', letter]),
                letter => text.push(letter),
            }
        }
    }
    text
}

/// The lines of a paragraph of at most 76 characters, where words allow it.
fn fill(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 76 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_restructured_text() {
        let comment = "[`Owner`] has `a * b`; a_b*, `c`s";
        let expected = r"``Owner`` has ``a * b``; a\_b\*, ``c``\ s";
        assert_eq!(restructured(comment), expected);
    }

    #[test]
    fn a_use_about_which_nothing_is_said_is_named() {
        let claims = claims::find("fn f() {\n unsafe { g() } }").unwrap();
        let error = page("a.rs", &claims, &mut String::new()).unwrap_err();
        assert!(error.to_string().starts_with("a.rs:2: "), "{error}");
    }
}
