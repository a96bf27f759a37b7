// SPDX-License-Identifier: GPL-2.0
//! The debug kernel's sanitizers speak: each finds the bug of its kind that a module has on purpose,
//! in C and in Rust. Without this, their silence in all other tests would prove nothing.

use lab::guest::Boot;
use lab::Lab;
use tests::ok;

/// Bugs of `deliberate_bugs`, and what the kernel's log must say of each. Lockdep speaks once, and
/// also of what may not sleep; so the order of locks comes first.
const BUGS: &[(&str, &[&str])] = &[
    (
        "rust_lock_order",
        &["WARNING: possible circular locking dependency detected"],
    ),
    (
        "rust_sleep_in_atomic",
        &["BUG: sleeping function called from invalid context"],
    ),
    (
        "rust_out_of_bounds",
        &["BUG: KASAN: slab-out-of-bounds in rust_out_of_bounds"],
    ),
    (
        "rust_use_after_free",
        &["BUG: KASAN: slab-use-after-free in rust_use_after_free"],
    ),
    (
        "use_after_free",
        &["BUG: KASAN: slab-use-after-free in use_after_free"],
    ),
    ("shift_out_of_bounds", &["UBSAN: shift-out-of-bounds in"]),
    ("list_corruption", &["list_add double add"]),
    ("active_timer_freed", &["ODEBUG: free active"]),
];

#[test]
fn every_sanitizer_finds_the_bug_of_its_kind() {
    let lab = Lab::locate().unwrap().with_debug_kernel();
    let mut guest = Boot::new(&lab).module("deliberate_bugs").boot().unwrap();
    for (bug, reports) in BUGS {
        let before = guest.log().len();
        ok(
            &mut guest,
            &format!("modprobe deliberate_bugs bug={bug} && rmmod deliberate_bugs"),
        );
        let log = guest.log();
        let said = &log[before..];
        for report in *reports {
            assert!(said.contains(report), "{bug}: no \"{report}\" in\n{said}");
        }
    }
    // Leaks are looked for at the end. The module stays, so that its functions keep their names.
    ok(
        &mut guest,
        "modprobe deliberate_bugs bug=forgotten_allocations",
    );
    let error = guest.shutdown().unwrap_err().to_string();
    assert!(error.contains("circular locking dependency"), "{error}");
    for leak in ["] forgotten_allocation+", "] rust_forgotten_allocation+"] {
        assert!(error.contains(leak), "{leak}: {error}");
    }
}
