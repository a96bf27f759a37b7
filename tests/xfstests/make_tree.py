# SPDX-License-Identifier: GPL-2.0
"""Writes the archive that our tests for xfstests are about, or what they are to find in it.

make_tree.py TAR: the archive. make_tree.py --names, --sums: what 001 and 002 find, made from the
same table and not by reading the archive.
"""

import hashlib
import io
import sys
import tarfile

TIME = 1_000_000_000
LETTERS = {tarfile.DIRTYPE: "d", tarfile.REGTYPE: "f", tarfile.SYMTYPE: "l", tarfile.FIFOTYPE: "p",
           tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b"}
SCRIPT = b"#!/bin/sh\necho $1\n"


def content(name, size):
    """A script's bytes; of others, bytes of which no two blocks are alike."""
    if name == "ls_on_scratch":
        return SCRIPT
    words = (hashlib.sha256(number.to_bytes(8, "little")).digest() for number in range(size // 32 + 1))
    return b"".join(words)[:size]


def entries():
    """Name, kind, mode, owner, size, target."""
    yield "dir", tarfile.DIRTYPE, 0o755, 0, 0, ""
    for size in (0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, 1_000_000):
        yield f"dir/size-{size}", tarfile.REGTYPE, 0o644, 0, size, ""
    yield "dir/other's", tarfile.REGTYPE, 0o600, 1001, 100, ""
    yield "dir/set-uid", tarfile.REGTYPE, 0o4755, 0, 10, ""
    yield "dir/link", tarfile.SYMTYPE, 0o777, 0, 0, "size-4096"
    yield "dir/fifo", tarfile.FIFOTYPE, 0o644, 0, 0, ""
    yield "dir/null", tarfile.CHRTYPE, 0o666, 0, 0, ""
    yield "long", tarfile.DIRTYPE, 0o1777, 0, 0, ""
    yield "long/" + "n" * 255, tarfile.REGTYPE, 0o644, 0, 3, ""
    yield "many", tarfile.DIRTYPE, 0o755, 0, 0, ""
    for number in range(200):
        yield f"many/{number:03}", tarfile.REGTYPE, 0o644, 0, number % 7, ""
    yield from made_by_tests()


def made_by_tests():
    """What tests of the suite itself make on a file system that can be written: generic/067, 257,
    401, 452."""
    yield "067.scratch_dev_symlink", tarfile.SYMTYPE, 0o777, 0, 0, "/dev/mapper/scratch"
    yield "testdir", tarfile.DIRTYPE, 0o755, 0, 0, ""
    yield "067.testdir_symlink", tarfile.SYMTYPE, 0o777, 0, 0, "/mnt/scratch/testdir"
    yield "ttt", tarfile.DIRTYPE, 0o755, 0, 0, ""
    for number in range(1, 169):
        yield f"ttt/{number}", tarfile.REGTYPE, 0o644, 0, 0, ""
    yield "401.null", tarfile.CHRTYPE, 0o644, 0, 0, ""
    yield "find-by-type", tarfile.DIRTYPE, 0o755, 0, 0, ""
    for name, kind in (("d", tarfile.DIRTYPE), ("f", tarfile.REGTYPE), ("c", tarfile.CHRTYPE),
                       ("b", tarfile.BLKTYPE), ("p", tarfile.FIFOTYPE)):
        yield f"find-by-type/{name}", kind, 0o755 if name == "d" else 0o644, 0, 0, ""
    yield "find-by-type/l", tarfile.SYMTYPE, 0o777, 0, 0, "/mnt/scratch/find-by-type/f"
    yield "ls_on_scratch", tarfile.REGTYPE, 0o755, 0, len(SCRIPT), ""


def write(path):
    """The archive."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, owner, size, target in entries():
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.gid = kind, mode, owner, owner
            info.size, info.linkname, info.mtime = size, target, TIME
            if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
                info.devmajor, info.devminor = 1, 3
            tar.addfile(info, io.BytesIO(content(name, size)))


def names():
    """As find -printf and sort print it in 001."""
    for name, kind, mode, owner, size, target in sorted(entries()):
        print(f"{name} {LETTERS[kind]} {mode:o} {owner} {size} {target}".rstrip())


def sums():
    """As sha256sum prints it."""
    for name, kind, _, _, size, _ in sorted(entries()):
        if kind == tarfile.REGTYPE:
            print(f"{hashlib.sha256(content(name, size)).hexdigest()}  {name}")


if __name__ == "__main__":
    if sys.argv[1] == "--names":
        names()
    elif sys.argv[1] == "--sums":
        sums()
    else:
        write(sys.argv[1])
