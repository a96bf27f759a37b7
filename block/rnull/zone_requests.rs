// SPDX-License-Identifier: GPL-2.0

//! What requests do to a zoned disk and its contents.

use crate::{
    general::{Disk, General},
    locks,
    zones::{Place, Zones},
};
use blk::{
    req_op::ReqOp,
    request::{Request, Started},
    status::Status,
};
use sync::{held::Held, level::Before};

/// Does what a request asks for, and says how it is to end.
pub(crate) fn carry_out(
    request: &Request<General, Started>,
    zones: &Zones,
    disk: &Disk,
    held: &mut Held<'_, impl Before<locks::Zone> + Before<locks::Cache>>,
) -> Status {
    let at = request.position();
    let length = request.length().sectors();
    match request.op() {
        ReqOp::Write => zones.write(at, length, Place::Given, held, |_, held| {
            disk.transfer(request, length, held)
        }),
        ReqOp::ZoneAppend => zones.write(at, length, Place::Appended, held, |at, held| {
            request.set_position(at);
            disk.transfer(request, length, held)
        }),
        op @ (ReqOp::ZoneOpen
        | ReqOp::ZoneClose
        | ReqOp::ZoneFinish
        | ReqOp::ZoneReset
        | ReqOp::ZoneResetAll) => zones.manage(op, at, held, |start, length, held| {
            if let Some(contents) = &disk.contents {
                contents.forget(start, length, held);
            }
            Status::OK
        }),
        _ => zones.read(at, length, held, |written, held| {
            disk.transfer(request, written, held).status
        }),
    }
}
