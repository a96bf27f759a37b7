// SPDX-License-Identifier: GPL-2.0

mod driver;

use driver::Driver;
use sync::{context::Process, held::Held};

pub fn two_of_a_level(a: &Driver, b: &Driver, held: &mut Held<'_, Process>) {
    let (_a, mut held) = a.settings.lock(held);
    b.settings.lock(&mut held); //~ a lock of level `Settings` cannot be taken under `Settings`
}
