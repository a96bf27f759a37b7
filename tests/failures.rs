// SPDX-License-Identifier: GPL-2.0
//! Failures of allocations, one by one, on the debug kernel.

use lab::guest::Guest;

use crate::ok;

/// Runs a script in Perl that calls the functions of `fail_nth.pl`, in a guest with the program
/// `perl`. Each of `sweeps` must have had an allocation that failed.
pub fn sweep(guest: &mut Guest, script: &str, sweeps: &[&str]) {
    let program = include_str!("fail_nth.pl").to_owned() + script;
    guest.put("/tmp/sweep", program.as_bytes()).unwrap();
    let printed = ok(guest, "perl /tmp/sweep");
    println!("{printed}");
    for name in sweeps {
        let line = printed
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        let count: Option<u32> = line.and_then(|line| line.split(' ').next()?.parse().ok());
        assert!(count > Some(0), "{name}:\n{printed}");
    }
}
