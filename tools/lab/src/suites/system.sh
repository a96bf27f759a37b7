# SPDX-License-Identifier: GPL-2.0
# Run in a guest by its init: mounts the system that suites run in at /system, writable, from the
# two images, the upper one first, and starts what they expect of a running system.
set -e
mkdir -p /lower/suite /lower/toolbox /upper /system
mount -t squashfs -o ro /dev/vda /lower/suite
mount -t squashfs -o ro /dev/vdb /lower/toolbox
mount -t tmpfs -o size=100% tmpfs /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower/suite:/lower/toolbox,upperdir=/upper/files,workdir=/upper/work \
	overlay /system
cd /system
mkdir -p dev proc sys run tmp var/tmp mnt root
chmod 1777 tmp var/tmp
for link in bin sbin lib lib64; do ln -sfn usr/$link $link; done
ln -sfn /proc/self/fd /dev/fd
for folder in dev proc sys; do mount --rbind /$folder $folder; done
mount -t tmpfs tmpfs run
modprobe configfs
mount -t configfs configfs sys/kernel/config
mount -t tracefs tracefs sys/kernel/tracing
mount -t cgroup2 cgroup2 sys/fs/cgroup
# What `mount` and `df` read in a root that is no mount's.
ln -sfn /proc/self/mounts etc/mtab
hostname guest
# Where the kernel looks for it, in a root that has few modules: it asks for schedulers.
printf '#!/bin/sh\nexec chroot /system /usr/sbin/modprobe "$@"\n' >/modprobe
chmod 755 /modprobe
echo /modprobe >/proc/sys/kernel/modprobe
# Any machine with a disk has it loaded: tests ask for it by its short name, `deadline`, by which
# the kernel does not find the module.
chroot . modprobe mq-deadline
chroot . /usr/bin/env SYSTEMD_IGNORE_CHROOT=1 /usr/lib/systemd/systemd-udevd --daemon
