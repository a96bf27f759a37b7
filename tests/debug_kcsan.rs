// SPDX-License-Identifier: GPL-2.0
//! KCSAN sees code in Rust, though the kernel's build has no flags of it for Rust: it finds the
//! data race that a module has on purpose. Without this, its silence in all other tests would
//! prove nothing.

use lab::guest::Boot;
use lab::Lab;
use tests::ok;

#[test]
fn a_data_race_in_rust_is_reported() {
    let lab = Lab::locate().unwrap().with_kcsan_kernel();
    let boot = Boot::new(&lab).cpus(2).module("deliberate_bugs");
    let mut guest = boot.boot().unwrap();
    ok(&mut guest, "modprobe deliberate_bugs bug=rust_data_race");
    ok(&mut guest, "rmmod deliberate_bugs");
    let error = guest.shutdown().unwrap_err().to_string();
    let report = "BUG: KCSAN: data-race in rust_write_unlocked [deliberate_bugs] / \
                  rust_write_unlocked [deliberate_bugs]";
    assert!(error.contains(report), "{error}");
}
