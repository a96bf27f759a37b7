# SPDX-License-Identifier: GPL-2.0
# Run by bash in the system of a guest, in the folder of xfstests: makes its users, and disks with
# the file system $fs, of null_blk, in memory.
set -e
modprobe null_blk nr_devices=0
nullb=/sys/kernel/config/nullb

# disk NAME MIB SETTING...
disk() {
	local name=$1 mebibytes=$2 setting
	shift 2
	mkdir "$nullb/$name"
	for setting in "size=$mebibytes" blocksize=4096 memory_backed=1 "$@" power=1; do
		echo "${setting#*=}" >"$nullb/$name/${setting%%=*}"
	done
}

case $fs in
zoned-btrfs)
	type=btrfs settings="zoned=1 zone_size=64 zone_max_open=0 zone_max_active=0"
	disk test 4096 $settings
	disk scratch 4096 $settings
	;;
tarfs)
	type=tarfs
	disk space 4
	;;
overlay-on-tarfs)
	type=ext4
	disk test 1024 discard=1
	disk scratch 1024 discard=1
	;;
*)
	type=$fs
	disk test 1536 discard=1
	disk scratch 1536 discard=1
	;;
esac

mkdir -p /mnt/test /mnt/scratch
# Each test looks for some 130 programs, each in a process of its own: find them once.
perl -pi -e 's{\$\(type -P ([\w.-]+)\)}{(grep { -x } map { "$_/$1" } split /:/, $ENV{PATH})[0] // ""}ge' \
	common/config
cat >local.config <<END
FSTYP=$type
TEST_DEV=/dev/test
TEST_DIR=/mnt/test
SCRATCH_DEV=/dev/scratch
SCRATCH_MNT=/mnt/scratch
END
case $fs in
ext4) mkfs.ext4 -q /dev/test ;;
xfs) mkfs.xfs -q /dev/test ;;
btrfs) mkfs.btrfs -q /dev/test ;;
zoned-btrfs) mkfs.btrfs -q -O zoned -d single -m single /dev/test ;;
tarfs)
	modprobe --all tarfs dm-mod
	# The superblock is in the last block, so the device is as large as the image.
	dmsetup create scratch --table "0 $(blockdev --getsz /dev/vdc) linear /dev/space 0"
	# mkfs(8) calls it with the device last: the file system is always that of /dev/vdc.
	printf '#!/bin/bash\ncat /dev/vdc >"${@: -1}"\n' >/usr/sbin/mkfs.tarfs
	chmod 755 /usr/sbin/mkfs.tarfs
	cp tests/tarfs/local.config .
	;;
overlay-on-tarfs)
	# The folder below each overlay. Tests empty the scratch disk but for hidden names.
	modprobe tarfs
	mkdir /mnt/tarfs
	mount -t tarfs -o ro /dev/vdc /mnt/tarfs
	for disk in test scratch; do
		mkfs.ext4 -q /dev/$disk
		mount /dev/$disk /mnt/$disk
		ln -s /mnt/tarfs /mnt/$disk/.tarfs
		umount /mnt/$disk
	done
	echo OVL_LOWER=.tarfs >>local.config
	;;
esac

for user in fsgqa fsgqa2 123456-fsgqa; do
	id=$((id + 1))
	echo "$user:x:$((1000 + id)):$((1000 + id))::/tmp:/bin/bash" >>/etc/passwd
	echo "$user:x:$((1000 + id)):" >>/etc/group
done
