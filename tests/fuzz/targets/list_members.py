# SPDX-License-Identifier: GPL-2.0
"""Lists archives by Python's own tar reader: reads the path of one from each line, and prints a line
of JSON about it, a list of members or an object with an error.

A member is [name, type, size, mode, uid, gid, seconds, nanoseconds, target, major, minor]; names and
targets are bytes, printed as the characters with these numbers.
"""

import json
import sys
import tarfile
from decimal import Decimal
from math import floor

TYPES = {tarfile.LNKTYPE: "hard link", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char",
         tarfile.BLKTYPE: "block", tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "fifo"}


def text(name):
    return name.encode("utf-8", "surrogateescape").decode("latin-1")


def describe(member):
    # Python itself has times as floating-point numbers.
    exact = Decimal(member.pax_headers["mtime"] if "mtime" in member.pax_headers else member.mtime)
    seconds, nanoseconds = divmod(floor(exact * 10**9), 10**9)
    return [text(member.name), TYPES.get(member.type, "regular"), member.size, member.mode & 0o7777,
            member.uid, member.gid, seconds, nanoseconds, text(member.linkname), member.devmajor,
            member.devminor]


def members(path):
    try:
        with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            return [describe(member) for member in archive]
    except Exception as error:
        return {"error": repr(error)}


for line in sys.stdin:
    print(json.dumps(members(line.rstrip("\n"))), flush=True)
