"""Frames and payloads as bytes, and bytes as hex listings."""

import hashlib
import json
import struct

PREAMBLE = b"\x89SLU\r\n\x1a\n"
MIB = 1 << 20
LEAF = 32 << 10
SIZE_MAX = (1 << 53) - 1

HELLO, HELLO_ACK, JOB, JOB_ACK, FINISH, FINISHED, ABORT, ABORTED, ERROR = range(1, 10)
(OPEN, DATA, ZERO, CLOSE, READ, RELEASE, CHECKPOINT, CHECKPOINT_ACK, BUSY, READ_DONE,
 EXTENTS, DAMAGED) = range(0x10, 0x1C)
LOG, PROGRESS = 0x8001, 0x8002
NAMES = {value: name for name, value in globals().items()
         if name.isupper() and isinstance(value, int) and (0 < value < 0x20 or value > 0x8000)
         and name not in ("MIB", "SIZE_MAX")}
TO_PLUGIN, TO_HOST = "host-to-plugin", "plugin-to-host"


# Frames ------------------------------------------------------------------------------------------

class Frame:
    """Type, payload and what the header says; `length` lies about the payload if given."""

    def __init__(self, kind, payload=b"", stream=0, flags=0, seq=None, length=None):
        self.kind, self.stream, self.flags, self.seq, self.length = kind, stream, flags, seq, length
        if isinstance(payload, (dict, list)):
            payload = compact(payload)
        self.payload = payload

    def encode(self, seq):
        seq = seq if self.seq is None else self.seq
        length = len(self.payload) if self.length is None else self.length
        return struct.pack("<IHHII", length, self.kind, self.flags, self.stream, seq)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def data(offset, length, slot=None, masks=(), request=0, stream=1, inline=None, *, where=None,
         nmask=None, slot_index=None, slot_off=0, reserved=0, pad=None):
    where = (0 if slot is None else 1) if where is None else where
    index = (slot or 0) if slot_index is None else slot_index
    nmask = len(masks) if nmask is None else nmask
    head = struct.pack("<QIHHIIII", offset, length, where, nmask, index, slot_off, request,
                       reserved)
    body = struct.pack(f"<{len(masks)}H", *masks)
    padding = b"\0" * (-len(body) % 8) if pad is None else pad
    return Frame(DATA, head + body + padding + (inline or b""), stream)


def zero(offset, length, kind=0, request=0, stream=1):
    return Frame(ZERO, struct.pack("<QQII", offset, length, kind, request), stream)


def damaged(offset, length, request=4, text=b"wrong checksum", stream=1, reserved=0):
    return Frame(DAMAGED, struct.pack("<QQII", offset, length, request, reserved) + text, stream)


def close(length, algorithm=0, digest=b"", stream=1, count=None, reserved=0):
    count = len(digest) if count is None else count
    return Frame(CLOSE, struct.pack("<QHHI", length, algorithm, count, reserved) + digest, stream)


def read(offset, length, stream=1):
    return Frame(READ, struct.pack("<QQ", offset, length), stream)


def read_done(request, status=0, stream=1):
    return Frame(READ_DONE, struct.pack("<II", request, status), stream)


def release(*numbers, stream=0):
    return Frame(RELEASE, struct.pack(f"<{len(numbers)}I", *numbers), stream)


def extents(*entries, stream=1, flags=1, reserved=0):
    body = b"".join(struct.pack("<QQII", *entry, reserved) for entry in entries)
    return Frame(EXTENTS, body, stream, flags)


def error(code, flags=1, re_seq=0, body=None, stream=0, reserved=0):
    body = compact({"message": "it failed"}) if body is None else body
    return Frame(ERROR, struct.pack("<IIII", code, flags, re_seq, reserved) + body, stream)


def log(level, text=b"text", reserved=0):
    return Frame(LOG, struct.pack("<I", level | reserved << 8) + text)


def busy(milliseconds, text=b"", reserved=0):
    return Frame(BUSY, struct.pack("<II", milliseconds, reserved) + text)


def progress(stored=0, logical=0, percent=0, reserved=0):
    return Frame(PROGRESS, struct.pack("<QQII", stored, logical, percent, reserved))


def checkpoint_ack(ident=1, durability=0, token=b"", count=None):
    count = len(token) if count is None else count
    return Frame(CHECKPOINT_ACK, struct.pack("<QII", ident, durability, count) + token)


def having(body, **members):
    """A copy of a JSON object with members set, or removed where the value is `...`."""
    body = json.loads(json.dumps(body))
    for name, value in members.items():
        if value is ...:
            del body[name]
        else:
            body[name] = value
    return body


def leaf_digests(chunk):
    """SHA-256 of each leaf of a chunk, one behind the other."""
    return b"".join(hashlib.sha256(chunk[start:start + LEAF]).digest()
                    for start in range(0, len(chunk), LEAF))


# A leaf of a range that is as in the parent (§10.3).
UNCHANGED = bytes(32)


def chunk_digest(chunk):
    return hashlib.sha256(leaf_digests(chunk)).digest()


def tree_digest(chunks):
    return hashlib.sha256(b"".join(map(chunk_digest, chunks))).digest()


# Hex as in §1.2 ----------------------------------------------------------------------------------

def hex_lines(payload, width=16, text=False):
    """Lines of hex; a run of 32 or more equal bytes that fills lines is written `xx*n`."""
    lines, place = [], 0
    while place < len(payload):
        run = 1
        while place + run < len(payload) and payload[place + run] == payload[place]:
            run += 1
        if run >= 32:
            lines.append(f"{payload[place]:02x}*{run}")
            place += run
            continue
        piece = payload[place:place + width]
        for at in range(1, len(piece)):  # stop before a long run
            if payload[place + at:place + at + 32] == piece[at:at + 1] * 32:
                piece = piece[:at]
                break
        line = " ".join(f"{byte:02x}" for byte in piece)
        if text:
            shown = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in piece)
            line = f"{line:<{3 * width}} ; {shown}"
        lines.append(line)
        place += len(piece)
    return lines


def frame_lines(frame, seq, text=None):
    header = frame.encode(seq)
    name = NAMES.get(frame.kind, f"type 0x{frame.kind:04X}")
    fields = [header[0:4], header[4:6], header[6:8], header[8:12], header[12:16]]
    label = name + (f", stream {frame.stream}" if frame.stream else "")
    number = seq if frame.seq is None else frame.seq
    lines = ["  ".join(" ".join(f"{b:02x}" for b in field) for field in fields)
             + f" ; {label}, seq {number}"]
    if text is None:
        is_short_json = frame.payload[:1] == b"{" and len(frame.payload) < 4096
        text = is_short_json or frame.kind in (ERROR, LOG, BUSY)
    return lines + hex_lines(frame.payload, text=text)


def encode(frames, first=0, preamble=PREAMBLE):
    return preamble + b"".join(
        frame.encode((first + number) & 0xFFFFFFFF) + frame.payload
        for number, frame in enumerate(frames))
