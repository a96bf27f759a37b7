// SPDX-License-Identifier: GPL-2.0
//! The two null block drivers, ours and the kernel's own in C, asked the same questions.

use lab::guest::{Boot, Guest};
use lab::Lab;

/// A driver's names. In scripts they are `$module`, `$root` (its directory in configfs) and
/// `$disk` (what the names of its own disks begin with).
pub struct Driver {
    pub module: &'static str,
    root: &'static str,
    disk: &'static str,
}

/// Ours.
pub const RNULL: Driver = Driver {
    module: "rnull",
    root: "/sys/kernel/config/rnull",
    disk: "rnullb",
};

/// The kernel's own.
pub const NULL_BLK: Driver = Driver {
    module: "null_blk",
    root: "/sys/kernel/config/nullb",
    disk: "nullb",
};

/// What scripts may use besides the names.
const PRELUDE: &str = r#"
# load [PARAMETER...]: loads the module; says why not, if it cannot
load() { modprobe $module "$@" 2>&1 | sed 's/.*): //'; }
# write FILE: writes its input to a file at once; says why not, if it cannot
write() { dd of="$1" bs=4096 conv=notrunc status=none 2>&1 | sed 's/.*: //'; }
# put FILE VALUE: writes a value as `echo` does
put() { echo "$2" | write "$1"; }
"#;

/// A guest with both drivers and configfs.
pub fn boot(lab: &Lab) -> Boot<'_> {
    Boot::new(lab)
        .cpus(2)
        .module("rnull")
        .stock_module("null_blk")
}

/// Starts a guest with both drivers and these programs, and mounts configfs.
pub fn start(lab: &Lab, programs: &[&str]) -> Guest {
    let boot = programs
        .iter()
        .fold(boot(lab), |boot, program| boot.program(program));
    let mut guest = boot.boot().unwrap();
    mount_configfs(&mut guest);
    guest
}

/// Mounts configfs.
pub fn mount_configfs(guest: &mut Guest) {
    let mount = "modprobe configfs && mount -t configfs configfs /sys/kernel/config";
    guest.run(mount).unwrap().ok().unwrap();
}

/// What a script prints with the names of `driver`.
pub fn run(guest: &mut Guest, driver: &Driver, script: &str) -> String {
    let Driver { module, root, disk } = driver;
    let names = format!("module={module} root={root} disk={disk}\n");
    let output = guest.run(&(names + PRELUDE + script)).unwrap();
    output.ok().unwrap().text().into_owned()
}

/// Runs a script with either driver and compares what it prints; a script must not print names.
/// Returns what both printed.
pub fn same(guest: &mut Guest, script: &str) -> String {
    let c = run(guest, &NULL_BLK, script);
    let rust = run(guest, &RNULL, script);
    let difference = c
        .lines()
        .zip(rust.lines())
        .find(|(c, rust)| c != rust)
        .map_or_else(String::new, |(c, rust)| {
            format!("first difference:\n C    {c}\n Rust {rust}\n")
        });
    assert!(c == rust, "{difference}C:\n{c}\nRust:\n{rust}");
    rust
}
