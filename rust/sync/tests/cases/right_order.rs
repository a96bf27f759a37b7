// SPDX-License-Identifier: GPL-2.0
//! All orders that are right.

mod driver;

use driver::Driver;
use sync::context::{Atomic, HardIrq, NoIo, Process, Softirq};
use sync::held::Held;
use sync::level::Before;

pub fn all(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_settings, mut held) = driver.settings.lock(held);
    let (_names, mut held) = driver.names.lock(&mut held);
    let (_store, mut held) = driver.store.lock(&mut held);
    let (_queue, mut held) = driver.queue.lock(&mut held);
    let (_deadlines, _held) = driver.deadlines.lock(&mut held);
}

pub fn one_after_the_other(driver: &Driver, held: &mut Held<'_, Process>) {
    driver.queue.lock(held);
    driver.settings.lock(held);
    driver.settings.lock(held);
}

pub fn some(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_settings, mut held) = driver.settings.lock(held);
    let (_deadlines, _held) = driver.deadlines.lock(&mut held);
}

pub fn in_a_request(driver: &Driver, held: &mut Held<'_, NoIo>) {
    driver.store.lock(held);
}

pub fn in_a_request_that_cannot_sleep(driver: &Driver, held: &mut Held<'_, Atomic>) {
    driver.queue.lock(held);
}

pub fn in_a_softirq(driver: &Driver, held: &mut Held<'_, Softirq>) {
    driver.deadlines.lock(held);
}

pub fn in_an_interrupt(driver: &Driver, held: &mut Held<'_, HardIrq>) {
    driver.deadlines.lock(held);
}

pub fn wherever<L: Before<driver::Deadlines>>(driver: &Driver, held: &mut Held<'_, L>) {
    driver.deadlines.lock(held);
}
