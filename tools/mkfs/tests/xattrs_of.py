#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Extended attributes and access control lists of real files.

usage: xattrs_of.py make DIR           gives the files `file` and `link`, and the directories
                                       `directory` and `default`, all that the system permits
       xattrs_of.py list DIR           prints as JSON {path: {name: value in hexadecimal}}

`list_tar.py` and `read_image.py` have them in the same form.
"""

import json
import os
import struct
import sys

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def acl(*entries):
    """Linux's value of a list of entries: tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NONE = 0xffffffff
LIST = acl((1, 7, NONE), (2, 5, 70000), (2, 0, 70001), (4, 5, NONE), (8, 7, 70002),
           (16, 5, NONE), (32, 4, NONE))
# User 1 has a name on most systems.
NAMED = acl((1, 6, NONE), (2, 5, 1), (4, 5, NONE), (16, 5, NONE), (32, 0, NONE))
ATTRIBUTES = {
    "file": {"user.plain": b"value", "user.empty": b"", "user.bytes": bytes(range(256)),
             "user.with=sign": b"a=b\nc", "user.50%=%3D": b"percent",
             "user.gro\u00df": b"\xff\xfe", "trusted.t": b"\0",
             "user.large": b"0123456789" * 200, ACCESS: LIST,
             "security.capability": struct.pack("<IIIII", 0x2000001, 1 << 13, 0, 0, 0),
             "security.selinux": b"system_u:object_r:bin_t:s0\0"},
    "directory": {"user.plain": b"value", DEFAULT: LIST},
    "default": {ACCESS: NAMED, DEFAULT: acl((1, 7, NONE), (4, 5, NONE), (32, 0, NONE))},
    "link": {"trusted.t": b"of a link", "security.selinux": b"system_u:object_r:etc_t:s0\0"},
}


def make(root):
    with open(os.path.join(root, "file"), "w", encoding="ascii") as file:
        file.write("contents")
    os.symlink("file", os.path.join(root, "link"))
    for name in ("directory", "default"):
        os.mkdir(os.path.join(root, name))
    for path, attributes in ATTRIBUTES.items():
        for name, value in attributes.items():
            try:
                os.setxattr(os.path.join(root, path), name, value, follow_symlinks=False)
            except OSError as error:
                print(f"{path}: {name}: {error}", file=sys.stderr)


def xattrs(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        text = os.fsencode(name).decode("latin-1")
        found[text] = os.getxattr(path, name, follow_symlinks=False).hex()
    return found


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "list"):
        sys.exit(__doc__)
    _, command, root = sys.argv
    if command == "make":
        make(root)
    else:
        json.dump({path: xattrs(os.path.join(root, path)) for path in ATTRIBUTES}, sys.stdout)


if __name__ == "__main__":
    main()
