// SPDX-License-Identifier: GPL-2.0
#![forbid(unsafe_code)]

use sync::{context::Process, held::Held};

pub fn out_of_nothing() -> Held<'static, Process> {
    Held::outermost() //~ call to unsafe function
}
