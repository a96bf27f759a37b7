// SPDX-License-Identifier: GPL-2.0

//! SHA-256 of whole files, as container images name them.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::dump::superblock::hex;
use crate::interrupt::Interrupt;
use crate::{Error, Source};

/// Bytes read at once.
const STEP: usize = 1 << 18;

/// What stands before the digits.
const PREFIX: &str = "sha256:";

/// A SHA-256; as text, `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads a file from its first byte to its last.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Changed`] and [`Error::Interrupted`].
    pub fn of(source: &Source, interrupt: &Interrupt) -> Result<Self, Error> {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; STEP];
        let mut done: u64 = 0;
        while done < source.length() {
            interrupt.check(source.path())?;
            let left = source.length().saturating_sub(done);
            let length = usize::try_from(left).unwrap_or(STEP).min(STEP);
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            source.read_exact_at(bytes, done)?;
            digest.update(bytes);
            // CAST: at most STEP.
            done = done.saturating_add(length as u64);
        }
        Ok(Self(digest.finalize().into()))
    }

    /// The digest of bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digits alone.
    pub fn digits(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.digits())
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = |digits: &str| {
            let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let mut digest = [0; 32];
            if digits.len() != digest.len().saturating_mul(2)
                || !digits.bytes().all(|byte| is_digit(&byte))
            {
                return None;
            }
            for (byte, digits) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
                *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            }
            Some(Self(digest))
        };
        text.strip_prefix(PREFIX)
            .and_then(parse)
            .ok_or_else(|| format!("the digest {text:?} is no SHA-256, which alone is supported"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of_bytes(b"abc").to_string(), abc);
        assert_eq!(
            Digest::try_from(abc.to_string()),
            Ok(Digest::of_bytes(b"abc"))
        );
        for wrong in [
            "",
            &abc[7..],
            &abc[..70],
            &abc.to_uppercase(),
            &abc.replace("ba78", "../x"),
            &abc.replace("sha256", "sha512"),
        ] {
            assert!(Digest::try_from(wrong.to_string()).is_err(), "{wrong}");
        }
    }
}
