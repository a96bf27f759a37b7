// SPDX-License-Identifier: GPL-2.0

//! Disks.
//!
//! C headers: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h),
//! [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    block_device::BlockDeviceTable, limits::Limits, major::Major, operations::Operations,
    tag_set::TagSet, units::Sectors,
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    fmt,
    prelude::*,
    str::NullTerminatedFormatter,
    sync::Arc,
    types::{ForeignOwnable, ScopeGuard},
};
use sync::{context::Process, held::Held, level::Level};

/// The bytes of a disk's name in C, its NUL included.
const NAME_LEN: usize = bindings::DISK_NAME_LEN as usize;

/// The name of a disk: at most 31 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; NAME_LEN]);

impl Name {
    /// The name `name`, or its first 31 bytes if it is longer.
    pub fn truncated(name: &CStr) -> Self {
        let mut bytes = [0; NAME_LEN];
        // The last byte stays NUL.
        for (to, from) in bytes.iter_mut().take(NAME_LEN - 1).zip(name.to_bytes()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The name that `name` formats to.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is longer than 31 bytes.
    pub fn from_fmt(name: fmt::Arguments<'_>) -> Result<Self> {
        let mut bytes = [0; NAME_LEN];
        let mut writer = NullTerminatedFormatter::new(&mut bytes).ok_or(EINVAL)?;
        fmt::Write::write_fmt(&mut writer, name)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid().trim_end_matches('\0'))?;
        }
        Ok(())
    }
}

/// What a [`Disk`] is to be. There are no defaults, so that nothing is forgotten.
pub struct DiskOptions<'a> {
    /// Name in `/dev` and `/sys/block`. Two disks of one name are an error of the second.
    pub name: Name,
    /// Major device number.
    pub major: &'a Major,
    /// Minor device number, below 2^20, and not one of another disk with this major number.
    pub minor: u32,
    /// Size. A size beyond the block layer's maximum of 2^54 - 1 sectors is cut down to it.
    pub capacity: Sectors,
    /// What the disk can do in one request.
    pub limits: Limits,
}

/// A disk that users see (`struct gendisk`), until it is dropped.
///
/// Dropping it waits for the requests in flight, so it must happen in process context, and not in
/// a function of its own [`Operations`]. Somebody may hold the block device open beyond that; its
/// reads and writes then fail without reaching the driver, and the module stays in memory.
///
/// # Invariants
///
/// `raw` was made by `__blk_mq_alloc_disk()` on `tag_set` and with `queue_data`, and then added.
/// `queue_data` was made by `into_foreign()`.
pub struct Disk<T: Operations> {
    raw: NonNull<bindings::gendisk>,
    queue_data: *mut c_void,
    tag_set: Arc<TagSet<T>>,
}

// SAFETY: A disk may be deleted on any CPU, and `QueueData` may be dropped there too.
unsafe impl<T: Operations> Send for Disk<T> {}

// SAFETY: `&Disk` gives access to its tag set, which is `Sync`, and to `blk_mark_disk_dead()`, which
// anybody may call at any time.
unsafe impl<T: Operations> Sync for Disk<T> {}

impl<T: Operations> Disk<T> {
    /// Makes a disk and shows it to users. Reads the partition table, so that requests come in and
    /// are waited for before the function returns.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the block layer refuses the limits or the minor number, `ENODEV` or `EIO` if it
    /// refuses the zones, `EEXIST` if there is a
    /// disk of that name, `ENOMEM`.
    pub fn new(
        tag_set: Arc<TagSet<T>>,
        queue_data: T::QueueData,
        mut options: DiskOptions<'_>,
        _held: &mut Held<'_, impl Level<Context = Process>>,
    ) -> Result<Self> {
        let making = tag_set.hold();
        // What is undone on an error stands in the guards, which run in reverse order: the queue
        // must be gone before its data.
        let queue_data = ScopeGuard::new_with_data(queue_data.into_foreign(), |data| {
            // SAFETY: `data` comes from `into_foreign()` and is converted back once.
            drop(unsafe { T::QueueData::from_foreign(data) });
        });

        // SAFETY: The tag set is valid, and stays so while the disk exists because `tag_set` goes
        // into the result. `limits` is a structure of our own. The lock class is static.
        let raw = from_err_ptr(unsafe {
            bindings::__blk_mq_alloc_disk(
                tag_set.raw(),
                options.limits.raw(),
                *queue_data,
                kernel::static_lock_class!().as_ptr(),
            )
        })?;
        let stopped = *queue_data;
        let raw = ScopeGuard::new_with_data(raw, move |raw| {
            // SAFETY: The pointer comes from `into_foreign()`, and is converted back after this.
            T::stopped(unsafe { T::QueueData::borrow(stopped) });
            // SAFETY: The reference is ours, and the only one to a disk that was not added; its
            // release, which uses the tag set, happens here.
            unsafe { bindings::put_disk(raw) };
        });

        let disk = *raw;
        // SAFETY: The disk is valid, and nobody else has it before it is added.
        unsafe {
            (*disk).disk_name = options.name.0;
            // CAST: A major number is below 512.
            (*disk).major = options.major.number() as c_int;
            // A number that does not fit is beyond the block layer's maximum too: it refuses -1.
            (*disk).first_minor = c_int::try_from(options.minor).unwrap_or(-1);
            (*disk).minors = 1;
            (*disk).fops = BlockDeviceTable::<T>::TABLE;
            bindings::set_capacity(disk, options.capacity.get());
        }

        if options.limits.is_zoned() {
            // SAFETY: The disk is complete, and nobody else has it. Its table has `->report_zones`.
            to_result(unsafe { bindings::blk_revalidate_disk_zones(disk) })?;
        }
        // SAFETY: The disk is complete. The table that `fops` points to is static, and pins the
        // module it is a static of while the disk is open.
        to_result(unsafe {
            bindings::device_add_disk(core::ptr::null_mut(), disk, core::ptr::null_mut())
        })?;

        raw.dismiss();
        drop(making);
        Ok(Self {
            // INVARIANT: The disk was made and added above.
            raw: NonNull::new(disk).ok_or(EINVAL)?,
            queue_data: queue_data.dismiss(),
            tag_set,
        })
    }

    /// The tag set that the disk was made with.
    pub fn tag_set(&self) -> &TagSet<T> {
        &self.tag_set
    }
}

impl<T: Operations> Disk<T> {
    /// Makes the disk one that was pulled out, and waits for the requests in flight: then, and
    /// until it is dropped, none comes to the driver. A file system on it is told and shuts down.
    /// The disk has no size any more.
    pub fn mark_dead(&self, _held: &mut Held<'_, impl Level<Context = Process>>) {
        let disk = self.raw.as_ptr();
        // SAFETY: By the type's invariant the disk was added, and it goes when it is dropped only.
        // The first function begins to freeze its queue, and the second waits for that.
        unsafe {
            bindings::blk_mark_disk_dead(disk);
            bindings::blk_mq_freeze_queue_wait((*disk).queue);
        }
    }
}

impl<T: Operations> Drop for Disk<T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant the disk was added. When the function returns, no
        // request is in flight and none can come; its hardware queues are gone.
        unsafe { bindings::del_gendisk(self.raw.as_ptr()) };
        // SAFETY: By the type's invariant the pointer comes from `into_foreign()`.
        T::stopped(unsafe { T::QueueData::borrow(self.queue_data) });
        // SAFETY: The reference is the one from `__blk_mq_alloc_disk()`. Whoever else holds one
        // uses neither the tag set nor the queue's data, the disk being dead.
        unsafe { bindings::put_disk(self.raw.as_ptr()) };
        // SAFETY: By the type's invariant the pointer comes from `into_foreign()`; nobody borrows
        // from it any more.
        drop(unsafe { T::QueueData::from_foreign(self.queue_data) });
        // The tag set is freed after this, with the field.
    }
}
