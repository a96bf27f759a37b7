// SPDX-License-Identifier: GPL-2.0

mod driver;

use driver::Driver;
use sync::context::{HardIrq, NoIo, Process, Softirq};
use sync::held::Held;
use sync::level::Level;

/// Whoever holds that lock may wait for this request.
pub fn of_users_in_a_request(driver: &Driver, held: &mut Held<'_, NoIo>) {
    driver.names.lock(held); //~ a lock for context `Process` cannot be taken in context `NoIo`
}

/// The interrupt may have come while this CPU holds the lock.
pub fn of_requests_in_interrupts(driver: &Driver, held: &mut Held<'_, HardIrq>) {
    driver.queue.lock(held); //~ a lock for context `Atomic` cannot be taken in context `HardIrq`
}

pub fn of_requests_in_softirqs(driver: &Driver, held: &mut Held<'_, Softirq>) {
    driver.queue.lock(held); //~ a lock for context `Atomic` cannot be taken in context `Softirq`
}

fn waits_for_requests<L: Level<Context = Process>>(_held: &mut Held<'_, L>) {}

pub fn waiting_under_a_lock_of_requests(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_store, mut held) = driver.store.lock(held);
    waits_for_requests(&mut held); //~ type mismatch resolving `<Store as Level>::Context == Process`
}
