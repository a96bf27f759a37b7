// SPDX-License-Identifier: GPL-2.0
//! Chooses what executes guests: KVM where it really works, software emulation (TCG) elsewhere.
//!
//! `/dev/kvm` can be there and yet run no unmodified kernel, in some clouds for one, so a guest is
//! booted to find out, once in the life of the host.

use std::fs::{self, OpenOptions};
use std::sync::Once;
use std::time::Duration;

use crate::cache;
use crate::error::{Error, Kind, Result};
use crate::progress::Step;
use crate::Lab;

use super::{Accelerator, Boot};

/// On KVM a guest is there in about a second.
const PROBE_LIMIT: Duration = Duration::from_secs(20);
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The best accelerator of this machine; says on the standard error which it is.
pub fn best(lab: &Lab) -> Result<Accelerator> {
    let (accelerator, words) = match OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        Err(error) => (
            Accelerator::Tcg,
            format!("software emulation (/dev/kvm: {error})"),
        ),
        Ok(_) => match probed(lab)? {
            true => (Accelerator::Kvm, "KVM".to_owned()),
            false => (
                Accelerator::Tcg,
                "software emulation (KVM runs no guest here)".to_owned(),
            ),
        },
    };
    static SAID: Once = Once::new();
    SAID.call_once(|| eprintln!("lab: guests run on {words}"));
    Ok(accelerator)
}

/// Whether a guest boots on KVM; the answer is kept until the host reboots.
fn probed(lab: &Lab) -> Result<bool> {
    let boot = fs::read_to_string(BOOT_ID).map_err(|error| Error::io("read", BOOT_ID, error))?;
    let file = lab.cache().join("kvm");
    let _lock = cache::lock(&lab.cache().join("kvm.lock"))?;
    let kept = fs::read_to_string(&file).unwrap_or_default();
    match kept.strip_prefix(&boot) {
        Some("works\n") => return Ok(true),
        Some("fails\n") => return Ok(false),
        _ => {}
    }
    // What is not about KVM shall not be taken for its failure.
    lab.toolbox()?;
    lab.kernel()?;
    let step = Step::start("trying a guest on KVM");
    let probe = Boot::new(lab)
        .accelerator(Accelerator::Kvm)
        .boot_limit(PROBE_LIMIT)
        .boot();
    let works = match probe.and_then(|mut guest| guest.run("true")) {
        Ok(_) => true,
        Err(error) if error.kind() == Kind::Guest => false,
        Err(error) => return Err(error),
    };
    step.finish();
    let answer = if works { "works" } else { "fails" };
    fs::write(&file, format!("{boot}{answer}\n"))
        .map_err(|error| Error::io("write", &file, error))?;
    Ok(works)
}
