// SPDX-License-Identifier: GPL-2.0

//! For which system an image is.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A platform, as text `linux/arm64` or `linux/arm/v7`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            os: "linux".into(),
            architecture: "amd64".into(),
            variant: None,
        }
    }
}

impl Platform {
    /// Whether an image for `other` is one for this platform. Who names no variant takes any.
    pub(super) fn is_served_by(&self, other: &Self) -> bool {
        (&self.os, &self.architecture) == (&other.os, &other.architecture)
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match *parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err("a platform is OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT".into()),
        };
        Ok(Self {
            os: os.into(),
            architecture: architecture.into(),
            variant: variant.map(Into::into),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}
