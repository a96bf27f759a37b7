// SPDX-License-Identifier: GPL-2.0

//! Values of attributes, as text: parsed and printed as C drivers do it.

use crate::units::Mebibytes;
use kernel::{
    bindings,
    error::to_result,
    fmt::{self, Write},
    prelude::*,
    str::kstrtobool,
};

/// A type of values that an attribute can have.
pub trait Value: Sized {
    /// Reads a value; a newline may follow it.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `text` is not a value of this type, `ERANGE` if it is a number out of the
    /// type's range.
    fn parse(text: &CStr) -> Result<Self>;

    /// Writes the value and a newline.
    fn print(&self, out: &mut dyn Write) -> fmt::Result;
}

/// Numbers are decimal, hexadecimal (`0x`) or octal (`0`).
impl Value for u32 {
    fn parse(text: &CStr) -> Result<Self> {
        let mut value = 0;
        // SAFETY: `text` is a C string, and `value` is ours.
        to_result(unsafe { bindings::kstrtouint(text.as_char_ptr(), 0, &mut value) })?;
        Ok(value)
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self))
    }
}

/// Numbers are decimal, hexadecimal (`0x`) or octal (`0`), with a sign.
impl Value for i32 {
    fn parse(text: &CStr) -> Result<Self> {
        let mut value = 0;
        // SAFETY: `text` is a C string, and `value` is ours.
        to_result(unsafe { bindings::kstrtoint(text.as_char_ptr(), 0, &mut value) })?;
        Ok(value)
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self))
    }
}

/// Numbers are decimal, hexadecimal (`0x`) or octal (`0`).
impl Value for u64 {
    fn parse(text: &CStr) -> Result<Self> {
        let mut value = 0;
        // SAFETY: `text` is a C string, and `value` is ours.
        to_result(unsafe { bindings::kstrtoull(text.as_char_ptr(), 0, &mut value) })?;
        Ok(value)
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self))
    }
}

/// `1`, `y`, `t`, `on` and `0`, `n`, `f`, `off`, printed as `1` and `0`.
impl Value for bool {
    fn parse(text: &CStr) -> Result<Self> {
        kstrtobool(text)
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        u32::from(*self).print(out)
    }
}

/// The number of mebibytes.
impl Value for Mebibytes {
    fn parse(text: &CStr) -> Result<Self> {
        u64::parse(text).map(Self::new)
    }

    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        self.get().print(out)
    }
}

/// A value that is judged where it is used instead of where it is read, for drivers that have
/// something else to refuse first.
#[derive(Clone, Copy)]
pub struct Late<T>(Result<T>);

impl<T: Copy> Late<T> {
    /// The value `value`.
    pub const fn new(value: T) -> Self {
        Self(Ok(value))
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// Those of [`Value::parse`].
    pub fn get(&self) -> Result<T> {
        self.0
    }
}

impl<T: Value> Value for Late<T> {
    fn parse(text: &CStr) -> Result<Self> {
        Ok(Self(T::parse(text)))
    }

    /// Writes nothing for what is no value.
    fn print(&self, out: &mut dyn Write) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |value| value.print(out))
    }
}
