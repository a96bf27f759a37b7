#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's first process. It prepares the file systems, then obeys the host, which speaks over
# a virtio-serial port: raw bytes, no terminal in between. A request is a line "VERB SIZE [PATH]"
# and SIZE bytes; the answer is a line "STATUS SIZE" and SIZE bytes.

export PATH=/usr/sbin:/usr/bin:/usr/lib/busybox HOME=/root TERM=linux
/usr/bin/busybox --install -s /usr/lib/busybox
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
while read -r module; do modprobe "$module"; done </etc/modules
if [ -e /etc/shell ]; then
	# A person, at the terminal that the host passes on: the first virtio console.
	setsid -c busybox sh -c '. /etc/shell; exec busybox sh' </dev/hvc0 >/dev/hvc0 2>&1
	poweroff -f
fi
# Up to here the log holds warnings only; from here on, everything.
dmesg -n 8

answer() {
	echo "$1 $(stat -c %s "$2")"
	cat "$2"
}

# Seconds since the start
now() {
	read -r seconds _ </proc/uptime
	echo "${seconds%.*}"
}

# Has a kernel with kmemleak name in its log what nothing refers to any more. It trusts what two
# scans find, and what is five seconds old at the second.
report_leaks() {
	leaks=/sys/kernel/debug/kmemleak
	[ -e $leaks ] || return
	later=$(($(now) + 6))
	echo scan >$leaks
	while [ "$(now)" -lt $later ]; do sleep 1; done
	echo scan >$leaks || echo 'BUG: kmemleak has ended' >/dev/kmsg
	head -n 200 $leaks | while read -r line; do echo "$line" >/dev/kmsg; done
}

# The kernel adds the port from a work queue, maybe after it has started this script.
while [ ! -c /dev/vport0p1 ]; do sleep 0.01; done
exec 3<>/dev/vport0p1
: >/run/empty
answer 0 /run/empty >&3

while read -r verb size path <&3; do
	case $verb in
	run)
		head -c "$size" <&3 >/run/command
		sh /run/command </dev/null >/run/output 2>&1 3>&-
		answer $? /run/output >&3
		rm /run/output
		;;
	put)
		mkdir -p "${path%/*}" && head -c "$size" <&3 >"$path"
		answer $? /run/empty >&3
		;;
	off)
		report_leaks
		break
		;;
	esac
done
# The end of the input means that the host is gone.
poweroff -f
