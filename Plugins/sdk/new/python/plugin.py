#!/usr/bin/env python3
"""Writes, reads and verifies newformat archives (FORMAT.md)."""

import os
import struct
import zlib

import sluice

MAGIC = b"\x89newformat\r\n\x1a\n"
HEAD, HEAD_BYTES = "<IIQII", 28  # Of a record: stream, kind, length, stored, sum; then check.
PACKED_MAX = sluice.SLOT_BYTES_MAX + 65536  # What zlib makes of noise.


class Writer(sluice.ArchiveWriter):
    def __init__(self, job, output, host):
        self.job, self.host, self.file = job, host, sluice.ArchiveFile(output)
        self.starts, self.closed = [], []
        self.file.write_all(MAGIC)

    def open(self, stream):
        self.stream = stream
        self.starts.append(self.file.place)

    def data(self, data):
        self.record(sluice.EXTENT_DATA, len(data), zlib.compress(data.bytes, 1))

    def zero(self, where, kind):
        self.record(kind + 1, where.stop - where.start)

    def record(self, kind, length, packed=b""):
        head = struct.pack(HEAD, self.stream.id, kind, length, len(packed), sluice.crc32(packed))
        self.file.write_all(head, struct.pack("<I", sluice.crc32(head)), packed)

    def close(self, length, digest):
        self.closed.append((self.stream, digest))

    def finish(self):
        index = {**sluice.receipt(self.job, self.host, self.closed), "machine": self.job.machine}
        for entry, (stream, _), start in zip(index["streams"], self.closed, self.starts):
            entry.update(id=stream.id, start=start)
        self.file.write_index(sluice.compact(index), MAGIC)
        return self.file.finish()


class Reader(sluice.ArchiveReader):
    checks_digests = True

    def __init__(self, job, input, host):
        self.file = sluice.ArchiveFile(input)
        self.read_receipt(self.file.read_index(MAGIC))

    def read(self, stream, where, sink):
        place = stream.members.get("start")
        while sink.position < sink.end:
            head = self.file.read_all(place, HEAD_BYTES)
            number, kind, length, stored, sum, check = struct.unpack(HEAD + "I", head)
            most = sluice.SLOT_BYTES_MAX if kind == sluice.EXTENT_DATA else length
            if (sluice.crc32(head[:-4]) != check or number != stream.id or not sink.takes(length)
                    or length > most or stored > PACKED_MAX):
                raise sluice.damaged(f"a record of {stream.name} at byte {place}")
            packed = self.file.read_all(place + HEAD_BYTES, stored)
            place += HEAD_BYTES + stored
            if kind in (sluice.EXTENT_ZERO, sluice.EXTENT_HOLE):
                sink.zeros(length, kind - 1)
            elif sluice.crc32(packed) == sum:
                sink.write_all(unpacked(packed, length))
            else:
                sink.damaged(length, f"the archive is damaged: {stored} bytes before {place}")


def unpacked(packed, length):
    try:
        data = zlib.decompressobj().decompress(packed, length)
    except zlib.error:
        data = b""
    if len(data) != length:
        raise sluice.damaged("the data of a record cannot be unpacked")
    return data


if __name__ == "__main__":
    with open(os.path.join(os.path.dirname(__file__), "newformat.json")) as manifest:
        sluice.Plugin(manifest.read(), {"newformat": (Writer, Reader)}).run()
