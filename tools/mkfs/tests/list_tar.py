#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints as JSON the files that extracting a tar archive leaves, by Python's own tar reader.

usage: list_tar.py TAR...

For each path: type, mode, nlink, uid, gid, mtime (seconds and nanoseconds), size, sha256, target,
device (major, minor), xattrs (names, and values in hexadecimal), header (first sector of the
entry's headers), data (first sector of the data; 0 where there is none or the file is sparse),
extents of sparse files (byte of the file, length, byte of the archive) and ino (a number that hard
links share; not that of an image). Names and targets are bytes, printed as the characters with
these numbers.

Several archives are the layers of a container image: each goes over those before it, of which its
whiteouts hide files. Positions count as format.rst says.
"""

import base64
import hashlib
import json
import os
import struct
import sys
import tarfile
import urllib.parse
from decimal import Decimal
from math import floor

TYPES = {tarfile.REGTYPE: "regular", tarfile.AREGTYPE: "regular", tarfile.CONTTYPE: "regular",
         tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block",
         tarfile.GNUTYPE_SPARSE: "regular", tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "fifo"}
ACLS = {"SCHILY.acl.access": "system.posix_acl_access",
        "SCHILY.acl.default": "system.posix_acl_default"}


class Tree:
    def __init__(self):
        self.files = {".": self.implied()}
        self.count = 1

    @staticmethod
    def implied():
        return {"type": "directory", "mode": 0o755, "nlink": 2, "uid": 0, "gid": 0,
                "mtime": [0, 0], "size": 0, "sha256": None, "extents": None, "target": None,
                "device": [0, 0], "xattrs": {}, "header": None, "data": 0, "ino": 1}

    def remove_below(self, path):
        prefix = "" if path == "." else path + "/"
        for other in [other for other in self.files if other.startswith(prefix) and other != "."]:
            del self.files[other]

    def hide(self, path):
        """Does what a whiteout of this name says; returns whether it is one."""
        directory, _, name = path.rpartition("/")
        if not name.startswith(".wh."):
            return False
        if name == ".wh..wh..opq":
            self.remove_below(directory or ".")
        elif not name.startswith(".wh..wh."):
            gone = "/".join(filter(None, (directory, name[4:])))
            self.remove_below(gone)
            self.files.pop(gone, None)
        return True

    def put(self, path, record):
        if self.files.get(path, record)["type"] == "directory" != record["type"]:
            self.remove_below(path)
        parts = path.split("/")
        for i in range(1, len(parts)):
            self.files.setdefault("/".join(parts[:i]), self.implied())
        self.files[path] = record

    def finish(self):
        """Counts links and numbers the files, now that all replacing is over."""
        numbers = {}
        counts = {}
        for path, record in sorted(self.files.items()):
            record["ino"] = numbers.setdefault(id(record), len(numbers) + 1)
            counts[id(record)] = counts.get(id(record), 0) + 1
        for record in self.files.values():
            record["nlink"] = 2 if record["type"] == "directory" else counts[id(record)]
        for path, record in self.files.items():
            if path != "." and record["type"] == "directory":
                self.files[path.rpartition("/")[0] or "."]["nlink"] += 1
        return self.files


def normal(name):
    """The name as its bytes' characters, without what tar drops."""
    text = name.encode("utf-8", "surrogateescape").decode("latin-1")
    return "/".join(part for part in text.split("/") if part not in ("", ".")) or "."


def time(member):
    exact = Decimal(member.pax_headers.get("mtime", member.mtime))
    nanoseconds = floor(exact * 10**9)
    return list(divmod(nanoseconds, 10**9))


def acl_value(text, member):
    """Linux's value of an access control list, the permission bits that it stands for, and whether
    that is all. KeyError: it has a name that stands for no known number."""
    known = {"u": {member.uname: member.uid}, "g": {member.gname: member.gid}}
    tags = {"u": (1, 2), "g": (4, 8), "m": (16, None), "o": (32, None)}
    entries = []
    for line in text.replace(",", "\n").splitlines():
        fields = line.partition("#")[0].strip().split(":")
        if fields == [""]:
            continue
        kind, name = fields[0][0], fields[1]
        tag, named_tag = tags[kind]
        bits = sum({"r": 4, "w": 2, "x": 1, "-": 0}[letter] for letter in fields[2])
        number = 0xffffffff
        if name:
            tag = named_tag
            texts = [text for text in fields[3:] + [name] if text.isdigit()]
            number = int(texts[0]) if texts else known[kind][name]
        entries.append((tag, bits, number))
    bits = {tag: bits for tag, bits, _ in entries}
    mode = bits[1] << 6 | bits.get(16, bits[4]) << 3 | bits[32]
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    return value, mode, len(entries) == 3


def gnu_name(name):
    """GNU tar escapes what a keyword cannot have."""
    return name.replace("%3D", "=").replace("%25", "%")


def xattrs(member):
    """The extended attributes as {name: value}, and the permission bits that they set, or None."""
    found, escaped, mode = {}, set(), None
    for keyword, text in member.pax_headers.items():
        value = text.encode("utf-8", "surrogateescape")
        prefix, _, name = keyword.partition(".xattr.")
        name = name.encode("utf-8", "surrogateescape").decode("latin-1")
        if prefix == "SCHILY" and name:
            found[gnu_name(name)] = value
        elif prefix == "LIBARCHIVE" and name:
            plain = urllib.parse.unquote(name, "latin-1")
            found[plain] = base64.b64decode(value + b"=" * (-len(value) % 4))
            name = gnu_name(name)
            if name != plain:
                escaped.add(name)
        elif keyword == "RHT.security.selinux":
            found["security.selinux"] = value + b"\0"
    # libarchive writes star's record as well, with the name that it has escaped.
    found = {name: value for name, value in found.items() if name not in escaped}
    for keyword, name in ACLS.items():
        if name in found or not member.pax_headers.get(keyword, "").strip():
            continue
        try:
            value, bits, is_minimal = acl_value(member.pax_headers[keyword], member)
        except KeyError:
            continue
        is_access = keyword == "SCHILY.acl.access"
        mode = bits if is_access else mode
        if not (is_access and is_minimal):
            found[name] = value
    return {name: value.hex() for name, value in found.items()}, mode


def extents(member):
    """What is no hole: byte of the file, length, byte of the archive."""
    found, position = [], member.offset_data
    for logical, length in member.sparse if member.sparse is not None else [(0, member.size)]:
        if found and found[-1][0] + found[-1][1] == logical:
            found[-1][1] += length
        elif length:
            found.append([logical, length, position])
        position += length
    return found


def describe(archive, member, start):
    kind = TYPES[member.type]
    record = Tree.implied()
    record.update(type=kind, mode=member.mode & 0o7777, uid=member.uid, gid=member.gid,
                  mtime=time(member), header=(start + member.offset) // 512)
    record["xattrs"], bits = xattrs(member)
    if bits is not None:
        record["mode"] = record["mode"] & 0o7000 | bits
    if kind == "regular":
        with archive.extractfile(member) as file:
            contents = file.read()
        record.update(size=member.size, sha256=hashlib.sha256(contents).hexdigest())
        parts = extents(member)
        if parts == [[0, member.size, member.offset_data]]:
            record.update(data=(start + member.offset_data) // 512)
        elif member.size:
            record.update(extents=[[at, size, start + place] for at, size, place in parts])
    elif kind == "symlink":
        target = member.linkname.encode("utf-8", "surrogateescape").decode("latin-1")
        record.update(target=target)
    elif kind in ("char", "block"):
        record.update(device=[member.devmajor, member.devminor])
    return record


def add(tree, path, start, layers):
    """Adds the archive at `path`, which starts at byte `start` of the space of all."""
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        hides = [member for member in archive if layers > 1 and start]
        for member in hides:
            tree.hide(normal(member.name))
        for member in archive:
            path = normal(member.name)
            if layers > 1 and path.rpartition("/")[2].startswith(".wh."):
                continue
            if member.type == tarfile.LNKTYPE:
                tree.put(path, tree.files[normal(member.linkname)])
                continue
            record = describe(archive, member, start)
            existing = tree.files.get(path)
            if existing and existing["type"] == record["type"] == "directory":
                existing.update(record)
            else:
                tree.put(path, record)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tree, start = Tree(), 0
    for path in sys.argv[1:]:
        add(tree, path, start, len(sys.argv) - 1)
        start += -(-os.path.getsize(path) // 4096) * 4096
    json.dump({"files": tree.finish()}, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
