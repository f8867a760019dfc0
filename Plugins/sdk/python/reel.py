#!/usr/bin/env python3
# Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0
"""The example plugin in Python: writes, reads and verifies Reel archives (../FORMAT.md)."""

import os
import struct
import zlib

import sluice

MAGIC = b"\x89REL\r\n\x1a\n"
HEAD = struct.Struct("<IIQQI")
TAIL = struct.Struct("<QII8s")
RECORD_BYTES, RECORD_DATA_MAX = 32, 1 << 20
# A host reads this from reel.json: `SLUICE_PROTOCOL=info ./reel.py > reel.json`.
MANIFEST = {
    "manifest": 1, "name": "reel-python", "version": "1.0", "vendor": "Sluice",
    "license": "Apache-2.0", "executable": "reel.py", "interpreter": "/usr/bin/python3",
    "protocol": [1], "formats": [{
        "name": "reel", "help": "example of the SDKs: one file of checked records with an index",
        "extensions": ["reel"], "magic": [{"hex": MAGIC.hex()}],
        "modes": ["write", "read", "verify"], "output": ["file"],
        "streams": ["disk", "config", "vmstate"], "incremental": True,
        "options": [{"name": "record-kib", "type": "integer", "min": 64, "max": 1024,
                     "default": 1024, "help": "largest data of one record, in KiB"}],
    }],
    "needs": ["size"], "memory": 256 << 20, "profile": "python",
}


class Writer(sluice.ArchiveWriter):
    def __init__(self, job, output, host):
        self.job, self.host, self.file = job, host, output.descriptor
        self.record_bytes = job.options["record-kib"] << 10
        self.place, self.closed, self.starts = 0, [], {}
        self.put(MAGIC)

    def put(self, *pieces):
        pieces = [memoryview(piece) for piece in pieces]
        while pieces:
            count = os.writev(self.file, pieces)
            self.place += count
            while pieces and count >= len(pieces[0]):
                count -= len(pieces.pop(0))
            if pieces:
                pieces[0] = pieces[0][count:]

    def record(self, kind, offset, length, data=b""):
        head = HEAD.pack(self.stream.id, kind, offset, length, zlib.crc32(data))
        self.put(head, struct.pack("<I", zlib.crc32(head)), data)

    def open(self, stream):
        self.stream, self.starts[stream.id] = stream, self.place

    def data(self, data):
        for start in range(0, len(data), self.record_bytes):
            piece = data.bytes[start:start + self.record_bytes]
            self.record(sluice.EXTENT_DATA, data.offset + start, len(piece), piece)

    def zero(self, where, kind):
        self.record(kind + 1, where.start, where.stop - where.start)

    def close(self, length, digest):
        self.closed.append((self.stream, digest))

    def finish(self):
        index = sluice.receipt(self.job, self.host, self.closed)
        for entry, (stream, _) in zip(index["streams"], self.closed):
            entry.update(id=stream.id, at=self.starts[stream.id])
        if self.job.machine:
            index["machine"] = self.job.machine
        text, at = sluice.compact(index), self.place
        self.put(text, TAIL.pack(at, len(text), zlib.crc32(text), MAGIC))
        os.fsync(self.file)
        return sluice.Finished.archive(self.place)


def damaged(what):
    return sluice.PluginError(sluice.E_CORRUPT, f"the archive is damaged: {what}")


class Reader(sluice.ArchiveReader):
    def __init__(self, job, input, host):
        self.file, self.proofs = input.descriptor, []
        size = os.fstat(self.file).st_size
        if size < len(MAGIC) + TAIL.size or self.take(0, 8) != MAGIC:
            raise damaged("this is no complete reel")
        at, length, check, magic = TAIL.unpack(self.take(size - TAIL.size, TAIL.size))
        if magic != MAGIC or length > 4 << 20 or at + length + TAIL.size != size:
            raise damaged("it has no tail")
        text = self.take(at, length)
        if zlib.crc32(text) != check:
            raise damaged("the index has another checksum")
        self.take_index(text, at)

    def take_index(self, text, end):
        """Streams and what else is known; `starts` and `ends` are places in the file."""
        try:
            index = sluice.parse_json(text)
            self.streams = sluice.Stream.list(index["streams"])
            places = [int(entry["at"]) for entry in index["streams"]] + [end]
        except (sluice.PluginError, KeyError, TypeError, ValueError) as error:
            raise damaged(f"its index is malformed ({error})") from None
        if places[0] != 8 or any(stream.size is None for stream in self.streams):
            raise damaged("its index does not fit")
        self.places = {stream.id: places[number:number + 2]
                       for number, stream in enumerate(self.streams)}
        self.machine, self.description = index.get("vm"), index.get("machine")
        self.instant = index.get("instant")

    @property
    def is_proven(self):
        return all(self.proofs)

    def take(self, place, count):
        data = os.pread(self.file, count, place)
        if len(data) < count:
            raise damaged("it ends early")
        return data

    def read(self, stream, where, sink):
        place, end = self.places[stream.id]
        tree, has_damage = sluice.TreeDigest(), False
        self.proofs.append(False)
        while sink.position < sink.end:
            head = self.take(place, RECORD_BYTES)
            number, kind, offset, length, check = HEAD.unpack_from(head)
            if zlib.crc32(head[:28]) != struct.unpack_from("<I", head, 28)[0]:
                raise damaged(f"a record of {stream.name} at byte {place}")
            is_cut = (offset + length) % sluice.CLUSTER_BYTES and offset + length != sink.end
            last = sluice.EXTENT_UNCHANGED if stream.incremental else sluice.EXTENT_HOLE
            if (number, offset) != (stream.id, sink.position) or is_cut or not (
                    1 <= length <= sink.end - offset) or kind > last:
                raise damaged(f"{stream.name} has a record that does not continue it")
            place += RECORD_BYTES
            if kind == sluice.EXTENT_DATA:
                if length > RECORD_DATA_MAX:
                    raise damaged(f"{stream.name} has a record that is too long")
                data = memoryview(self.take(place, length))
                place += length
                if zlib.crc32(data) != check:
                    has_damage = True
                    sink.damaged(length, f"the archive is damaged: the data before byte {place}")
                    continue
                tree.update(data)
                for start in range(0, length, sink.piece_bytes_max):
                    piece = data[start:start + sink.piece_bytes_max]
                    sink.data(len(piece), piece)
            elif kind == sluice.EXTENT_UNCHANGED:
                tree.unchanged(length)
                sink.unchanged(length)
            else:
                tree.zeros(length)
                sink.zeros(length, kind - 1)
        if place != end:
            raise damaged(f"something lies behind {stream.name}")
        self.prove(stream, tree, has_damage)

    def prove(self, stream, tree, has_damage):
        """Holds the bytes against the archive's own digest."""
        digest = stream.digest
        is_tree = digest is not None and digest.algorithm != sluice.DIGEST_SHA256
        if is_tree and not has_damage and tree.digest() != digest.value:
            raise damaged(f"{stream.name} has another digest")
        self.proofs[-1] = is_tree and not has_damage


if __name__ == "__main__":
    sluice.Plugin(MANIFEST, {"reel": (Writer, Reader)}).run()
