// SPDX-License-Identifier: GPL-2.0
//! What the guest tests share.

pub mod image;
pub mod null_block;
pub mod sample;
