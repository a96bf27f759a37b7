# SPDX-License-Identifier: GPL-2.0
# Run by bash in the system of a guest, in the folder of blktests: one test, $test. Some need a disk
# and make none themselves. They get one of null_blk's, zoned for those on zones.
needs_disk() {
	grep -q '^test_device()' "tests/$test" && ! grep -q '^fallback_device()' "tests/$test"
}

make_disk() {
	modprobe null_blk nr_devices=0
	mkdir /sys/kernel/config/nullb/disk
	cd /sys/kernel/config/nullb/disk || exit
	echo 1024 >size
	echo 1 >memory_backed
	case $test in
	zbd/*) echo 1 >zoned && echo 16 >zone_size ;;
	*) echo 1 >discard ;;
	esac
	echo 1 >power
	cd - >/dev/null || exit
}

if needs_disk; then
	make_disk
	export TEST_DEVS=/dev/disk
fi
./check "$test"
cat results/*/"$test.dmesg" 2>&-
if [ -n "$TEST_DEVS" ]; then
	rmdir /sys/kernel/config/nullb/disk
	modprobe -r null_blk
fi
