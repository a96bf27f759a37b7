// SPDX-License-Identifier: GPL-2.0

mod driver;

use driver::Driver;
use sync::{context::Process, held::Held};

pub fn with_the_outer_token(driver: &Driver, held: &mut Held<'_, Process>) {
    let (_names, inner) = driver.names.lock(held);
    driver.settings.lock(held); //~ cannot borrow `*held` as mutable more than once at a time
    drop(inner);
}

pub fn while_the_data_is_there(driver: &Driver, held: &mut Held<'_, Process>) {
    let (names, _) = driver.names.lock(held);
    driver.settings.lock(held); //~ cannot borrow `*held` as mutable more than once at a time
    drop(names);
}
