# SPDX-License-Identifier: GPL-2.0
"""Writes a tar whose files have extended attributes and ACLs, as GNU tar and star record them."""
import io
import sys
import tarfile

LARGE = bytes(i * 7 % 251 for i in range(65536))
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")

FILES = {
    # name: (mode, owner, records)
    "plain": (0o644, 0, {}),
    "attributes": (0o644, 0, {
        "SCHILY.xattr.user.comment": b"a value\xff\x00with bytes",
        "SCHILY.xattr.user.empty": b"",
        "SCHILY.xattr.user.large": LARGE,
        "SCHILY.xattr.trusted.secret": b"for root",
        "SCHILY.xattr.security.capability": CAPABILITY,
    }),
    "for-1000": (0o640, 0, {
        "SCHILY.acl.access": b"user::rw-,user:1000:r--,group::---,mask::r--,other::---",
    }),
}


def member(name, mode, owner, records, kind=tarfile.REGTYPE, data=b"content\n"):
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.type = mode, owner, kind
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    pax = b""
    for keyword, value in records.items():
        body = b" " + keyword.encode() + b"=" + value + b"\n"
        length = len(body)
        while length != len(body) + len(str(length)):
            length = len(body) + len(str(length))
        pax += str(length).encode() + body
    out = b""
    if pax:
        extended = tarfile.TarInfo("pax")
        extended.type, extended.size = tarfile.XHDTYPE, len(pax)
        out += extended.tobuf(tarfile.USTAR_FORMAT) + pax + bytes(-len(pax) % 512)
    return out + info.tobuf(tarfile.USTAR_FORMAT) + data[:info.size] + bytes(-info.size % 512)


tar = io.BytesIO()
tar.write(member("directory", 0o755, 0, {
    "SCHILY.acl.default": b"user::rwx,user:1000:rwx,group::r-x,mask::rwx,other::---",
    "SCHILY.xattr.user.comment": b"of a directory",
}, tarfile.DIRTYPE))
for name, (mode, owner, records) in FILES.items():
    tar.write(member(name, mode, owner, records))
tar.write(bytes(1024))
with open(sys.argv[1], "wb") as file:
    file.write(tar.getvalue())
