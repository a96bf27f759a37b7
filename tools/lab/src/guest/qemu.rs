// SPDX-License-Identifier: GPL-2.0
//! The command line of a guest's QEMU.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor itself.
    Kvm,
    /// QEMU's software emulation, one host thread a virtual CPU.
    Tcg,
    /// The same with time that is the count of executed instructions, 1 ns each.
    Icount,
}

/// Whether a guest may write to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may not.
    ReadOnly,
    /// It may; the image on the host changes.
    ReadWrite,
}

/// What the standard input and output of QEMU are in the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// A port for requests to its init, raw bytes.
    Control,
    /// A terminal.
    Terminal,
}

/// The machine that a guest sees.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What executes it.
    pub accelerator: Accelerator,
    /// Virtual CPUs, at least 1.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Images of the disks: `/dev/vda`, `/dev/vdb`, …
    pub disks: Vec<(PathBuf, Access)>,
    /// A plugin of the software emulation, and the file that it writes.
    pub plugin: Option<(PathBuf, PathBuf)>,
    /// What the host talks to.
    pub port: Port,
    /// The kernel's command line.
    pub command_line: String,
}

/// The command line of any kernel. A panic or an oops ends the guest at once (QEMU exits at the
/// reboot), so that nobody waits for it; warnings leave it running and are found in the log.
/// On a host with too much to do the emulated clocks drift apart; the kernel would distrust the
/// TSC and go on with the HPET, which is slow to read, and panic where the timer's interrupts come
/// too late for its check at boot.
pub const KERNEL_COMMAND_LINE: &str = "console=ttyS0 loglevel=5 panic=-1 oops=panic tsc=reliable \
     no_timer_check sysctl.kernel.hung_task_timeout_secs=60";

/// What the debug kernels are told as well: to poison pages that are free, to report not only the
/// first thing that KASAN finds, to use page tables of four levels (it takes an interrupt at the
/// moment when it clears what it knows of the CPU, five levels among it, for a wild access), and to
/// check the slab allocator's lists. That does without arrays of free objects for each CPU, where
/// pointers stay to objects that are in use again: kmemleak would take them for references.
/// KCSAN is to watch one access in 997, in place of 4,000, and for 200 us, in place of 80, or 50 us
/// in interrupts: emulated CPUs do less in that time.
pub const DEBUG_COMMAND_LINE: &str = "page_poison=1 kasan_multi_shot no5lvl slab_debug=F \
     kcsan.skip_watch=997 kcsan.udelay_task=200 kcsan.udelay_interrupt=50";

impl Machine {
    /// The arguments that decide how it executes, and how fast.
    pub fn execution(&self) -> Vec<String> {
        let (accelerator, cpu) = match self.accelerator {
            Accelerator::Kvm => ("kvm", "host"),
            Accelerator::Tcg => ("tcg,thread=multi", "max"),
            // Without these two features the kernel copies with loops of instructions: a
            // `rep movsb` counts one instruction for each byte.
            Accelerator::Icount => ("tcg,thread=single", "max,-erms,-fsrm"),
        };
        let mut words = vec!["-M", "q35", "-accel", accelerator, "-cpu", cpu];
        if self.accelerator == Accelerator::Icount {
            words.extend(["-icount", "shift=0,sleep=off"]);
        }
        let (cpus, memory) = (self.cpus.to_string(), format!("{}M", self.memory_mib));
        words.extend(["-smp", &cpus, "-m", &memory]);
        words.extend(["-append", &self.command_line]);
        words.into_iter().map(str::to_owned).collect()
    }

    /// Adds the machine to a command that runs QEMU. The kernel's log goes to the command's
    /// standard error, the port is its standard input and output.
    pub fn arguments(&self, command: &mut Command, kernel: &Path, initramfs: &Path) {
        command.args([
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-display",
            "none",
        ]);
        command.args(self.execution());
        command
            .arg("-kernel")
            .arg(kernel)
            .arg("-initrd")
            .arg(initramfs);
        command.args(["-chardev", "file,id=log,path=/proc/self/fd/2,append=on"]);
        command.args(["-serial", "chardev:log"]);
        command.args([
            "-chardev",
            "stdio,id=port,signal=off",
            "-device",
            "virtio-serial-pci",
        ]);
        command.arg("-device").arg(match self.port {
            Port::Control => "virtserialport,chardev=port,nr=1",
            Port::Terminal => "virtconsole,chardev=port",
        });
        if let Some((file, out)) = &self.plugin {
            let (file, out) = (value(file), value(out));
            command.arg("-plugin").arg(format!("file={file},out={out}"));
        }
        for (number, (path, access)) in self.disks.iter().enumerate() {
            let path = value(path);
            let read_only = if *access == Access::ReadOnly {
                "on"
            } else {
                "off"
            };
            command.arg("-drive");
            command.arg(format!(
                "if=none,id=disk{number},format=raw,readonly={read_only},file={path}"
            ));
            command.args(["-device", &format!("virtio-blk-pci,drive=disk{number}")]);
        }
    }
}

/// A path as a value: a comma ends it unless it is doubled.
fn value(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}
