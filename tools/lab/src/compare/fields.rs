// SPDX-License-Identifier: GPL-2.0
//! Text in fields that end with NUL, which no path contains.

use std::str::FromStr;

use crate::error::{Error, Kind, Result};

/// Fields, one after the other.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Starts at the first field.
    pub fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// Whether all fields were taken.
    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes a field; `what` it is, for the message.
    ///
    /// # Errors
    /// `Other` where the text ends before the field does.
    pub fn bytes(&mut self, what: &str) -> Result<&'a [u8]> {
        let mut parts = self.rest.splitn(2, |&byte| byte == 0);
        match (parts.next(), parts.next()) {
            (Some(field), Some(rest)) => {
                self.rest = rest;
                Ok(field)
            }
            _ => Err(bad(what, &String::from_utf8_lossy(self.rest))),
        }
    }

    /// Takes a field of text.
    pub fn text(&mut self, what: &str) -> Result<&'a str> {
        let field = self.bytes(what)?;
        std::str::from_utf8(field).map_err(|_| bad(what, &String::from_utf8_lossy(field)))
    }

    /// Takes a decimal number.
    pub fn number<N: FromStr>(&mut self, what: &str) -> Result<N> {
        let field = self.text(what)?;
        field.parse().map_err(|_| bad(what, field))
    }

    /// Takes a number in the base 8 or 16.
    pub fn number_in_base(&mut self, what: &str, base: u32) -> Result<u32> {
        let field = self.text(what)?;
        u32::from_str_radix(field, base).map_err(|_| bad(what, field))
    }

    /// Takes a field that may be empty, for there is nothing to say.
    pub fn optional<T>(
        &mut self,
        what: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>> {
        let field = self.text(what)?;
        match field {
            "" => Ok(None),
            _ => parse(field).map(Some).ok_or_else(|| bad(what, field)),
        }
    }
}

/// The error for a field that does not say what it should.
pub fn bad(what: &str, field: &str) -> Error {
    let message = format!("a list of files has no {what} where one is due, but {field:?}");
    Error::new(Kind::Other, message)
}
