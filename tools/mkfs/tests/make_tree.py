#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a directory with files of each type and with each attribute.

usage: make_tree.py DIRECTORY

As root with devices, owners and capabilities, otherwise without.
"""

import os
import socket
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.mkdir(sys.argv[1])
    os.chdir(sys.argv[1])
    os.makedirs("a/b/c")
    for size in (0, 1, 511, 513, 4097, 3_000_001):
        with open("a/size-%d" % size, "wb") as file:
            file.write(bytes(i % 251 for i in range(size)))
    os.link("a/size-513", "a/b/hard")
    os.link("a/size-513", "z-hard")
    os.symlink("../a/size-1", "a/b/symlink")
    os.symlink("/nowhere/" + "x" * 300, "dangling")
    os.mkfifo("fifo", 0o640)
    for name in (b"caf\xc3\xa9", b"not-utf8-\xff", b"new\nline", b"-dash", b" space ", b"n" * 255):
        with open(name, "wb") as file:
            file.write(name)
    with open("holes", "wb") as file:
        file.write(b"start")
        file.seek(10_000_000)
        file.write(b"middle")
        file.truncate(20_000_000)
    with open("all-hole", "wb") as file:
        file.truncate(1_000_000)
    os.setxattr("a/size-1", "user.comment", b"a value\0with a NUL")
    os.setxattr("a/b", "user.empty", b"")
    os.chmod("a/size-0", 0o4755)
    os.chmod("a/size-511", 0o0)
    os.chmod("a/b/c", 0o3777)
    if os.geteuid() == 0:
        os.mknod("null", 0o20666, os.makedev(1, 3))
        os.mknod("big", 0o60600, os.makedev(4095, 1048575))
        os.chown("a/size-1", 1234, 5678)
        os.chown("dangling", 1234, 5678, follow_symlinks=False)
        os.setxattr("a/size-4097", "security.capability",
                    bytes.fromhex("0100000200200000000000000000000000000000"))
        os.setxattr("fifo", "trusted.mark", b"1")
    for i, (directory, subdirectories, names) in enumerate(os.walk(b".", topdown=False)):
        for name in names + [b"."]:
            path = os.path.join(directory, name)
            time = 1_500_000_000_000_000_000 + i * 1_000_000_007 + len(name)
            os.utime(path, ns=(time, time), follow_symlinks=False)
    os.chmod("a/b", 0o555)


if __name__ == "__main__":
    main()
