// SPDX-License-Identifier: GPL-2.0

//! Device numbers.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use kernel::{bindings, error::Error, prelude::*};

/// A major device number that belongs to a driver (`register_blkdev()`), until it is dropped.
pub struct Major {
    number: u32,
    name: &'static CStr,
}

impl Major {
    /// Gets a free major number, which `/proc/devices` then lists under `name`.
    ///
    /// # Errors
    ///
    /// `EBUSY` if no number is free, `ENOMEM`.
    pub fn register(name: &'static CStr) -> Result<Self> {
        // SAFETY: `name` is a C string, which the function copies. There is no probe function.
        let number = unsafe { bindings::__register_blkdev(0, name.as_char_ptr(), None) };
        match u32::try_from(number) {
            Ok(number) => Ok(Self { number, name }),
            Err(_) => Err(Error::from_errno(number)),
        }
    }

    /// The number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Major {
    fn drop(&mut self) {
        // SAFETY: The number was registered under this name and not unregistered since.
        unsafe { bindings::unregister_blkdev(self.number, self.name.as_char_ptr()) };
    }
}
