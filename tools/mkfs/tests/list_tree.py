#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lists the files of a directory with their attributes and contents, as JSON.

usage: list_tree.py DIRECTORY

What belongs to the file system rather than to the files (inode numbers, times of directories' own
changes) is left out; hard links appear as groups of names.
"""

import hashlib
import json
import os
import stat
import sys


def xattrs(path):
    names = os.listxattr(path, follow_symlinks=False)
    return {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}


def record(path):
    info = os.lstat(path)
    found = {"type": stat.S_IFMT(info.st_mode), "mode": stat.S_IMODE(info.st_mode),
             "uid": info.st_uid, "gid": info.st_gid, "mtime": info.st_mtime_ns,
             "xattrs": xattrs(path)}
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            found["sha256"] = hashlib.sha256(file.read()).hexdigest()
        found["size"] = info.st_size
        found["has_holes"] = info.st_blocks * 512 < info.st_size
    elif stat.S_ISLNK(info.st_mode):
        found["target"] = os.readlink(path).decode("latin-1")
    elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
        found["device"] = [os.major(info.st_rdev), os.minor(info.st_rdev)]
    return info.st_ino, found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.chdir(os.fsencode(sys.argv[1]))
    files, groups = {}, {}
    for directory, subdirectories, names in os.walk(b"."):
        for name in [b"."] * (directory == b".") + subdirectories + names:
            path = os.path.normpath(os.path.join(directory, name))
            inode, found = record(path)
            text = path.decode("latin-1")
            files[text] = found
            groups.setdefault(inode, []).append(text)
    links = sorted(sorted(names) for names in groups.values() if len(names) > 1)
    json.dump({"files": files, "links": links}, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
