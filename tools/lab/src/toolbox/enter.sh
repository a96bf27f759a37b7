# SPDX-License-Identifier: GPL-2.0
# Run by sh in mount and process namespaces of its own, in which all of this ends with it:
# enter ROOT DIRECTORY [SOURCE TARGET]... -- COMMAND...
set -e
root=$1 directory=$2
shift 2
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
# make names a pipe there after its process id, which is 1 in each of these namespaces.
mount -t tmpfs tmpfs "$root/tmp"
while [ "$1" != -- ]; do
	mkdir -p "$root$2"
	mount --rbind "$1" "$root$2"
	shift 2
done
shift
exec chroot "$root" /usr/bin/env -i -C "$directory" \
	PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 "$@"
