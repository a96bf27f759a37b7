// SPDX-License-Identifier: GPL-2.0
//! The tools that a kernel's configuration says it was built with.

use std::fs;
use std::path::Path;

use crate::error::{Error, Kind, Result};

/// The symbols that `olddefconfig` sets from the tools at hand, and the tool of each.
const TOOLS: &[(&str, &str)] = &[
    ("CONFIG_RUSTC_VERSION_TEXT", "rustc"),
    ("CONFIG_BINDGEN_VERSION_TEXT", "bindgen"),
    ("CONFIG_GCC_VERSION", "gcc"),
    ("CONFIG_CLANG_VERSION", "clang"),
    ("CONFIG_PAHOLE_VERSION", "pahole"),
];

/// A kernel's `.config`.
pub struct Config {
    text: String,
}

impl Config {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(|error| Error::io("read", file, error))?;
        Ok(Self { text })
    }

    /// The value of a symbol, without quotes.
    pub fn value(&self, symbol: &str) -> Option<&str> {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix(symbol)?.strip_prefix('='))
            .map(|value| value.trim_matches('"'))
    }

    /// The lines of `fragment` with symbols that this does not set to the same values.
    pub fn missing<'a>(&self, fragment: &'a str) -> Vec<&'a str> {
        let lines = fragment.lines().filter(|line| line.starts_with("CONFIG_"));
        lines
            .filter(|line| !self.text.lines().any(|ours| ours == *line))
            .collect()
    }

    /// Checks that the tools that made `self` are those of `stock`.
    ///
    /// # Errors
    /// `Build`, naming the first tool that differs, with both versions.
    pub fn check_tools(&self, stock: &Self) -> Result<()> {
        for (symbol, tool) in TOOLS {
            let (ours, theirs) = (self.value(symbol), stock.value(symbol));
            if ours != theirs {
                let message = format!(
                    "wrong {tool}: the stock kernel was built with \"{}\", the toolbox has \"{}\"; \
                     make a new toolbox (`lab toolbox --update`)",
                    theirs.unwrap_or("none"),
                    ours.unwrap_or("none"),
                );
                return Err(Error::new(Kind::Build, message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config {
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_value_has_no_quotes_and_is_of_the_whole_name() {
        let config = config("CONFIG_RUST=y\nCONFIG_RUSTC_VERSION_TEXT=\"rustc 1.85.1\"\n");
        assert_eq!(
            config.value("CONFIG_RUSTC_VERSION_TEXT"),
            Some("rustc 1.85.1")
        );
        assert_eq!(config.value("CONFIG_RUST"), Some("y"));
        assert_eq!(config.value("CONFIG_RUS"), None);
    }

    #[test]
    fn what_was_not_taken_is_named() {
        let config = config("CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\n");
        let fragment = "# CONFIG_X\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=m\n";
        assert_eq!(
            config.missing(fragment),
            ["CONFIG_B=y", "CONFIG_C=y", "CONFIG_D=m"]
        );
    }

    #[test]
    fn the_tool_that_differs_is_named() {
        let stock = config("CONFIG_RUSTC_VERSION_TEXT=\"rustc 1.85.1\"\nCONFIG_A=y\n");
        assert!(config("CONFIG_RUSTC_VERSION_TEXT=\"rustc 1.85.1\"\n")
            .check_tools(&stock)
            .is_ok());
        let error = config("CONFIG_RUSTC_VERSION_TEXT=\"rustc 1.90.0\"\n").check_tools(&stock);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("wrong rustc"), "{message}");
        assert!(
            message.contains("1.85.1") && message.contains("1.90.0"),
            "{message}"
        );
        assert!(config("")
            .check_tools(&stock)
            .unwrap_err()
            .to_string()
            .contains("\"none\""));
    }
}
