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
	modprobe tarfs
	sed -i '/SCRATCH/d; s|/dev/test|/dev/vdc|' local.config
	echo 'TEST_FS_MOUNT_OPTS="-o ro"' >>local.config
	;;
overlay-on-tarfs)
	# Tests of overlayfs mount the folders ovl-lower, ovl-upper and ovl-work of the disk.
	modprobe tarfs
	mkdir /mnt/tarfs
	mount -t tarfs -o ro /dev/vdc /mnt/tarfs
	mkfs.ext4 -q /dev/test
	mkfs.ext4 -q /dev/scratch
	mount /dev/test /mnt/test
	ln -s /mnt/tarfs /mnt/test/ovl-lower
	umount /mnt/test
	;;
esac

for user in fsgqa fsgqa2 123456-fsgqa; do
	id=$((id + 1))
	echo "$user:x:$((1000 + id)):$((1000 + id))::/tmp:/bin/bash" >>/etc/passwd
	echo "$user:x:$((1000 + id)):" >>/etc/group
done
