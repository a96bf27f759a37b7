# SPDX-License-Identifier: GPL-2.0
"""Writes what extracting a tar archive would give, as Python's own tarfile module reads it.

usage: manifest.py TAR OUT

OUT gets twelve NUL-terminated fields for each path: path (without leading "./"), type (f, d, l, c,
b, p), permissions (octal), user id, group id, number of links, mtime (nanoseconds since 1970),
size, device ("major:minor"), target of a symbolic link, SHA-256 of the contents, number of the
inode. A field that does not apply, or that the archive does not say, is empty.
"""

import hashlib
import sys
import tarfile
from fractions import Fraction

TYPES = {
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
    tarfile.FIFOTYPE: "p",
}


class Inode:
    """An inode: the member that made it, its type, and how many names it has."""

    def __init__(self, member):
        self.member = member
        self.type = TYPES.get(member.type, "f") if member else "d"
        self.links = 0


def components(name):
    """A path's components as bytes; those that say nothing ("." and empty ones) are dropped."""
    parts = name.encode("utf-8", "surrogateescape").split(b"/")
    return tuple(part for part in parts if part not in (b"", b"."))


def read(archive):
    """The inode of each path that extracting the archive would leave."""
    tree = {(): Inode(None)}
    for member in archive:
        path = components(member.name)
        for depth in range(len(path)):
            tree.setdefault(path[:depth], Inode(None))
        if member.islnk():
            tree[path] = tree[components(member.linkname)]
        elif member.isdir() and path in tree and tree[path].type == "d":
            # A directory that is there already keeps what is in it.
            tree[path].member = member
        else:
            tree[path] = Inode(member)
    return tree


def mtime(member):
    """Nanoseconds since 1970. A pax record is text with any number of digits."""
    text = member.pax_headers.get("mtime")
    seconds = Fraction(text) if text is not None else member.mtime
    return str(seconds * 10**9 // 1)


def digest(archive, member):
    """SHA-256 of a file's contents."""
    sha256 = hashlib.sha256()
    with archive.extractfile(member) as contents:
        while chunk := contents.read(1 << 20):
            sha256.update(chunk)
    return sha256.hexdigest()


def write(archive, tree, out):
    """Writes the fields of all paths."""
    for path, inode in tree.items():
        inode.links += 1
        if inode.type == "d":
            inode.links = 2
    for path in tree:
        if path and tree[path].type == "d":
            tree[path[:-1]].links += 1
    numbers = {}
    digests = {}
    for path, inode in tree.items():
        number = numbers.setdefault(id(inode), len(numbers))
        member = inode.member
        size = device = target = sha256 = ""
        if inode.type == "f":
            size = str(member.size)
            if number not in digests:
                digests[number] = digest(archive, member)
            sha256 = digests[number]
        elif inode.type == "l":
            target = member.linkname.encode("utf-8", "surrogateescape")
            size = str(len(target))
        elif inode.type in "cb":
            device = f"{member.devmajor}:{member.devminor}"
        fields = [
            b"/".join(path),
            inode.type,
            f"{member.mode & 0o7777:o}" if member else "755",
            str(member.uid) if member else "0",
            str(member.gid) if member else "0",
            str(inode.links),
            mtime(member) if member else "",
            size,
            device,
            target,
            sha256,
            str(number),
        ]
        for field in fields:
            out.write(field if isinstance(field, bytes) else field.encode("ascii"))
            out.write(b"\0")


def main():
    """Reads the archive and writes the manifest."""
    _, tar, out = sys.argv
    with tarfile.open(tar, "r:") as archive, open(out, "wb") as file:
        write(archive, read(archive), file)


main()
