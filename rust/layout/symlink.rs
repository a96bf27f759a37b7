// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Symbolic links: their targets in the heap.

use crate::{Error, Superblock, BLOCK, SYMLINK_MAX};

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
        let in_block = (position % BLOCK).saturating_add(size) <= BLOCK;
        if end > sb.heap.records() || !in_block {
            return Err(outside);
        }
        Ok(Self { position, length })
    }

    /// Returns the target, given the index block and offset of [`Superblock::heap_position`].
    ///
    /// # Errors
    ///
    /// [`Error::OutOfBlock`] where `block` is too short; [`Error::TargetNul`] where the target has
    /// a NUL byte.
    pub fn target<'a>(&self, block: &'a [u8], offset: usize) -> Result<&'a [u8], Error> {
        let target = block
            .get(offset..)
            .and_then(|rest| rest.get(..usize::from(self.length)))
            .ok_or(Error::OutOfBlock { offset })?;
        match target.iter().position(|&byte| byte == 0) {
            None => Ok(target),
            Some(at) => Err(Error::TargetNul {
                position: self.position,
                at,
            }),
        }
    }
}
