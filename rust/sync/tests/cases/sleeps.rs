// SPDX-License-Identifier: GPL-2.0

mod driver;

use driver::Driver;
use sync::context::{Atomic, HardIrq, NoIo, Softirq};
use sync::held::Held;

pub fn under_a_spin_lock(driver: &Driver, held: &mut Held<'_, NoIo>) {
    let (_queue, mut held) = driver.queue.lock(held);
    driver.store.lock(&mut held); //~ a lock of level `Store` cannot be taken under `Queue`
}

pub fn in_a_request_that_cannot(driver: &Driver, held: &mut Held<'_, Atomic>) {
    driver.store.lock(held); //~ a lock for context `NoIo` cannot be taken in context `Atomic`
}

pub fn in_a_softirq(driver: &Driver, held: &mut Held<'_, Softirq>) {
    driver.settings.lock(held); //~ a lock for context `Process` cannot be taken in context `Softirq`
}

pub fn in_an_interrupt(driver: &Driver, held: &mut Held<'_, HardIrq>) {
    driver.store.lock(held); //~ a lock for context `NoIo` cannot be taken in context `HardIrq`
}
