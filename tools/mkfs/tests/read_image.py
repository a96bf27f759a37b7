#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Walks a tarfs image and prints as JSON what is in it.

usage: read_image.py IMAGE            an image
       read_image.py INDEX TAR...     an index of its own, and its archives

Written from Documentation/format.rst alone, and checks each rule that the page has. Names and
targets are bytes, printed as the characters with these numbers. See list_tar.py for the fields.
"""

import hashlib
import json
import struct
import sys
import zlib

BLOCK = 4096
MASK = (1 << 64) - 1
PAYLOAD = 4092
SIZES = {"inodes": 32, "extras": 64, "leaves": 1, "heap": 1, "xattrs": 1, "extents": 24,
         "layers": 64, "data sums": 4}
TYPES = {1: "fifo", 2: "char", 4: "directory", 6: "block", 8: "regular", 10: "symlink",
         12: "socket"}
NAMESPACES = {1: b"user.", 2: b"trusted.", 3: b"security.", 4: b"system.posix_acl_access",
              5: b"system.posix_acl_default"}


def check(condition, *what):
    if not condition:
        sys.exit("read_image.py: " + " ".join(str(part) for part in what))


def zero(data, *what):
    check(not any(data), *what, "is not zero")


def multiply(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def name_hash(seed, name):
    state = ((seed + 1) * 0x9e3779b97f4a7c15 + len(name)) & MASK
    for start in range(0, len(name), 8):
        group = int.from_bytes(name[start:start + 8], "little")
        state = multiply(state ^ group, 0xd6e8feb86659fd93)
        state = (state + 0x9e3779b97f4a7c15) & MASK
    state = multiply(state, 0xa0761d6478bd642f)
    return (state ^ (state >> 32)) & 0xffffffff


class Image:
    def __init__(self, data, *tars):
        """`data` is the image, or the index of the archives `tars`."""
        check(len(data) >= BLOCK, "shorter than a block")
        self.read_superblock(data[-BLOCK:])
        if not tars:
            check(self.regions["layers"][1] == 0, "archives behind an image")
            check(self.offset > 0, "an index of its own, without its archive")
            self.tar = data[:self.length]
            self.check_header(data)
        else:
            check(self.offset == 0, "an image, not an index of its own")
            blocks = b"".join(tar + bytes(-len(tar) % BLOCK) for tar in tars)
            self.tar = blocks[:self.length]
        check(len(self.tar) == self.length, "archive of", len(self.tar), "bytes")
        self.index = data[self.offset:]
        check(len(self.index) == self.blocks * BLOCK, "index of", len(self.index), "bytes")
        self.check_sums()
        self.check_layers(tars)
        self.check_data()

    def read_superblock(self, block):
        (magic, version, crc, compat, _ro_compat, incompat, self.seed, self.uuid, self.label,
         self.length, self.offset, self.blocks, self.time_base, self.created, sha256,
         reserved) = struct.unpack_from("<8sIIIIII16s64sQQQqq32s8s", block)
        check(magic == b"TarFsIdx", "magic", magic)
        check(version == 1, "version", version)
        check(zlib.crc32(block[:12] + bytes(4) + block[16:]) == crc, "superblock's CRC-32")
        check(incompat == 0, "incompatible features", incompat)
        check(compat & 1 or not any(sha256), "SHA-256 without its feature")
        self.sha256 = sha256 if compat & 1 else None
        zero(reserved, "superblock, byte 184")
        zero(block[320:], "superblock, byte 320")
        zero(self.label[len(self.label.split(b"\0")[0]):], "padding of the label")
        next_block = 0
        self.regions = {}
        for i, (name, size) in enumerate(SIZES.items()):
            first, blocks, records = struct.unpack_from("<IIQ", block, 192 + 16 * i)
            check(first == next_block, "region", name, "starts at block", first)
            needed = -(-records // (PAYLOAD // size))
            check(blocks == needed, "region", name, "has blocks", blocks)
            self.regions[name] = (first, records)
            next_block = first + blocks
        check(self.blocks == next_block + 1, "index blocks", self.blocks)

    def check_header(self, data):
        check(self.offset % BLOCK == 0, "index at byte", self.offset)
        start = self.offset - 512
        check(start >= self.length, "index within the archive")
        zero(data[self.length:start], "gap after the archive")
        zero(data[start - 1024:start], "end-of-archive mark")
        zero(data[-1024:], "end-of-archive mark of the index")
        header = data[start:self.offset]
        check(sum(header) - sum(header[148:156]) + 8 * 32 == int(header[148:154], 8),
              "header's checksum")
        check(header[:100].rstrip(b"\0") == b".tarfs-index", "header's name")
        check(header[100:108] == b"0000400\0", "header's mode")
        check(int(header[108:115], 8) == int(header[116:123], 8) == 0, "header's owner")
        check(int(header[124:135], 8) == self.blocks * BLOCK - 1024, "header's size")
        check(int(header[136:147], 8) == 0, "header's time")
        check(header[156:157] == b"0", "header's type")
        check(header[157:257].rstrip(b"\0") == b"tarfs-length=%d" % self.length, "header's length")
        check(header[257:265] == b"ustar\x0000", "header's magic")

    def check_sums(self):
        for block in range(self.blocks - 1):
            data = self.index[block * BLOCK:][:BLOCK]
            crc, = struct.unpack_from("<I", data, PAYLOAD)
            check(zlib.crc32(data[:PAYLOAD]) == crc, "CRC-32 of block", block)
        for name, (first, records) in self.regions.items():
            in_block = PAYLOAD // SIZES[name]
            for block in range(first, first - (-records // in_block)):
                used = min(in_block, records - (block - first) * in_block) * SIZES[name]
                data = self.index[block * BLOCK:][:PAYLOAD]
                zero(data[used:], "end of block", block)

    def check_layers(self, tars):
        count = self.regions["layers"][1]
        if count == 0:
            check(len(tars) <= 1, "archives without layers")
            return
        check(count == len(tars), "layers", count)
        start = end = 0
        for i, tar in enumerate(tars):
            sector, length, sha256, reserved = struct.unpack("<QQ32s16s",
                                                             self.record("layers", i, 64))
            check(sector * 512 == start, "layer", i, "at sector", sector)
            check(length == len(tar) > 0, "layer", i, "has bytes", length)
            check(not any(sha256) or hashlib.sha256(tar).digest() == sha256, "SHA-256 of layer", i)
            zero(reserved, "layer", i)
            end = start + length
            start = end + -end % BLOCK
        check(end == self.length, "length of all layers", self.length)

    def check_data(self):
        count = self.regions["data sums"][1]
        if self.sha256:
            check(hashlib.sha256(self.tar).digest() == self.sha256, "SHA-256 of the archive")
        check(count in (0, -(-self.length // BLOCK)), "number of data sums", count)
        for block in range(count):
            data = self.tar[block * BLOCK:][:BLOCK].ljust(BLOCK, b"\0")
            crc, = struct.unpack("<I", self.record("data sums", block, 4))
            check(zlib.crc32(data) == crc, "data sum of block", block)

    def record(self, region, number, size):
        first, records = self.regions[region]
        check(number < records, "record", number, "of region", region)
        check(size == SIZES[region], "size of a record of region", region)
        block, slot = divmod(number, PAYLOAD // size)
        start = (first + block) * BLOCK + slot * size
        return self.index[start:start + size]

    def bytes_of(self, region, position, size, crosses=False):
        first, records = self.regions[region]
        check(position + size <= records, "bytes", position, size, "of region", region)
        check(crosses or position % PAYLOAD + size <= PAYLOAD, "bytes", position, size,
              "cross a block")
        block, offset = divmod(position, PAYLOAD)
        found = b""
        while len(found) < size:
            payload = self.index[(first + block) * BLOCK:][:PAYLOAD]
            found += payload[offset:offset + size - len(found)]
            block, offset = block + 1, 0
        return found

    def inode(self, ino):
        mode, links, uid, gid, mtime, size, data, header, last, wide = struct.unpack(
            "<HHHHIIIIII", self.record("inodes", ino - 1, 32))
        is_directory = mode >> 12 == 4
        if wide:
            check((links, uid, gid, mtime, size, data, header, last) == (0,) * 8,
                  "inode", ino, "has fields beside its wide inode")
            (size, data, header, mtime, nsec, uid, gid, links, parent, owner, xattrs,
             extents) = struct.unpack("<QQQqIIIIIIII", self.record("extras", wide - 1, 64))
            check(owner == ino, "wide inode of", owner, "is that of", ino)
            check(nsec < 10**9, "inode", ino, "nanoseconds", nsec)
            check(is_directory or parent == 0, "inode", ino, "has a parent")
            header = None if header == MASK else header
        else:
            mtime += self.time_base
            nsec, parent = (0, last) if is_directory else (last, 0)
            xattrs = extents = 0
            header = None if header == 0xffffffff else header
        check(header is None or (header + 1) * 512 <= self.length, "inode", ino, "header", header)
        kind = TYPES[mode >> 12]
        if extents:
            check(kind == "regular", "inode", ino, "has extents")
            kind = "sparse"
        return {"type": kind, "mode": mode & 0o7777, "nlink": links, "uid": uid,
                "gid": gid, "mtime": [mtime, nsec], "size": size, "data": data, "header": header,
                "parent": parent, "xattrs": xattrs, "extents": extents}

    def extents(self, ino, size, first, count):
        """A sparse file's extents: byte of the file, length, byte of the archive."""
        check(0 < size < 1 << 63, "inode", ino, "sparse file of", size, "bytes")
        if count == 0xffffffff:
            check(first == 0, "inode", ino, "one hole, but first extent", first)
            return []
        found = []
        for number in range(first, first + count):
            logical, length, position = struct.unpack("<QQQ", self.record("extents", number, 24))
            check(length > 0, "inode", ino, "extent without data")
            check(not found or logical >= found[-1][0] + found[-1][1], "inode", ino, "order")
            check(logical + length <= size, "inode", ino, "extent beyond the file")
            check(position + length <= self.length, "inode", ino, "extent beyond the archive")
            found.append([logical, length, position])
        return found

    def xattrs(self, ino, field):
        """The extended attributes of a wide inode's field, as {name: value in hexadecimal}."""
        if field == 0:
            return {}
        start = 4 * (field - 1)
        entries, used = struct.unpack("<HH", self.bytes_of("xattrs", start, 4))
        check(entries, "inode", ino, "empty set of extended attributes")
        data = self.bytes_of("xattrs", start, used)
        found = {}
        previous = None
        names_end = 4 + 12 * entries
        _, records = self.regions["xattrs"]
        for i in range(entries):
            space, length, position, size, place = struct.unpack_from("<BBHII", data, 4 + 12 * i)
            check(space in NAMESPACES, "inode", ino, "namespace", space)
            check(position == names_end, "inode", ino, "name at", position)
            names_end += length
            check(names_end <= used, "inode", ino, "name beyond the set")
            name = data[position:position + length]
            check((length == 0) == (space > 3), "inode", ino, "name", name, "in namespace", space)
            check(previous is None or previous < (space, name), "inode", ino, "order at", name)
            previous = (space, name)
            full = NAMESPACES[space] + name
            check(len(full) <= 255 and 0 not in full, "inode", ino, "name", full)
            check(size <= 65536 and place + size <= records, "inode", ino, "value at", place)
            check(size or not place, "inode", ino, "empty value at", place)
            value = self.bytes_of("xattrs", place, size, crosses=True)
            found[full.decode("latin-1")] = value.hex()
        check(names_end == used, "inode", ino, "bytes in use", used)
        return found

    def describe(self, ino):
        """The inode as list_tar.py has it."""
        raw = self.inode(ino)
        record = {key: raw[key] for key in
                  ("type", "mode", "nlink", "uid", "gid", "mtime", "header")}
        size, data = raw["size"], raw["data"]
        record.update(ino=ino, size=0, data=0, sha256=None, extents=None, target=None,
                      device=[0, 0], xattrs=self.xattrs(ino, raw["xattrs"]))
        if raw["type"] == "regular":
            check(data * 512 + size <= self.length, "inode", ino, "data beyond the archive")
            check(size or not data, "inode", ino, "empty, with data")
            contents = self.tar[data * 512:data * 512 + size]
            record.update(size=size, data=data, sha256=hashlib.sha256(contents).hexdigest())
        elif raw["type"] == "sparse":
            extents = self.extents(ino, size, data, raw["extents"])
            contents = bytearray(size)
            for logical, length, position in extents:
                contents[logical:logical + length] = self.tar[position:position + length]
            record.update(type="regular", size=size, extents=extents,
                          sha256=hashlib.sha256(contents).hexdigest())
        elif raw["type"] == "symlink":
            check(1 <= size <= 4095, "inode", ino, "target of", size, "bytes")
            target = self.bytes_of("heap", data, size, crosses=True)
            check(0 not in target, "inode", ino, "target with NUL")
            record.update(target=target.decode("latin-1"))
        elif raw["type"] in ("char", "block"):
            check(size == 0, "inode", ino, "device with a size")
            record.update(device=[data >> 20, data & 0xfffff])
        elif raw["type"] == "directory":
            check(size or not data, "inode", ino, "empty, with leaves")
        else:
            check(size == data == 0, "inode", ino, "has data")
        return record

    def entries(self, ino):
        """A directory's (name, inode number), by name."""
        raw = self.inode(ino)
        count, first = raw["size"], raw["data"] * 4
        check(count < 2 or first % PAYLOAD == 0, "inode", ino, "leaves at", first)
        previous = None
        for leaf in range(count):
            head = self.bytes_of("leaves", first + leaf * PAYLOAD, 4)
            entries, used = struct.unpack("<HH", head)
            check(entries or count > 1, "inode", ino, "empty leaf")
            data = self.bytes_of("leaves", first + leaf * PAYLOAD, used)
            names_end = 4 + 12 * entries
            for i in range(entries):
                hashed, child, position, length, kind = struct.unpack_from("<IIHBB", data,
                                                                          4 + 12 * i)
                check(position == names_end and length, "inode", ino, "name at", position)
                name = data[position:position + length]
                names_end += length
                check(names_end <= used, "inode", ino, "name beyond the leaf")
                check(name_hash(self.seed, name) == hashed, "inode", ino, "hash of", name)
                check(hashed * count >> 32 == leaf, "inode", ino, "leaf of", name)
                check(previous is None or previous < (hashed, name), "inode", ino, "order at", name)
                check(0 not in name and b"/" not in name and name not in (b".", b".."),
                      "inode", ino, "name", name)
                check(kind in TYPES, "inode", ino, "type of", name)
                child_kind = self.inode(child)["type"].replace("sparse", "regular")
                check(TYPES[kind] == child_kind, "inode", ino, "type of", name)
                previous = (hashed, name)
                yield name, child
            check(names_end == used, "inode", ino, "bytes in use", used)

    def walk(self):
        """Returns {path: record} and checks the links between inodes."""
        files = {".": self.describe(1)}
        links = {1: 2}
        check(self.inode(1)["parent"] == 1, "parent of the root")
        to_do = [(1, b"")]
        while to_do:
            directory, path = to_do.pop()
            for name, child in self.entries(directory):
                record = self.describe(child)
                files[(path + name).decode("latin-1")] = record
                is_directory = record["type"] == "directory"
                links[child] = links.get(child, is_directory) + 1
                if is_directory:
                    check(links[child] == 2, "directory", child, "has two names")
                    parent = self.inode(child)["parent"]
                    check(parent == directory < child, "inode", child, "parent", parent)
                    links[directory] += 1
                    to_do.append((child, path + name + b"/"))
        count = self.regions["inodes"][1]
        check(set(links) == set(range(1, count + 1)), "inodes that no name leads to")
        for record in files.values():
            check(record["nlink"] == links[record["ino"]], "links of inode", record["ino"])
        return files


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    files = []
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            files.append(file.read())
    image = Image(*files)
    label = image.label.split(b"\0")[0].decode()
    json.dump({"tar_length": image.length, "uuid": image.uuid.hex(), "label": label,
               "created": image.created, "data_sums": image.regions["data sums"][1],
               "sha256": image.sha256 and image.sha256.hex(), "files": image.walk()},
              sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
