// SPDX-License-Identifier: GPL-2.0

//! The archives behind an index: the one before it, or several on devices of their own.
//!
//! Positions in the index count in one space of sectors, in which archives follow each other.

use crate::{
    index,
    super_block::{damaged, Tarfs},
};
use kernel::{page::PAGE_SIZE, prelude::*};
use layout::{check_data_sum, Layer, Superblock, BLOCK_SIZE, SECTOR_SIZE};
use vfs::{crc32, CachedPage, DeviceCache, INode, SuperBlock};

/// The archives of a mount, by number, where there are several devices; empty where the one archive
/// is on the device of the index.
pub(crate) struct Archives(KVec<Archive>);

/// An archive in the space of all.
#[derive(Clone, Copy)]
struct Archive {
    /// Its first byte.
    start: u64,
    /// Its length in bytes.
    length: u64,
}

/// A piece of data in an archive.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The device with the archive.
    pub(crate) device: &'a DeviceCache,
    /// Byte of the archive, and of the device.
    pub(crate) position: u64,
    archive: Archive,
}

impl Archives {
    /// For an image, which has its archive before the index.
    pub(crate) fn before_index() -> Self {
        Self(KVec::new())
    }

    /// For an index of its own: `layers` are its archives, as the index lists them.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn on_devices(layers: &[Layer]) -> Result<Self> {
        let mut archives = KVec::with_capacity(layers.len(), GFP_KERNEL)?;
        for layer in layers {
            archives.push(
                Archive {
                    start: layer.sector.wrapping_mul(SECTOR_SIZE as u64),
                    length: layer.length,
                },
                GFP_KERNEL,
            )?;
        }
        Ok(Self(archives))
    }

    fn find(&self, position: u64) -> Option<(usize, Archive)> {
        let after = self.0.partition_point(|archive| archive.start <= position);
        let number = after.checked_sub(1)?;
        Some((number, *self.0.get(number)?))
    }
}

/// Finds the archive with the `length` bytes at byte `position` of the space.
///
/// # Errors
///
/// `EUCLEAN` where no archive has them all.
#[inline]
pub(crate) fn find(sb: &SuperBlock<Tarfs>, position: u64, length: u64) -> Result<Place<'_>> {
    let mount = sb.data();
    if mount.archives.0.is_empty() {
        // The layout crate checks that data lies within the archive.
        return Ok(Place {
            device: sb.device(),
            position,
            archive: Archive {
                start: 0,
                length: mount.layout.tar_length,
            },
        });
    }
    find_among(sb, position, length)
}

/// Finds the archive where there are several.
fn find_among(sb: &SuperBlock<Tarfs>, position: u64, length: u64) -> Result<Place<'_>> {
    let found = sb
        .data()
        .archives
        .find(position)
        .and_then(|(number, archive)| {
            let local = position.checked_sub(archive.start)?;
            let end = local.checked_add(length)?;
            (end <= archive.length).then_some(Place {
                device: sb.extra_devices().get(number)?,
                position: local,
                archive,
            })
        });
    found.ok_or_else(|| {
        damaged(
            sb,
            format_args!("{length} bytes of data at byte {position} are in no archive"),
        )
    })
}

/// Reads the data of `inode` at byte `position` of the space into `to`, through the cache of the
/// device, and checks it where the image has sums of data.
///
/// # Errors
///
/// `EIO`, `ENOMEM`; `EUCLEAN` where the data does not match its sum or is in no archive.
pub(crate) fn read(inode: &INode<Tarfs>, position: u64, to: &mut [u8]) -> Result {
    let sb = inode.super_block();
    let place = find(sb, position, to.len() as u64)?;
    // CAST: usize has 64 bits.
    let mut position = place.position as usize;
    let mut left = to;
    while !left.is_empty() {
        let offset = position % PAGE_SIZE;
        let count = left.len().min(PAGE_SIZE.wrapping_sub(offset));
        let ahead = left.len().div_ceil(PAGE_SIZE);
        let index = position / PAGE_SIZE;
        let page = place.device.page(index, || ahead)?;
        check(inode, &place.archive, index, &page)?;
        let from = page.get(offset..).and_then(|bytes| bytes.get(..count));
        let (now, later) = left.split_at_mut_checked(count).ok_or(EIO)?;
        now.copy_from_slice(from.ok_or(EIO)?);
        left = later;
        position = position.wrapping_add(count);
    }
    Ok(())
}

/// Checks the blocks of an archive that are in page number `index` of its device.
fn check(inode: &INode<Tarfs>, archive: &Archive, index: usize, page: &CachedPage<'_>) -> Result {
    let sb = inode.super_block();
    let mount = sb.data();
    let layout = &mount.layout;
    if layout.data_sums.records() == 0 || !mount.verifies() {
        return Ok(());
    }
    let start = index.wrapping_mul(PAGE_SIZE) as u64;
    let end = start.wrapping_add(PAGE_SIZE as u64);
    // With pages larger than blocks one can have blocks of the index too, whose check is another.
    let is_shared = layout.index_offset != 0 && end > layout.index_offset;
    if page.is_checked() && !is_shared {
        return Ok(());
    }
    for (number, block) in (0u64..).zip(page.chunks_exact(BLOCK_SIZE)) {
        let at = start.wrapping_add(number.wrapping_mul(BLOCK_SIZE as u64));
        if at >= archive.length {
            break;
        }
        check_block(sb, archive, at, block).map_err(|error| match error {
            index::Bad::Read(error) => error,
            index::Bad::Sum(error) => damaged(sb, format_args!("inode {}: {error}", inode.ino())),
        })?;
    }
    if !is_shared {
        page.set_checked();
    }
    Ok(())
}

/// Checks the block at byte `at` of an archive against its sum.
fn check_block(
    sb: &SuperBlock<Tarfs>,
    archive: &Archive,
    at: u64,
    block: &[u8],
) -> Result<(), index::Bad> {
    static ZEROS: [u8; BLOCK_SIZE] = [0; BLOCK_SIZE];
    // CAST: At most the size of a block.
    let length = archive.length.wrapping_sub(at).min(BLOCK_SIZE as u64) as usize;
    let (data, past_the_end) = block.split_at_checked(length).ok_or(EIO)?;
    let zeros = ZEROS.get(..past_the_end.len()).ok_or(EIO)?;
    let sum = crc32(&[data, zeros]);
    let number = archive.start.wrapping_add(at) / BLOCK_SIZE as u64;
    let place = sb.data().layout.data_sum_position(number).ok_or(EIO)?;
    let sums = index::read(sb, place.block)?;
    Ok(check_data_sum(number, sum, &sums, place.offset)?)
}

/// Reads the list of archives of an index of its own.
///
/// # Errors
///
/// What the index breaks, or the device's error.
pub(crate) fn list(
    device: &DeviceCache,
    layout: &Superblock,
    verify: bool,
) -> Result<KVec<Layer>, index::Bad> {
    let mut layers =
        KVec::with_capacity(layout.layer_count() as usize, GFP_KERNEL).map_err(Error::from)?;
    if layout.layers.records() == 0 {
        let only = Layer::after(None, layout.tar_length, None);
        layers.push(only, GFP_KERNEL).map_err(Error::from)?;
        return Ok(layers);
    }
    for number in 0..layout.layer_count() {
        let place = layout.layer_position(number)?;
        let block = index::read_from(device, layout, place.block, verify, || 1)?;
        let layer = Layer::decode(number, layers.last(), &block, place.offset, layout)?;
        layers.push(layer, GFP_KERNEL).map_err(Error::from)?;
    }
    Ok(layers)
}
