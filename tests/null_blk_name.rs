// SPDX-License-Identifier: GPL-2.0
//! A script for the kernel's null_blk does the same with ours of that name.

use lab::guest::Boot;
use lab::Lab;
use tests::ok;

/// Uses every name that a script could know. Settings that only one of the drivers has are left
/// out.
const SCRIPT: &str = r#"
modprobe configfs
mount -t configfs configfs /sys/kernel/config
modprobe null_blk nr_devices=2 gb=1 bs=4096 hw_queue_depth=32
grep -c '^null_blk ' /proc/modules
cd /sys/module/null_blk/parameters
grep . nr_devices gb bs irqmode submit_queues hw_queue_depth
grep ' nullb$' /proc/devices | sed 's/[0-9]* //'
ls -d /dev/nullb*
cat /sys/block/nullb1/size /sys/block/nullb1/queue/logical_block_size
dd if=/dev/nullb0 of=/dev/null bs=1M count=4 2>&1 | head -n 2

cd /sys/kernel/config/nullb
tr ',' '\n' < features | grep -x -e size -e power -e blocksize
mkdir nullb2
echo 64 > nullb2/size
echo 1 > nullb2/power
cat nullb2/power /sys/block/nullb2/size
mkdir nullb0 2>&1 | sed 's/.*: //'
mkdir /sys/kernel/config/nullb/other
cat other/blocksize other/hw_queue_depth
rmmod null_blk 2>&1 | sed 's/.*: //'
rmdir nullb2 other
ls -d /dev/nullb*
cd /
rmmod null_blk
ls -d /dev/nullb* /sys/kernel/config/nullb 2>&1 | wc -l
"#;

fn printed(boot: Boot<'_>) -> String {
    let mut guest = boot.stock_module("configfs").boot().unwrap();
    let printed = ok(&mut guest, SCRIPT);
    guest.shutdown().unwrap();
    printed
}

#[test]
fn scripts_for_null_blk_run_unchanged() {
    let lab = Lab::locate().unwrap();
    let c = printed(Boot::new(&lab).stock_module("null_blk"));
    let rust = printed(Boot::new(&lab).module("null_blk"));
    assert!(c.contains("/dev/nullb1\n"), "{c}");
    assert_eq!(rust, c);
}
