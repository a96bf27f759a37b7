// SPDX-License-Identifier: GPL-2.0

sync::levels! { //~ a lock for context `Process` cannot be taken in context `Atomic`
    Queue: Atomic;
    Settings: Process;
}

pub fn a_lock_for_another_context(
    lock: &sync::lock::Lock<OnlyProcess, Queue>,
    held: &mut sync::held::Held<'_, sync::context::Process>,
) {
    lock.lock(held); //~ the method `lock` exists for reference
}

pub struct OnlyProcess;

// SAFETY: It protects nothing.
unsafe impl sync::lock::Primitive<sync::context::Process> for OnlyProcess {
    type Guard<'a> = ();

    fn lock(&self) {}
}
