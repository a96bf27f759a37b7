// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Symbolic links: their targets in the heap.

use crate::{Error, Superblock, SYMLINK_MAX};

/// Where a symbolic link's target is in the heap region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symlink {
    /// Byte in the heap region.
    pub position: u64,
    /// Length in bytes, 1 to [`SYMLINK_MAX`].
    pub length: u16,
}

impl Symlink {
    /// Checks that the target lies in the heap and in one block.
    pub(crate) fn decode(
        ino: u32,
        position: u64,
        size: u64,
        sb: &Superblock,
    ) -> Result<Self, Error> {
        let length = u16::try_from(size)
            .ok()
            .filter(|&length| (1..=SYMLINK_MAX).contains(&usize::from(length)))
            .ok_or(Error::TargetLength { ino, length: size })?;
        let outside = Error::TargetPosition {
            ino,
            position,
            length,
        };
        let end = position.checked_add(size).ok_or(outside)?;
        if end > sb.heap.records() {
            return Err(outside);
        }
        Ok(Self { position, length })
    }

    /// Checks the target, put together from the pieces that [`Superblock::target_piece`] names.
    ///
    /// # Errors
    ///
    /// [`Error::TargetNul`] where it has a NUL byte.
    pub fn check_target(&self, target: &[u8]) -> Result<(), Error> {
        match target.iter().position(|&byte| byte == 0) {
            None => Ok(()),
            Some(at) => Err(Error::TargetNul {
                position: self.position,
                at,
            }),
        }
    }
}
