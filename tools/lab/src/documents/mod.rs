// SPDX-License-Identifier: GPL-2.0
//! Documents that are made of the sources. They are kept beside the others, so that people read
//! them without building anything; a check proves that they are those of today's sources.

mod claims;
mod options;
mod unsafe_code;

use std::fs;

use crate::error::{Error, Kind, Result};
use crate::{bench, Lab};

/// A document and what makes it.
struct Document {
    /// Where it is in the checkout.
    path: &'static str,
    make: fn(&Lab) -> Result<String>,
}

const DOCUMENTS: &[Document] = &[
    Document {
        path: options::DOCUMENT,
        make: options::document,
    },
    Document {
        path: "Documentation/unsafe.rst",
        make: unsafe_code::document,
    },
    Document {
        path: "README.md",
        make: bench::readme,
    },
];

/// Writes all of them.
///
/// # Errors
/// `Build` where a source lacks what its document needs.
pub fn write(lab: &Lab) -> Result<()> {
    for document in DOCUMENTS {
        let path = lab.checkout().join(document.path);
        let text = (document.make)(lab)?;
        fs::write(&path, text).map_err(|error| Error::io("write", &path, error))?;
    }
    Ok(())
}

/// Checks that all of them are what [`write()`] would write.
///
/// # Errors
/// `Build` where they are not.
pub fn check(lab: &Lab) -> Result<()> {
    for document in DOCUMENTS {
        let path = lab.checkout().join(document.path);
        let text = (document.make)(lab)?;
        let kept = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
        if let Some(difference) = difference(&kept, &text) {
            let message = format!(
                "{} is not that of these sources (`make documents` writes it): {difference}",
                document.path
            );
            return Err(Error::new(Kind::Build, message));
        }
    }
    Ok(())
}

/// Where two texts differ first.
fn difference(kept: &str, made: &str) -> Option<String> {
    if kept == made {
        return None;
    }
    let (mut kept, mut made) = (kept.lines(), made.lines());
    for number in 1.. {
        match (kept.next(), made.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let [old, new] = [old, new].map(|line| line.unwrap_or("(the end)"));
                return Some(format!("line {number} is\n  {old}\nand should be\n  {new}"));
            }
        }
    }
    Some("the ends of lines differ".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let found = difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!(found, "line 2 is\n  b\nand should be\n  c");
        let found = difference("a\n", "a\nc\n").unwrap();
        assert_eq!(found, "line 2 is\n  (the end)\nand should be\n  c");
        assert_eq!(difference("a", "a\n").unwrap(), "the ends of lines differ");
    }
}
