#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a tar archive with one of everything that mkfs.tarfs reads.

usage: make_sample.py OUT.tar

The archive is the same on every run. Headers are put together here rather than by a library, so
that each dialect appears as its own programs write it.
"""

import sys

BLOCK = 512
MTIME = 1_700_000_000


def octal(value, size):
    return b"%0*o\0" % (size - 1, value)


def base256(value, size):
    return (value + (1 << (8 * size - 1)) * (1 if value >= 0 else 2)).to_bytes(size, "big")


def number(value, size):
    """As GNU tar: octal where it fits, else base 256."""
    if 0 <= value < 8 ** (size - 1):
        return octal(value, size)
    return base256(value, size)


def header(name, typeflag=b"0", size=0, mode=0o644, uid=0, gid=0, mtime=MTIME, link=b"",
           magic=b"ustar\x0000", major=0, minor=0, prefix=b"", owner=b"root"):
    """One header block. Names that are too long for it are an error of the caller."""
    assert len(name) <= 100 and len(link) <= 100 and len(prefix) <= 155, name
    has_devices = magic != bytes(8)
    fields = [
        name.ljust(100, b"\0"),
        number(mode, 8),
        number(uid, 8),
        number(gid, 8),
        number(size, 12),
        number(mtime, 12),
        b" " * 8,
        typeflag,
        link.ljust(100, b"\0"),
        magic,
        (owner if has_devices else b"").ljust(32, b"\0"),
        (owner if has_devices else b"").ljust(32, b"\0"),
        octal(major, 8) if has_devices else bytes(8),
        octal(minor, 8) if has_devices else bytes(8),
        prefix.ljust(155, b"\0"),
        bytes(12),
    ]
    block = b"".join(fields)
    assert len(block) == BLOCK
    checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum + block[156:]


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, data=b"", **fields):
    return header(name, size=len(data), **fields) + padded(data)


def pax_record(keyword, value):
    body = b" " + keyword + b"=" + value + b"\n"
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def pax_of(typeflag, records):
    data = b"".join(pax_record(keyword, value) for keyword, value in records)
    return entry(b"./PaxHeaders/sample", data, typeflag=typeflag)


def pax(typeflag, **records):
    return pax_of(typeflag, [(key.encode(), value) for key, value in records.items()])


def with_xattrs(records, member):
    return pax_of(b"x", records) + member


def gnu_long(typeflag, text):
    return entry(b"././@LongLink", text + b"\0", typeflag=typeflag, magic=GNU)


GNU = b"ustar  \0"
V7 = bytes(8)


def contents(size):
    """Bytes that differ from place to place."""
    return bytes((i * 7 + i // 251) % 256 for i in range(size))


def members():
    """The archive's members, in order."""
    # The root itself, as `tar -C DIR .` writes it.
    yield entry(b"./", typeflag=b"5", mode=0o755, mtime=MTIME + 1)
    # A global header: a comment, which says nothing about the files.
    yield pax(b"g", comment=b"a sample")

    for size in (0, 1, 511, 512, 513, 4095, 4096, 4097, (1 << 20) + 3):
        yield entry(b"./sizes/file-%d" % size, contents(size), uid=1000, gid=100)
    # The directory after its children, with attributes that differ from an implied one's.
    yield entry(b"./sizes/", typeflag=b"5", mode=0o2750, uid=1000, gid=100)

    yield entry(b"types/regular", b"regular\n", mode=0o4755)
    yield entry(b"types/contiguous", b"contiguous\n", typeflag=b"7")
    yield entry(b"types/hard-link", typeflag=b"1", link=b"types/regular")
    yield entry(b"types/hard-link-2", typeflag=b"1", link=b"./types/hard-link")
    yield entry(b"types/symlink", typeflag=b"2", mode=0o777, link=b"../sizes/file-513")
    yield entry(b"types/dangling", typeflag=b"2", mode=0o777, link=b"/no/such/file")
    yield entry(b"types/null", typeflag=b"3", mode=0o666, major=1, minor=3)
    yield entry(b"types/big-minor", typeflag=b"3", mode=0o600, major=4095, minor=1048575)
    yield entry(b"types/loop0", typeflag=b"4", mode=0o660, gid=6, major=7, minor=0)
    yield entry(b"types/fifo", typeflag=b"6", mode=0o622)
    yield entry(b"types/empty-directory", typeflag=b"5", mode=0o1777)
    # The same inode from another directory, which the archive has not listed.
    yield entry(b"types-again/hard-link-3", typeflag=b"1", link=b"types/hard-link")

    # A program older than ustar: no magic, no type for files, a slash for directories.
    yield entry(b"v7/", typeflag=b"\0", mode=0o711, magic=V7)
    yield entry(b"v7/file", b"v7\n", typeflag=b"\0", magic=V7)

    # Long names, in each of the three ways.
    deep = b"/".join(b"component-%02d" % i for i in range(9))
    yield entry(b"prefixed-file", b"prefix\n", prefix=b"long/ustar/" + deep)
    name = b"long/gnu/" + b"n" * 200
    yield gnu_long(b"L", name) + entry(name[:100], b"gnu\n", magic=GNU)
    target = b"target/" * 585
    assert len(target) == 4095
    yield (gnu_long(b"K", target) + gnu_long(b"L", b"long/gnu/" + b"l" * 120)
           + entry(b"long/gnu/" + b"l" * 91, typeflag=b"2", link=target[:100], magic=GNU))
    yield pax(b"x", path=b"long/pax/" + b"p" * 255) + entry(b"long/pax/p", b"pax\n")
    yield (pax(b"x", path=b"long/pax/link", linkpath=b"q" * 300)
           + entry(b"long/pax/link", typeflag=b"2", link=b"q" * 100))
    path = b"/".join(b"d%02d-" % i + b"x" * 45 for i in range(60)) + b"/bottom"
    yield pax(b"x", path=path) + entry(b"bottom", b"bottom\n")

    # Times.
    yield pax(b"x", mtime=b"1700000000.123456789") + entry(b"times/nanoseconds", b"ns\n")
    yield pax(b"x", mtime=b"-1.5") + entry(b"times/before-1970", mtime=0)
    yield pax(b"x", mtime=b"12345678901234.25") + entry(b"times/far", mtime=0)
    yield (pax(b"x", mtime=b"1700000000.5")
           + entry(b"times/directory", typeflag=b"5", mode=0o755))
    yield entry(b"times/base-256", mtime=-12345, magic=GNU)
    yield entry(b"times/epoch", mtime=0)

    # Owners.
    yield entry(b"owners/base-256", uid=3_000_000, gid=0xfffffffe, magic=GNU)
    yield entry(b"owners/largest", uid=0xfffffffe, gid=65536, magic=GNU)
    yield pax(b"x", uid=b"4000000000", gid=b"70000") + entry(b"owners/pax")
    yield pax(b"x", uname=b"somebody", atime=b"1.5") + entry(b"owners/names", uid=5)

    yield from members_with_xattrs()
    yield from sparse_members()

    # Names that are no text, and such as only one directory component may have.
    yield entry(b"names/\xff\xfe\x80", b"bytes\n")
    yield entry(b"names/ space and\nnewline", b"newline\n")
    yield entry(b"names/...", b"dots\n")
    yield entry(b".//names///./slashes", b"slashes\n")

    # Entries that come twice: the last one counts.
    yield entry(b"twice/file", b"first\n")
    yield entry(b"twice/kept", typeflag=b"1", link=b"twice/file")
    yield entry(b"twice/file", b"second and longer\n", mode=0o600)
    yield entry(b"twice/was-file", b"file\n")
    yield entry(b"twice/was-file", typeflag=b"2", mode=0o777, link=b"file")
    yield entry(b"twice/was-directory", typeflag=b"5", mode=0o755)
    yield entry(b"twice/was-directory", b"now a file\n")
    yield entry(b"twice/directory", typeflag=b"5", mode=0o700)
    yield entry(b"twice/directory/child", b"child\n")
    yield entry(b"twice/directory", typeflag=b"5", mode=0o755, uid=7)

    # More entries than one leaf holds.
    yield entry(b"many/", typeflag=b"5", mode=0o755)
    for i in range(1000):
        yield entry(b"many/file-%04d-of-a-large-directory" % i, b"%d\n" % i if i % 3 else b"")


def members_with_xattrs():
    """Extended attributes and access control lists, as each program writes them."""
    label = (b"RHT.security.selinux", b"system_u:object_r:bin_t:s0")
    yield with_xattrs([(b"SCHILY.xattr.user.sample", b"value"),
                       (b"SCHILY.xattr.user.empty", b""),
                       (b"SCHILY.xattr.user.not text", b"\0\xff\n"),
                       (b"SCHILY.xattr.user.100%25", b"a percent sign"),
                       (b"SCHILY.xattr.user.large", contents(65536))],
                      entry(b"xattrs/user", b"user\n"))
    yield with_xattrs([(b"LIBARCHIVE.xattr.user.gr%c3%b6%c3%9fe", b"AAECAwT/")],
                      entry(b"xattrs/libarchive", b"libarchive\n"))
    capability = b"\1\0\0\2" + b"\0\x20\0\0" + bytes(12)
    yield with_xattrs([(b"SCHILY.xattr.security.capability", capability), label],
                      entry(b"xattrs/capability", b"capability\n", mode=0o755))
    yield with_xattrs([(b"SCHILY.xattr.trusted.sample", b"for root"), label],
                      entry(b"xattrs/symlink", typeflag=b"2", mode=0o777, link=b"user"))
    for i in range(20):
        yield with_xattrs([label], entry(b"xattrs/label-%d" % i, b"%d\n" % i))
    access = b"user::rw-\nuser:1000:r-x\ngroup::r-x\ngroup:sample:rwx:100\nmask::r-x\nother::---\n"
    yield with_xattrs([(b"SCHILY.acl.access", access)],
                      entry(b"xattrs/acl", b"acl\n", mode=0o650))
    default = b"user::rwx,user:sample:r-x:1000,group::r-x,mask::r-x,other::---"
    yield with_xattrs([(b"SCHILY.acl.access", b"user::rwx,group::r-x,other::r-x"),
                       (b"SCHILY.acl.default", default)],
                      entry(b"xattrs/acl-directory", typeflag=b"5", mode=0o755))


def parts_of(count):
    """Where a sparse file has data: byte and length. The last part ends within a sector."""
    return [(8192 * i, 512 * (i % 9 + 1)) for i in range(count - 1)] + [(8192 * count, 100)]


def data_of(parts):
    return b"".join(contents(length) for _, length in parts)


def old_sparse(name, parts, size):
    """As GNU tar has it in its own format: four parts in the header, 21 in each further block."""
    def field(some, room):
        text = b"".join(number(offset, 12) + number(length, 12) for offset, length in some)
        return text.ljust(24 * room, b"\0")

    data = data_of(parts)
    block = bytearray(header(name, typeflag=b"S", size=len(data), magic=GNU))
    more = [parts[start:start + 21] for start in range(4, len(parts), 21)]
    block[386:482] = field(parts[:4], 4)
    block[482] = bool(more)
    block[483:495] = number(size, 12)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    blocks = [field(some, 21) + bytes([i + 1 < len(more)]) for i, some in enumerate(more)]
    return bytes(block) + b"".join(padded(block) for block in blocks) + padded(data)


def sparse_members():
    """Sparse files, in each of the encodings."""
    def records(**values):
        return [(b"GNU.sparse." + key.encode(), value) for key, value in values.items()]

    def numbers(some, separator):
        return separator.join(b"%d" % number for part in some for number in part)

    for count in (2, 40, 200):
        parts = parts_of(count)
        size = b"%d" % (8192 * count + 9000)
        # An empty part says to GNU tar where the file ends.
        end = parts + [(int(size), 0)]
        data = data_of(parts)
        yield old_sparse(b"sparse/old-%d" % count, end, int(size))
        each = [record for offset, length in end
                for record in records(offset=b"%d" % offset, numbytes=b"%d" % length)]
        yield (pax_of(b"x", records(size=size, numblocks=b"%d" % len(end)) + each)
               + entry(b"sparse/pax-0.0-%d" % count, data))
        yield (pax_of(b"x", records(size=size, numblocks=b"%d" % len(end),
                                    name=b"sparse/pax-0.1-%d" % count, map=numbers(end, b",")))
               + entry(b"GNUSparseFile.1/pax-0.1", data))
        text = padded(b"%d\n" % len(end) + numbers(end, b"\n") + b"\n")
        yield (pax_of(b"x", records(major=b"1", minor=b"0", name=b"sparse/pax-1.0-%d" % count,
                                    realsize=size))
               + entry(b"GNUSparseFile.1/pax-1.0", text + data))
    yield (pax_of(b"x", records(size=b"1000000", numblocks=b"1", map=b"1000000,0"))
           + entry(b"sparse/hole"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = b"".join(members()) + bytes(2 * BLOCK)
    with open(sys.argv[1], "wb") as out:
        out.write(data + bytes(-len(data) % (20 * BLOCK)))


if __name__ == "__main__":
    main()
