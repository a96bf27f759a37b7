// SPDX-License-Identifier: GPL-2.0

mod driver;

use driver::Driver;
use sync::{context::Process, held::Held};

pub fn names_then_settings(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_names, mut held) = driver.names.lock(held);
    driver.settings.lock(&mut held); //~ a lock of level `Settings` cannot be taken under `Names`
}

pub fn timer_then_queue(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_deadlines, mut held) = driver.deadlines.lock(held);
    driver.queue.lock(&mut held); //~ a lock of level `Queue` cannot be taken under `Deadlines`
}
