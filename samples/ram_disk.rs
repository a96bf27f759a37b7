// SPDX-License-Identifier: GPL-2.0

//! A disk in memory, the smallest block driver that keeps data: `/dev/ram_disk`.
//!
//! It shows the parts of a driver on `rust/blk`, in the order in which one writes them.

#![forbid(unsafe_code)]

use blk::{
    batch::Batch,
    disk::{Disk, DiskOptions, Name},
    limits::Limits,
    loading,
    major::Major,
    module_parameter,
    operations::{Operations, QueueData},
    req_op::ReqOp,
    request::{IdleRequest, Refused, Request, Started},
    status::Status,
    tag_set::{TagSet, TagSetOptions},
    units::Mebibytes,
};
use kernel::{new_spinlock, prelude::*, sync::Arc, sync::SpinLock};
use sync::{context::Atomic, context::NoIo, held::Held, lock::Lock};

module! {
    type: RamDisk,
    name: "sample_ram_disk",
    authors: ["Blockyard"],
    description: "A disk in memory",
    license: "GPL",
}

module_parameter!(mib: u32 = 16, "Size of the disk in MiB");

sync::levels! {
    /// The contents of the disk. `Atomic`: `queue_rq` takes it, and may not sleep.
    Contents: Atomic;
}

/// The contents of the disk, which its queues share.
#[pin_data]
struct Memory {
    #[pin]
    bytes: Lock<SpinLock<VVec<u8>>, Contents>,
}

impl Operations for Memory {
    type QueueData = Pin<KBox<Self>>;
    type HwData = ();
    type RequestData = ();
    type Context = Atomic;
    const MODULE: &'static ThisModule = &THIS_MODULE;

    fn init_hctx(_: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
        Ok(())
    }

    fn queue_rq<'call>(
        request: IdleRequest<'call, Self>,
        batch: &mut Batch<Self>,
        held: &mut Held<'_, Atomic>,
    ) -> Result<(), Refused<'call, Self>> {
        let request = request.start();
        match transfer(&request, held) {
            Ok(()) => batch.end(request),
            Err(status) => request.end(status),
        }
        Ok(())
    }
}

/// Copies what a request asks for.
fn transfer(request: &Request<Memory, Started>, held: &mut Held<'_, Atomic>) -> Result<(), Status> {
    let (mut bytes, _) = request.queue_data().get_ref().bytes.lock(held);
    let range = request.range().ok_or(Status::IO_ERROR)?;
    let part = bytes.get_mut(range).ok_or(Status::IO_ERROR)?;
    match request.op() {
        ReqOp::Read => request.segments().copy_from(part),
        ReqOp::Write => request.segments().copy_to(part),
        _ => return Err(Status::IO_ERROR),
    }
    Ok(())
}

/// The module while it is loaded. The disk goes before its number.
struct RamDisk {
    _disk: Disk<Memory>,
    _major: Major,
}

impl kernel::Module for RamDisk {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let size = Mebibytes::new(mib.get().into()).bytes().ok_or(EINVAL)?;
        let bytes = VVec::from_elem(0, usize::try_from(size.get())?, GFP_KERNEL)?;
        let memory = pin_init!(Memory {
            bytes <- Lock::new(new_spinlock!(bytes)),
        });
        let tag_set = TagSet::new(TagSetOptions::new(1, 128));
        let major = Major::register(c"ram_disk")?;
        let options = DiskOptions {
            name: Name::truncated(c"ram_disk"),
            major: &major,
            minor: 0,
            capacity: size.sectors(),
            limits: Limits::new(),
        };
        let tag_set = Arc::pin_init(tag_set, GFP_KERNEL)?;
        let memory = KBox::pin_init(memory, GFP_KERNEL)?;
        let disk = loading::init(|held| Disk::new(tag_set, memory, options, held))?;
        Ok(Self {
            _disk: disk,
            _major: major,
        })
    }
}
