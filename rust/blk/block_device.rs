// SPDX-License-Identifier: GPL-2.0

//! The functions of a driver that the block layer calls for an open disk.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{operations::Operations, units::Sectors, zone::ZoneReport};
use core::{marker::PhantomData, ptr::addr_of_mut, ptr::NonNull};
use kernel::{bindings, error::from_result, prelude::*, sync::Mutex, types::ForeignOwnable};
use sync::held::Held;

/// Makes the C table (`struct block_device_operations`) of an implementation of [`Operations`].
pub(crate) struct BlockDeviceTable<T: Operations>(PhantomData<T>);

impl<T: Operations> BlockDeviceTable<T> {
    /// The table. It pins the module that it is a part of while a disk is open.
    pub(crate) const TABLE: &'static bindings::block_device_operations =
        &bindings::block_device_operations {
            owner: T::MODULE.as_ptr(),
            report_zones: Some(Self::report_zones),
            ..pin_init::zeroed()
        };

    /// `->report_zones`.
    ///
    /// # Safety
    ///
    /// `disk` must be one that [`Disk::new`](crate::disk::Disk::new) made with this table, and
    /// `arguments` those that the block layer calls with.
    unsafe extern "C" fn report_zones(
        disk: *mut bindings::gendisk,
        sector: bindings::sector_t,
        zones: c_uint,
        arguments: *mut bindings::blk_report_zones_args,
    ) -> c_int {
        // SAFETY: The lock was initialised with the disk, which its caller has a reference on.
        let open_mutex = unsafe { Mutex::from_raw(addr_of_mut!((*disk).open_mutex)) };
        // An open disk can be removed. `del_gendisk()` marks it dead under this lock, before
        // `Disk`'s drop frees the queue's data.
        let _alive = open_mutex.lock();
        // SAFETY: The disk is valid; others change other bits meanwhile.
        let state = unsafe { (&raw const (*disk).state).read_volatile() };
        if state & (1 << bindings::GD_DEAD) != 0 {
            return ENODEV.to_errno();
        }
        // SAFETY: The disk is not dead, and does not die before the lock is given up. `queuedata`
        // is what `into_foreign()` returned.
        let queue = unsafe { T::QueueData::borrow((*(*disk).queue).queuedata) };
        from_result(|| {
            let disk = NonNull::new(disk).ok_or(EINVAL)?;
            // SAFETY: By this function's contract, for the call.
            let mut report = unsafe { ZoneReport::new(disk, arguments, zones) };
            // SAFETY: The block layer calls this in process context, with no lock of the driver
            // except on the way of `Disk::new`, which took a `Held` of another context.
            let mut held = unsafe { Held::outermost() };
            T::report_zones(queue, Sectors::new(sector), &mut report, &mut held)?;
            c_int::try_from(report.reported()).map_err(|_| EINVAL)
        })
    }
}
