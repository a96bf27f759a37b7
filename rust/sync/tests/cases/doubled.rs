// SPDX-License-Identifier: GPL-2.0

use sync::{context::Process, held::Held};

pub fn by_a_copy<'a>(held: Held<'a, Process>) -> (Held<'a, Process>, Held<'a, Process>) {
    (held.clone(), held) //~ no method named `clone` found
}

pub fn by_another_thread(held: &mut Held<'_, Process>) {
    std::thread::scope(|scope| {
        scope.spawn(move || held); //~ cannot be sent between threads safely
    });
}
