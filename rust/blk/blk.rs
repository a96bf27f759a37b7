// SPDX-License-Identifier: GPL-2.0

//! Safe blk-mq: what a block driver needs to be written without `unsafe`.
//!
//! The kernel crate has a `block::mq` of its own. This crate stands beside it because that one
//! counts references on every request, has no `->queue_rqs` and no batched completion, and leaves
//! the owner of a disk's operations null, so that an open disk does not pin its module. Here a
//! request has exactly one owner, and the life cycle is in the types:
//!
//! ```text
//! IdleRequest ── start() ──► Request<Started> ── complete() ──► Request<Completed>
//!      │                            │                                  │
//!   refuse()                end() / Batch::end()              end() / Batch::end()
//! ```
//!
//! A driver
//!
//! 1. implements [`operations::Operations`], once for each configuration that wants a loop of its
//!    own: the C operations table is generated for each implementation;
//! 2. makes a [`tag_set::TagSet`] of it;
//! 3. describes the disk's [`limits::Limits`] and adds a [`disk::Disk`].
//!
//! `samples/ram_disk.rs` is a whole driver, of 120 lines. Its heart is
//!
//! ```ignore
//! impl Operations for Memory {
//!     type QueueData = Pin<KBox<Self>>;
//!     type HwData = ();
//!     type RequestData = ();
//!     type Context = Atomic;
//!
//!     fn init_hctx(_: QueueData<'_, Self>, _index: u32, _held: &mut Held<'_, NoIo>) -> Result {
//!         Ok(())
//!     }
//!
//!     fn queue_rq<'call>(
//!         request: IdleRequest<'call, Self>,
//!         batch: &mut Batch<Self>,
//!         held: &mut Held<'_, Atomic>,
//!     ) -> Result<(), Refused<'call, Self>> {
//!         let request = request.start();
//!         match transfer(&request, held) {
//!             Ok(()) => batch.end(request),
//!             Err(status) => request.end(status),
//!         }
//!         Ok(())
//!     }
//! }
//! ```
//!
//! What a request asks for is in [`req_op`], its memory in [`segment`].
//!
//! Around that stand the parts of a block driver that users see: [`params`] (module parameters),
//! [`configfs`] and [`attribute`] (a directory for each disk), [`major`] (device numbers) and [`units`].
//!
//! Each function that a driver implements gets a [`sync::held::Held`], with which it may take the
//! locks that are allowed where it is called; functions that wait for requests ask for one.
//!
//! Inline C functions are reimplemented over the fields they touch where the hot path needs them,
//! each under the name of the C function: a call to an out-of-line helper would cost more than
//! what it does.

pub mod attribute;
pub mod bad_blocks;
pub mod batch;
mod block_device;
pub mod configfs;
mod deadline_heap;
pub mod delay;
pub mod delay_queue;
pub mod disk;
pub mod fifo;
pub mod limits;
pub mod loading;
pub mod major;
pub mod node;
pub mod operations;
pub mod pages;
pub mod params;
pub mod poll_list;
pub mod req_op;
pub mod request;
pub mod request_list;
pub mod segment;
mod static_key;
pub mod status;
pub mod tag_set;
pub mod throttle;
mod timer;
pub mod timestamp;
pub mod units;
pub mod value;
pub mod zone;

/// Prefix of this crate's lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"blk\0";
