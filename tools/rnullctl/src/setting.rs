// SPDX-License-Identifier: GPL-2.0

//! An attribute and the value it is to have, written `ATTRIBUTE=VALUE`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An attribute and the value it is to have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Setting {
    /// The attribute's name; that of one in a directory of the disk has the directory before it,
    /// such as `latency/read`.
    pub attribute: String,
    /// The value, as a user would write it to the file.
    pub value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((attribute, value)) if is_attribute(attribute) => Ok(Self {
                attribute: attribute.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("a setting is ATTRIBUTE=VALUE, such as size=1024".to_owned()),
        }
    }
}

/// Whether a text can be the name of an attribute.
fn is_attribute(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match text.split_once('/') {
        Some((directory, file)) => is_name(directory) && is_name(file),
        None => is_name(text),
    }
}

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.attribute, self.value)
    }
}
