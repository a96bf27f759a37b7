// SPDX-License-Identifier: GPL-2.0

//! What requests do to a zoned disk and its contents.

use crate::{
    contents::Contents,
    general::General,
    locks,
    zones::{Place, Written, Zones},
};
use blk::{
    req_op::ReqOp,
    request::{Request, Started},
    status::Status,
    units::Sectors,
};
use sync::{held::Held, level::Before};

/// Does what a request asks for, and says how it is to end. Only a memory-backed disk has contents.
pub(crate) fn carry_out(
    request: &Request<General, Started>,
    zones: &Zones,
    contents: Option<&Contents>,
    held: &mut Held<'_, impl Before<locks::Zone>>,
) -> Status {
    let at = request.position();
    let length = request.length().sectors();
    match request.op() {
        ReqOp::Flush => Status::OK,
        ReqOp::Write => zones.write(at, length, Place::Given, held, |_, _| {
            write(request, contents)
        }),
        ReqOp::ZoneAppend => zones.write(at, length, Place::Appended, held, |at, _| {
            request.set_position(at);
            write(request, contents)
        }),
        op @ (ReqOp::ZoneOpen
        | ReqOp::ZoneClose
        | ReqOp::ZoneFinish
        | ReqOp::ZoneReset
        | ReqOp::ZoneResetAll) => zones.manage(op, at, held, |start, length, _| {
            if let Some(contents) = contents {
                contents.forget(start, length);
            }
            Status::OK
        }),
        _ => zones.read(at, length, held, |written, _| match contents {
            Some(contents) => contents.read_written(request, written),
            None => Status::OK,
        }),
    }
}

/// Writes the data of a request, where the request says.
fn write(request: &Request<General, Started>, contents: Option<&Contents>) -> Written {
    let status = match contents {
        Some(contents) => contents.carry_out(request, request.length()),
        None => Status::OK,
    };
    let length = match status {
        Status::OK => request.length().sectors(),
        _ => Sectors::new(0),
    };
    Written { length, status }
}
