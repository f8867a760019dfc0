#!/usr/bin/env python3
"""Writes the test vectors of protocol.md §21 and the hex listings inside protocol.md.

An encoder of its own, from the document alone: it shares nothing with the Swift codec, so what
both agree on is what the document says. Needs nothing but the standard library.

  make-vectors.py            writes Tests/Vectors/v1/ and the listings
  make-vectors.py --check    writes nothing; exits 1 if something would change
  make-vectors.py --corpus DIR   writes every vector as raw bytes, for a fuzzer
"""

import hashlib
import json
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "protocol.md"
PREAMBLE = b"\x89SLU\r\n\x1a\n"
MIB = 1 << 20
SIZE_MAX = (1 << 53) - 1

HELLO, HELLO_ACK, JOB, JOB_ACK, FINISH, FINISHED, ABORT, ABORTED, ERROR = range(1, 10)
OPEN, DATA, ZERO, CLOSE, READ, RELEASE, CHECKPOINT, CHECKPOINT_ACK, BUSY, READ_DONE, EXTENTS = range(
    0x10, 0x1B)
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
    head = struct.pack("<QIHHIIII", offset, length, where, nmask, index, slot_off, request, reserved)
    body = struct.pack(f"<{len(masks)}H", *masks)
    padding = b"\0" * (-len(body) % 8) if pad is None else pad
    return Frame(DATA, head + body + padding + (inline or b""), stream)


def zero(offset, length, kind=0, request=0, stream=1):
    return Frame(ZERO, struct.pack("<QQII", offset, length, kind, request), stream)


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


HELLO_BODY = {
    "versions": [1], "features": ["shm", "map", "checkpoint"],
    "limits": {"max_frame": 1114112, "window": 16777216, "inflight": 64},
    "pool": {"slots": 16, "slot_size": 1048576},
    "host": {"name": "sluice", "version": "1.0.0"}}
HELLO_ACK_BODY = {"version": 1, "features": ["shm"], "plugin": "raw", "plugin_version": "1.0.0"}
DISK = {"id": 1, "kind": "disk", "name": "d0", "role": "disk", "size": 65536, "block_size": 512}
JOB_BODY = {"mode": "write", "job": "j1", "format": "raw",
            "output": {"fd": 6, "kind": "directory"}, "options": {}, "streams": [DISK]}


MANIFEST_SEED = {
    "manifest": 1, "name": "raw", "version": "1.0.0", "vendor": "Sluice", "license": "Apache-2.0",
    "executable": "sluice-writer-raw", "protocol": [1], "needs": ["map", "size", "seek", "scratch"],
    "threads": 2, "memory": 1048576, "min_slots": 4, "profile": "dynamic", "require": [],
    "formats": [{"name": "raw", "help": "h", "extensions": [".raw"], "receipt": "manifest.json",
                 "magic": [{"offset": 4, "hex": "00ff"}], "modes": ["write", "read", "verify"],
                 "output": ["file", "pipe", "directory"]}],
    "options": [{"name": "a", "type": "bool", "default": True, "help": "h"},
                {"name": "b", "type": "integer", "min": 1, "max": 9, "default": 3},
                {"name": "c", "type": "choice", "choices": ["x", "y"]}, {"name": "d", "type": "string"}]}
RECEIPT_SEED = {
    "sluice_receipt": 1, "job": "j1", "format": "raw", "instant": "2026-01-31T20:00:00Z",
    "vm": {"id": "101", "name": "db1", "uuid": ""}, "tools": ["sluice 1.0.0"],
    "streams": [{"name": "d0", "kind": "disk", "role": "disk", "size": 5,
                 "digest": {"alg": "tree-sha256-1m", "value": "00" * 32}},
                {"name": "c", "kind": "config", "role": "config", "size": 0,
                 "digest": {"alg": "sha256", "value": "ff" * 32}}]}


def having(body, **members):
    """A copy of a JSON object with members set, or removed where the value is `...`."""
    body = json.loads(json.dumps(body))
    for name, value in members.items():
        if value is ...:
            del body[name]
        else:
            body[name] = value
    return body


def tree_digest(chunks):
    return hashlib.sha256(b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)).digest()


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
        text = (frame.payload[:1] == b"{" and len(frame.payload) < 4096) or frame.kind in (ERROR, LOG, BUSY)
    return lines + hex_lines(frame.payload, text=text)


def encode(frames, first=0, preamble=PREAMBLE):
    return preamble + b"".join(
        frame.encode((first + number) & 0xFFFFFFFF) + frame.payload
        for number, frame in enumerate(frames))


# Vectors -----------------------------------------------------------------------------------------

VECTORS = {}


def vector(name, covers, direction, comment, frames, expect="ok", first=0, canonical=True,
           preamble=PREAMBLE, cut=None, tail=b"", whole=None):
    """Registers a vector. `cut` drops bytes at the end, `tail` adds some, `whole` counts frames."""
    frames = frames if isinstance(frames, list) else [frames]
    if whole is None:
        whole = len(frames)
    if expect == "E_LIMIT":  # decided by the header alone: the payload need not be there
        for frame in frames:
            frame.length = len(frame.payload) if frame.length is None else frame.length
        frames[-1].payload = b""
    body = encode(frames, first, preamble)[:cut] + tail
    head = [f"expect: {expect}", f"clause: §{covers.split('-')[0]}", f"covers: {covers}",
            f"direction: {direction}"]
    if expect in ("ok", "incomplete"):
        head.append(f"frames: {whole}")
    if first:
        head.append(f"first-seq: {first}")
    if not canonical:
        head.append("canonical: no")
    head.append(f"comment: {comment}")
    if cut is None and not tail:
        lines = hex_lines(preamble)
        for number, frame in enumerate(frames):
            lines += frame_lines(frame, (first + number) & 0xFFFFFFFF)
    else:
        lines = hex_lines(body)
    assert name not in VECTORS, name
    VECTORS[name] = ("\n".join(head) + "\n\n" + "\n".join(lines) + "\n", body)


def bad(name, covers, direction, comment, frames, expect="E_PROTOCOL", **more):
    vector(name, covers, direction, comment, frames, expect, **more)


def framing_vectors():
    hello, ack = Frame(HELLO, HELLO_BODY), Frame(HELLO_ACK, HELLO_ACK_BODY)
    H, P = TO_PLUGIN, TO_HOST
    vector("preamble-alone", "3.1-1", H, "nothing but the preamble", [])
    vector("preamble-half", "3.1-1", H, "four bytes of it", [], "incomplete", cut=4)
    bad("preamble-text", "3.1-1", P, "the plugin printed its usage", [], preamble=b"Usage: x\n")
    bad("preamble-newlines", "3.1-1", P, "CR LF became LF on the way", [],
        preamble=b"\x89SLU\n\x1a\n\n")
    bad("preamble-high-bit", "3.1-1", P, "the high bit was stripped", [],
        preamble=b"\x09SLU\r\n\x1a\n")
    bad("preamble-last-byte", "3.1-1", P, "only the last byte differs", [],
        preamble=b"\x89SLU\r\n\x1a\r")
    vector("header-half", "3.2-5", H, "8 of 16 bytes of a header", hello, "incomplete",
           cut=16, whole=0)
    vector("payload-short-by-one", "3.2-5", H, "the last byte is missing", hello, "incomplete",
           cut=-1, whole=0)
    vector("second-frame-cut", "3.2-5", P, "a whole frame, then half a header", [ack, release(1)],
           "incomplete", cut=-12, whole=1)
    bad("seq-first-not-zero", "3.2-2", P, "the first frame has number 1", Frame(
        HELLO_ACK, HELLO_ACK_BODY, seq=1))
    bad("seq-gap", "3.2-2", P, "0, then 2", [ack, Frame(PROGRESS, progress().payload, seq=2)])
    bad("seq-repeat", "3.2-2", P, "0, then 0 again", [ack, Frame(
        PROGRESS, progress().payload, seq=0)])
    bad("seq-gap-in-unknown", "3.2-2", P, "a frame to be skipped counts, too",
        [ack, Frame(0x8A0A, b"", seq=5)])
    vector("seq-wrap", "3.2-2", P, "after 2^32-1 comes 0", [progress(), progress()],
           first=0xFFFFFFFF)
    bad("seq-no-wrap", "3.2-2", P, "after 2^32-1 comes 0, not 2^32-1 again",
        [progress(), Frame(PROGRESS, progress().payload, seq=0xFFFFFFFF)], first=0xFFFFFFFF)
    bad("flags-on-data", "1.2-2", H, "DATA has no flag", Frame(
        DATA, data(0, 65536, 0).payload, 1, flags=1))
    bad("flags-high-bit", "1.2-2", H, "HELLO has no flag", Frame(HELLO, HELLO_BODY, flags=0x8000))
    bad("flags-extents-unknown", "4.1-2", H, "EXTENTS has bit 0 only", extents(
        (0, 65536, 0), flags=2))
    bad("length-4gib", "3.2-1", P, "a length of 4 GiB - 1", Frame(
        DATA, b"", 1, length=0xFFFFFFFF), "E_LIMIT")
    bad("length-max-plus-one", "3.2-1", P, "one byte over the largest frame", Frame(
        DATA, b"", 1, length=1114113), "E_LIMIT")
    bad("length-unknown-max-plus-one", "3.2-1", P, "skipping has a limit, too", Frame(
        0x8A0A, b"", length=1114113), "E_LIMIT")
    bad("length-control-max-plus-one", "3.2-1", P, "control frames are smaller", Frame(
        HELLO_ACK, b"", length=262145), "E_LIMIT")
    for name, stream, kind in [("hello", 1, HELLO), ("release", 1, RELEASE), ("busy", 1, BUSY),
                               ("progress", 1, PROGRESS), ("checkpoint", 1, CHECKPOINT)]:
        payload = {HELLO: compact(HELLO_BODY), RELEASE: b"\1\0\0\0", BUSY: b"\0" * 8,
                   PROGRESS: b"\0" * 24, CHECKPOINT: b"\0" * 8}[kind]
        bad(f"stream-of-{name}", "3.2-4", H if kind in (HELLO, CHECKPOINT) else P,
            "the frame belongs to the session", Frame(kind, payload, stream))
    for name, frame in [("data", data(0, 65536, 0, stream=0)), ("open", Frame(OPEN, {})),
                        ("close", close(0, stream=0)), ("zero", zero(0, 65536, stream=0)),
                        ("extents", extents((0, 65536, 0), stream=0))]:
        bad(f"stream-zero-of-{name}", "3.2-4", H, "the frame belongs to a stream", frame)
    vector("stream-max", "3.2-4", H, "the largest stream id", Frame(OPEN, {}, 1024))
    bad("stream-max-plus-one", "3.2-4", H, "1025 is no stream id", Frame(OPEN, {}, 1025))


def unknown_vectors():
    ack = Frame(HELLO_ACK, HELLO_ACK_BODY)
    H, P = TO_PLUGIN, TO_HOST
    for kind in (0x8A0A, 0x9A1A, 0xAA2A, 0xBA3A, 0xCA4A, 0xDA5A, 0xEA6A, 0xFA7A):
        vector(f"grease-{kind:04x}", "3.4-1", P, "skipped; the frame after it is understood",
               [ack, Frame(kind, b"anything at all", 77777, 0xFFFF), progress()])
    vector("grease-to-plugin", "3.4-1", H, "the host greases, too",
           [Frame(HELLO, HELLO_BODY), Frame(0xFA7A, b"\0" * 1024), Frame(JOB, JOB_BODY)])
    vector("unknown-private", "3.4-1", P, "a vendor's experiment", [ack, Frame(0xF123, b"x")])
    vector("unknown-largest", "3.4-1", P, "skipped at the largest length", [
        ack, Frame(0x8123, b"\xEE" * 1114112), progress()])
    bad("unknown-critical", "3.4-2", P, "no bit 15: it may not be skipped", [
        ack, Frame(0x0123, b"x")], "E_UNKNOWN_FRAME")
    bad("unknown-type-zero", "3.4-2", H, "0 is not assigned", Frame(0), "E_UNKNOWN_FRAME")
    bad("unknown-after-last", "3.4-2", H, "0x001B is the first one not assigned", Frame(
        0x001B, b""), "E_UNKNOWN_FRAME")
    bad("unknown-critical-max", "3.4-2", H, "0x7FFF", Frame(0x7FFF), "E_UNKNOWN_FRAME")


def json_vectors():
    H, P = TO_PLUGIN, TO_HOST

    def hello(name, covers, comment, body, expect="E_PROTOCOL", **more):
        vector(name, covers, H, comment, Frame(HELLO, body), expect, **more)

    text = compact(HELLO_BODY)
    hello("hello", "4.2-1", "as the document shows it", HELLO_BODY, "ok")
    vector("hello-ack", "4.2-2", P, "as the document shows it", Frame(HELLO_ACK, HELLO_ACK_BODY))
    hello("hello-future", "17.1-1", "the host also speaks version 99",
          having(HELLO_BODY, versions=[1, 99]), "ok")
    hello("hello-grease", "17.4-1", "a feature and members that mean nothing", having(
        HELLO_BODY, features=["shm", "grease-1a2b"], **{"grease-77": [None, {"x": -1.5e9}]}), "ok")
    hello("hello-white-space", "1.3-1", "white space around and inside",
          b" \r\n\t" + json.dumps(HELLO_BODY, indent=2).encode() + b"\n", "ok", canonical=False)
    hello("json-empty-payload", "1.3-1", "no object at all", b"")
    hello("json-array", "1.3-1", "an array is not an object", b"[1]")
    hello("json-number", "1.3-1", "a number is not an object", b"17")
    hello("json-byte-order-mark", "1.3-1", "a byte order mark", b"\xef\xbb\xbf" + text)
    hello("json-not-json", "1.3-1", "text", b"hello, host")
    hello("json-cut", "1.3-1", "the closing brace is missing", text[:-1])
    hello("json-trailing", "1.3-2", "a second object behind the first", text + b"{}")
    hello("json-trailing-nul", "1.3-2", "a NUL behind the object", text + b"\0")
    hello("json-duplicate", "1.3-2", "a name occurs twice",
          text.replace(b'{"versions"', b'{"versions":[2],"versions"'))
    hello("json-duplicate-deep", "1.3-2", "twice in an inner object that nobody reads",
          text[:-1] + b',"x":[{"a":1,"a":1}]}')
    hello("json-depth-16", "1.3-2", "sixteen levels are admitted",
          text[:-1] + b',"x":' + b"[" * 15 + b"]" * 15 + b"}", "ok")
    hello("json-depth-17", "1.3-2", "seventeen are not",
          text[:-1] + b',"x":' + b"[" * 16 + b"]" * 16 + b"}")
    hello("json-depth-bomb", "1.3-2", "one hundred thousand brackets",
          text[:-1] + b',"x":' + b"[" * 100000 + b"]" * 100000 + b"}")
    hello("json-invalid-utf8", "1.3-2", "a lone continuation byte in a string",
          text.replace(b"sluice", b"slu\x80ce"))
    hello("json-overlong-utf8", "1.3-2", "an overlong slash", text.replace(b"sluice", b"\xc0\xafxxxx"))
    hello("json-surrogate", "1.3-2", "half of a surrogate pair",
          text.replace(b"sluice", b"\\ud800"))
    hello("json-nul-in-string", "1.3-2", "the character U+0000", text.replace(
        b"sluice", b"slu\\u0000ce"))
    hello("json-nul-in-name", "1.3-2", "U+0000 in the name of a member",
          text[:-1] + b',"a\\u0000b":1}')
    hello("json-control-character", "1.3-1", "a bare line feed in a string",
          text.replace(b"sluice", b"slu\nce"))
    hello("json-integer-fraction", "1.3-3", "slots with a fraction",
          text.replace(b'"slots":16', b'"slots":16.0'))
    hello("json-integer-huge", "1.3-3", "an integer of thirty digits",
          text.replace(b'"slots":16', b'"slots":' + b"9" * 30))
    hello("json-string-for-integer", "1.3-5", "slots as a string", having(
        HELLO_BODY, pool={"slots": "16", "slot_size": 1048576}))
    hello("hello-largest", "16-1", "exactly 262144 bytes",
          text[:-1] + b" " * (262144 - len(text)) + b"}", "ok", canonical=False)
    for name, pool, expect in [
            ("slots-min", {"slots": 4, "slot_size": 65536}, "ok"),
            ("slots-max", {"slots": 256, "slot_size": 16777216}, "ok"),
            ("slots-under", {"slots": 3, "slot_size": 65536}, "E_PROTOCOL"),
            ("slots-over", {"slots": 257, "slot_size": 65536}, "E_PROTOCOL"),
            ("slots-negative", {"slots": -4, "slot_size": 65536}, "E_PROTOCOL"),
            ("slot-size-under", {"slots": 4, "slot_size": 32768}, "E_PROTOCOL"),
            ("slot-size-over", {"slots": 4, "slot_size": 33554432}, "E_PROTOCOL"),
            ("slot-size-odd", {"slots": 4, "slot_size": 196608}, "E_PROTOCOL")]:
        hello(f"hello-{name}", "4.2-5", "the shape of the pool", having(HELLO_BODY, pool=pool),
              expect)
    for name, limits, expect in [
            ("window-min", {"max_frame": 1114112, "window": 262144, "inflight": 8}, "ok"),
            ("window-under", {"max_frame": 1114112, "window": 262143, "inflight": 8}, "E_PROTOCOL"),
            ("inflight-under", {"max_frame": 1114112, "window": 262144, "inflight": 7}, "E_PROTOCOL"),
            ("inflight-over", {"max_frame": 1114112, "inflight": 1025}, "E_PROTOCOL"),
            ("max-frame-under", {"max_frame": 1114111}, "E_PROTOCOL")]:
        hello(f"hello-{name}", "4.2-5", "limits", having(HELLO_BODY, limits=limits), expect)
    hello("hello-limits-default", "4.2-5", "window and inflight may be absent", having(
        HELLO_BODY, limits={"max_frame": 1114112}), "ok")
    hello("hello-no-versions", "4.2-2", "versions is absent", having(HELLO_BODY, versions=...))
    hello("hello-empty-versions", "4.2-2", "an empty list", having(HELLO_BODY, versions=[]))
    hello("hello-require-unknown", "17.3-1", "the host insists on what version 1 does not know",
          having(HELLO_BODY, require=["quantum"], quantum=1), "E_UNSUPPORTED")
    hello("hello-require-known", "17.3-1", "and here on what it does", having(
        HELLO_BODY, require=["pool", "shm"]), "ok")
    vector("hello-ack-no-plugin", "2.3-4", P, "the name is absent", Frame(
        HELLO_ACK, having(HELLO_ACK_BODY, plugin=...)), "E_PROTOCOL")


def job_vectors():
    H, P = TO_PLUGIN, TO_HOST

    def job(name, covers, comment, expect="E_PROTOCOL", canonical=True, **members):
        vector(name, covers, H, comment, Frame(JOB, having(JOB_BODY, **members)), expect,
               canonical=canonical)

    def streams(name, covers, comment, *list_of, expect="E_PROTOCOL"):
        job(name, covers, comment, expect, streams=[having(DISK, **members) for members in list_of])

    job("job", "4.3-1", "one disk", "ok")
    job("job-no-streams", "6.1-1", "a job may have none", "ok", streams=[])
    job("job-options", "4.3-1", "options of every type", "ok",
        options={"a": True, "b": 7, "c": "text"})
    job("job-full", "4.3-1", "every member of version 1", "ok",
        vm={"id": "101", "name": "db1", "uuid": "3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10"},
        instant="2026-01-31T20:00:00Z", machine={"cpus": 4}, require=["vm", "streams"],
        streams=[having(DISK, allocated=4096, incremental=False),
                 {"id": 2, "kind": "config", "name": "101.conf", "role": "proxmox-conf", "size": 812},
                 {"id": 1024, "kind": "vmstate", "name": "vmstate", "size": None}])
    job("job-read", "4.3-1", "an archive is to be read", "ok", mode="read", streams=...)
    job("job-verify", "4.3-1", "and here to be checked; from a file", "ok", mode="verify",
        streams=..., output={"fd": 6, "kind": "file"})
    job("job-vm-null", "1.3-5", "an optional member that is null is absent", "ok",
        vm={"id": None, "name": "db1"}, instant=None)
    job("job-require-unknown", "17.3-1", "what version 1 does not know", "E_UNSUPPORTED",
        require=["time-travel"])
    job("job-mode-unknown", "1.3-5", "a mode that does not exist", mode="append")
    job("job-no-mode", "1.3-5", "mode is absent", mode=...)
    job("job-no-output", "1.3-5", "output is absent", output=...)
    job("job-output-unknown", "1.3-5", "a kind of output that does not exist",
        output={"fd": 6, "kind": "tape"})
    job("job-no-stream-list", "1.3-5", "streams is absent in write mode", streams=...)
    job("job-options-array", "1.3-5", "options is an array", options=[1])
    streams("job-stream-id-zero", "3.2-4", "0 is the session", {"id": 0})
    streams("job-stream-id-over", "3.2-4", "1025", {"id": 1025})
    streams("job-stream-id-twice", "1.4-2", "two streams with id 1", {}, {"name": "d1"})
    streams("job-stream-name-twice", "1.4-2", "two streams with one name", {}, {"id": 2})
    streams("job-stream-name-normalised-twice", "1.4-2", "e with acute accent, composed and not",
            {"name": "caf\u00e9"}, {"id": 2, "name": "cafe\u0301"})
    streams("job-size-max", "16-1", "2^53-1 bytes", {"size": SIZE_MAX}, expect="ok")
    streams("job-size-over", "16-1", "2^53 bytes", {"size": SIZE_MAX + 1})
    streams("job-size-negative", "16-1", "-1 bytes", {"size": -1})
    streams("job-size-unknown-disk", "1.3-5", "only vmstate may have an unknown size",
            {"size": None})
    streams("job-kind-unknown", "1.3-5", "a kind that does not exist", {"kind": "tape"})
    streams("job-role-upper-case", "1.4-3", "roles are in lower case", {"role": "DISK"})
    streams("job-streams-max", "6.1-1", "1024 streams",
            *({"id": n, "name": f"d{n}"} for n in range(1, 1025)), expect="ok")
    for name, text, expect in [
            ("max", "n" * 255, "ok"), ("over", "n" * 256, "E_PROTOCOL"), ("empty", "", "E_PROTOCOL"),
            ("slash", "a/b", "E_PROTOCOL"), ("dot", ".hidden", "E_PROTOCOL"),
            ("dot-accent", ".\u0301x", "E_PROTOCOL"), ("dots", "..", "E_PROTOCOL"),
            ("escape", "a\u001b[2J", "E_PROTOCOL"), ("delete", "a\u007f", "E_PROTOCOL"),
            ("c1", "a\u009b2J", "E_PROTOCOL"), ("utf8", "диск-0 日本", "ok")]:
        streams(f"job-name-{name}", "1.4-1", "names reach files and terminals", {"name": text},
                expect=expect)
    vector("job-ack-write", "4.3-2", P, "nothing to say", Frame(JOB_ACK, {}))
    digest = {"alg": "tree-sha256-1m", "value": tree_digest([b"\0" * 65536]).hex()}
    vector("job-ack-read", "4.3-2", P, "an archive of one disk", Frame(
        JOB_ACK, {"streams": [having(DISK, digest=digest)]}))
    vector("job-ack-read-sizes", "7.1-1", P, "a size that is not known before it is read", Frame(
        JOB_ACK, {"streams": [having(DISK, size=None)]}))
    for name, value in [("short", digest["value"][:-2]), ("odd", "g" + digest["value"][1:]),
                        ("signed", "+1" + digest["value"][2:])]:
        bad(f"job-ack-digest-{name}", "10.2-3", P, "64 hexadecimal digits", Frame(
            JOB_ACK, {"streams": [having(DISK, digest=having(digest, value=value))]}))
    bad("job-ack-name-slash", "1.4-1", P, "an archive with a path for a name", Frame(
        JOB_ACK, {"streams": [having(DISK, name="../../etc/passwd")]}))


def ending_vectors():
    H, P = TO_PLUGIN, TO_HOST
    vector("finish", "6.3-1", H, "all is sent", Frame(FINISH, {}))
    vector("finished", "4.4-1", P, "two files", Frame(FINISHED, {
        "artefacts": [{"name": "d.raw", "size": 65536}, {"name": "c.conf", "size": 0}],
        "stored": 65536}))
    vector("finished-empty", "7.4-1", P, "read mode makes nothing", Frame(FINISHED, {}))
    for name, artefact in [("parent", {"name": "../x", "size": 1}), ("size", {"name": "x"}),
                           ("escape", {"name": "\u001b]0;x", "size": 1})]:
        bad(f"finished-artefact-{name}", "1.4-1", P, "names are checked", Frame(
            FINISHED, {"artefacts": [artefact]}))
    bad("finished-artefact-twice", "1.4-2", P, "one name twice", Frame(
        FINISHED, {"artefacts": [{"name": "x", "size": 1}] * 2}))
    vector("abort", "13.2-1", H, "the user has changed his mind", Frame(
        ABORT, {"reason": "cancelled by the user"}))
    vector("abort-empty", "13.2-1", H, "a reason is optional", Frame(ABORT, {}))
    vector("aborted", "13.2-1", P, "it is done", Frame(ABORTED, {}))
    vector("error", "4.5-1", P, "fatal, with an errno", error(17, body=compact(
        {"message": "no space left: make room", "errno": "ENOSPC"})))
    vector("error-of-read", "4.5-2", P, "one READ is lost", error(21, flags=2, re_seq=4, stream=1))
    vector("error-unknown-code", "4.5-3", P, "counts as E_INTERNAL", error(777))
    bad("error-code-zero", "15.1-1", P, "0 is no error", error(0))
    bad("error-no-flag", "4.5-1", P, "neither fatal nor of a READ", error(16, flags=0))
    bad("error-both-flags", "4.5-1", P, "fatal and of a READ", error(16, flags=3, stream=1))
    bad("error-flag-unknown", "1.2-2", P, "bit 2", error(16, flags=5))
    bad("error-reserved", "1.2-2", P, "reserved is not 0", error(16, reserved=1))
    bad("error-no-message", "1.3-5", P, "message is absent", error(16, body=b"{}"))
    bad("error-no-json", "3.3-1", P, "the struct alone", error(16, body=b""))
    bad("error-largest-plus-one", "3.2-1", P, "262145 bytes", error(
        16, body=compact({"message": "m"}) + b" " * (262145 - 16 - 15)), "E_LIMIT")


def data_vectors():
    H, P = TO_PLUGIN, TO_HOST
    vector("open", "4.6-1", H, "a stream begins", Frame(OPEN, {}, 1))
    bad("open-empty", "1.3-1", H, "no object", Frame(OPEN, b"", 1))
    vector("data-slot", "4.7-1", H, "full cluster, then one block: 1 = data", data(
        MIB, 131072, 3, [0xFFFF, 0x0001]))
    vector("data-mask-last-block", "4.7-1", H, "bit 15 is the last block", data(
        0, 65536, 0, [0x8000]))
    vector("data-mask-zero", "4.7-3", H, "no block holds data", data(0, 65536, 0, [0]))
    vector("data-no-mask", "4.7-3", H, "no claim", data(0, MIB, 15))
    vector("data-tail", "4.7-4", H, "6 bytes: the first block only", data(0, 6, 0, [0x0001]))
    vector("data-tail-4097", "4.7-4", H, "4097 bytes: two blocks", data(0, 4097, 0, [0x0003]))
    bad("data-tail-mask-beyond", "4.7-4", H, "4096 bytes are one block, bit 1 lies beyond", data(
        0, 4096, 0, [0x0003]))
    bad("data-tail-second-cluster-beyond", "4.7-4", H, "the last cluster has one block", data(
        0, 65537, 0, [0xFFFF, 0x8001]))
    vector("data-five-masks", "3.3-1", H, "masks are padded to 16 bytes", data(
        0, 5 * 65536, 0, [1, 2, 3, 4, 5]))
    vector("data-slot-largest", "4.7-5", H, "16 MiB, 256 masks", data(
        0, 16 * MIB, 0, [0xFFFF] * 256))
    bad("data-slot-over", "4.7-5", H, "more than any slot", data(0, 16 * MIB + 65536, 0))
    vector("data-inline-one", "4.7-5", H, "one byte", data(65536, 1, masks=[1], inline=b"\x5a"))
    vector("data-inline-mib", "4.7-5", H, "1 MiB, no masks", data(0, MIB, inline=b"\xa5" * MIB))
    vector("data-inline-largest", "4.7-5", H, "1110016 bytes end a stream", data(
        0, 1110016, inline=b"\xa5" * 1110016))
    bad("data-inline-over", "4.7-5", H, "1110017 bytes", data(
        0, 1110017, inline=b"\xa5" * 1110017))
    vector("data-request", "7.2-3", P, "answers READ 4", data(
        65536, 6, masks=[1], request=4, inline=b"sluice"))
    vector("data-offset-largest", "4.7-5", H, "ends at 2^53-1", data(
        (1 << 53) - 65536, 65535, 0))
    bad("data-end-over", "4.7-5", H, "ends at 2^53", data((1 << 53) - 65536, 65536, 0))
    bad("data-offset-over", "4.7-5", H, "begins at 2^64-65536", data((1 << 64) - 65536, 65536, 0))
    bad("data-offset-odd", "6.2-4", H, "begins in a cluster", data(4096, 65536, 0))
    bad("data-length-zero", "4.7-5", H, "no bytes", data(0, 0, 0))
    bad("data-where-two", "1.2-2", H, "where is 2", data(0, 65536, where=2))
    bad("data-nmask-few", "3.3-1", H, "one mask for two clusters", data(0, 131072, 0, [1]))
    bad("data-nmask-many", "3.3-1", H, "two masks for one cluster", data(0, 65536, 0, [1, 1]))
    bad("data-nmask-lies", "3.3-1", H, "one mask is announced, none is there", data(
        0, 65536, 0, nmask=1))
    bad("data-padding", "1.2-2", H, "padding is not zero", data(
        0, 65536, 0, [1], pad=b"\0\0\0\0\0\1"))
    bad("data-slot-off", "1.2-2", H, "slot_off is 4096", data(0, 65536, 0, slot_off=4096))
    bad("data-reserved", "1.2-2", H, "reserved is 1", data(0, 65536, 0, reserved=1))
    bad("data-inline-slot", "1.2-2", H, "inline, but slot 1", data(
        0, 4, inline=b"abcd", slot_index=1))
    bad("data-struct-short", "3.3-1", H, "31 bytes", Frame(
        DATA, data(0, 65536, 0).payload[:31], 1))
    bad("data-slot-trailing", "3.3-1", H, "a byte behind the masks", Frame(
        DATA, data(0, 65536, 0, [1]).payload + b"\0", 1))
    bad("data-inline-short", "3.3-1", H, "3 of 4 bytes", data(0, 4, inline=b"abc"))
    bad("data-inline-trailing", "3.3-1", H, "5 of 4 bytes", data(0, 4, inline=b"abcde"))
    for kind, name in enumerate(["zero", "hole", "unchanged"]):
        vector(f"zero-kind-{name}", "4.8-1" if kind < 2 else "4.8-2", H, name, zero(
            0, 65536, kind))
    bad("zero-kind-unknown", "1.2-2", H, "kind 3", zero(0, 65536, 3))
    vector("zero-tail", "6.2-4", H, "one byte at the end of a stream", zero(65536, 1))
    vector("zero-largest", "4.8-3", H, "2^53-1 bytes", zero(0, SIZE_MAX, 1))
    bad("zero-over", "4.8-3", H, "2^53 bytes", zero(0, SIZE_MAX + 1, 1))
    bad("zero-overflow", "4.8-3", H, "offset + length wraps around", zero(65536, (1 << 64) - 65536))
    bad("zero-length-zero", "4.8-3", H, "no bytes", zero(0, 0))
    bad("zero-offset-odd", "6.2-4", H, "begins in a cluster", zero(512, 65536))
    vector("zero-request", "7.2-3", P, "answers READ 7", zero(0, 65536, 0, 7))
    bad("zero-short", "3.3-1", H, "20 bytes", Frame(ZERO, zero(0, 65536).payload[:20], 1))
    bad("zero-long", "3.2-1", H, "28 bytes are over the limit of 24", Frame(
        ZERO, zero(0, 65536).payload + b"\0" * 4, 1), "E_LIMIT")
    sha = hashlib.sha256(b"").digest()
    vector("close-empty", "4.9-1", H, "a stream of length 0", close(0, 2, sha))
    vector("close-none", "10.1-1", H, "no digest", close(65536))
    vector("close-sha256", "10.1-1", H, "of the whole stream", close(0, 1, sha))
    vector("close-largest", "16-1", H, "2^53-1 bytes", close(SIZE_MAX))
    bad("close-over", "16-1", H, "2^53 bytes", close(SIZE_MAX + 1))
    bad("close-algorithm-unknown", "10.1-1", H, "algorithm 3", close(0, 3, sha))
    bad("close-digest-short", "10.1-1", H, "31 bytes", close(0, 2, sha[:31]))
    bad("close-none-with-digest", "10.1-1", H, "none, but 32 bytes", close(0, 0, sha))
    bad("close-digest-missing", "3.3-1", H, "32 announced, none there", close(0, 2, b"", count=32))
    bad("close-reserved", "1.2-2", H, "reserved is 1", close(0, reserved=1))
    bad("close-short", "3.3-1", H, "15 bytes", Frame(CLOSE, close(0).payload[:15], 1))


def flow_vectors():
    H, P = TO_PLUGIN, TO_HOST
    vector("release-one", "4.11-1", P, "frame 5", release(5))
    vector("release-largest", "4.11-1", P, "1024 numbers", release(*range(1024)))
    bad("release-over", "3.2-1", P, "1025 numbers", release(*range(1025)), "E_LIMIT")
    bad("release-empty", "3.3-1", P, "no number", release())
    bad("release-odd", "3.3-1", P, "6 bytes", Frame(RELEASE, b"\1\0\0\0\2\0"))
    vector("read-whole", "4.10-1", H, "a whole stream", read(0, (1 << 64) - 1))
    vector("read-range", "4.10-1", H, "a cluster", read(65536, 65536))
    vector("read-range-tail", "4.10-1", H, "up to the end of the stream", read(65536, 7))
    bad("read-offset-odd", "4.10-1", H, "begins in a cluster", read(4096, 65536))
    bad("read-length-zero", "4.10-1", H, "no bytes", read(0, 0))
    bad("read-whole-from-middle", "4.10-1", H, "2^64-1 bytes from 65536", read(65536, (1 << 64) - 1))
    bad("read-over", "4.10-1", H, "ends at 2^53", read(0, 1 << 53))
    bad("read-short", "3.3-1", H, "8 bytes", Frame(READ, b"\0" * 8, 1))
    vector("read-done", "4.10-2", P, "READ 4 is answered", read_done(4))
    vector("read-done-failed", "7.2-4", P, "E_CORRUPT", read_done(4, 21))
    bad("read-done-short", "3.3-1", P, "4 bytes", Frame(READ_DONE, b"\0" * 4, 1))
    bad("read-done-long", "3.2-1", P, "12 bytes", Frame(READ_DONE, b"\0" * 12, 1), "E_LIMIT")
    vector("extents", "4.14-2", H, "data, hole, zero, unchanged, tail", extents(
        (0, MIB, 0), (MIB, MIB, 2), (2 * MIB, 65536, 1), (2 * MIB + 65536, 65536, 3),
        (2 * MIB + 131072, 5, 0)))
    vector("extents-none", "11-1", H, "a stream of size 0", extents())
    vector("extents-not-last", "4.1-2", H, "more follow", extents((0, 65536, 0), flags=0))
    vector("extents-largest", "4.14-1", H, "4096 extents", extents(
        *((n * 65536, 65536, n % 2) for n in range(4096))))
    bad("extents-over", "3.2-1", H, "4097 extents", extents(
        *((n * 65536, 65536, n % 2) for n in range(4097))), "E_LIMIT")
    bad("extents-gap", "4.14-2", H, "a cluster is missing", extents(
        (0, 65536, 0), (131072, 65536, 0)))
    bad("extents-overlap", "4.14-2", H, "a cluster is told twice", extents(
        (0, 131072, 0), (65536, 65536, 2)))
    bad("extents-descending", "4.14-2", H, "backwards", extents((65536, 65536, 0), (0, 65536, 0)))
    bad("extents-length-odd", "4.14-2", H, "the second would begin in a cluster", extents(
        (0, 512, 0), (512, 65536, 0)))
    bad("extents-length-zero", "4.14-1", H, "no bytes", extents((0, 0, 0)))
    bad("extents-end-over", "4.14-1", H, "ends at 2^53", extents((65536, SIZE_MAX, 0)))
    bad("extents-kind-unknown", "1.2-2", H, "kind 4", extents((0, 65536, 4)))
    bad("extents-reserved", "1.2-2", H, "reserved is 1", extents((0, 65536, 0), reserved=1))
    bad("extents-torn", "3.3-1", H, "25 bytes", Frame(EXTENTS, b"\0" * 25, 1))
    vector("checkpoint", "12-1", H, "id 1", Frame(CHECKPOINT, struct.pack("<Q", 1)))
    bad("checkpoint-short", "3.3-1", H, "4 bytes", Frame(CHECKPOINT, b"\0" * 4))
    bad("checkpoint-long", "3.2-1", H, "9 bytes", Frame(CHECKPOINT, b"\0" * 9), "E_LIMIT")
    vector("checkpoint-ack", "12-2", P, "on stable storage", checkpoint_ack(1, 1))
    vector("checkpoint-ack-largest", "12-3", P, "4096 bytes of token", checkpoint_ack(
        1, 0, b"t" * 4096))
    bad("checkpoint-ack-over", "3.2-1", P, "4097 bytes of token", checkpoint_ack(
        1, 0, b"t" * 4097), "E_LIMIT")
    bad("checkpoint-ack-lies", "3.3-1", P, "announces more than there is", checkpoint_ack(
        1, 0, b"t", count=2))
    bad("checkpoint-ack-count-huge", "3.3-1", P, "announces 4 GiB", checkpoint_ack(
        1, 0, b"t", count=0xFFFFFFFF))
    bad("checkpoint-ack-durability", "1.2-2", P, "durability 2", checkpoint_ack(1, 2))
    vector("busy", "13.1-2", P, "one hour", busy(3600000, "reading the index".encode()))
    bad("busy-over", "13.1-2", P, "more than an hour", busy(3600001))
    bad("busy-reserved", "1.2-2", P, "reserved is 1", busy(1, reserved=1))
    bad("busy-short", "3.3-1", P, "4 bytes", Frame(BUSY, b"\0" * 4))
    vector("busy-largest", "16-1", P, "8192 bytes of text", busy(1, b"b" * 8192))
    bad("busy-text-over", "3.2-1", P, "8193 bytes of text", busy(1, b"b" * 8193), "E_LIMIT")
    vector("log", "4.13-1", P, "a warning", log(3, "Grüße".encode()))
    vector("log-empty", "4.13-1", P, "no text", log(0, b""))
    vector("log-not-utf8", "4.13-2", P, "shown with a replacement character", log(
        1, b"\xff\xfe"), canonical=False)
    vector("log-largest", "16-1", P, "8192 bytes of text", log(4, b"l" * 8192))
    bad("log-over", "3.2-1", P, "8193 bytes of text", log(4, b"l" * 8193), "E_LIMIT")
    bad("log-level", "1.2-2", P, "level 5", log(5))
    bad("log-reserved", "1.2-2", P, "a reserved byte is not 0", log(1, reserved=1))
    bad("log-short", "3.3-1", P, "3 bytes", Frame(LOG, b"\0" * 3))
    vector("progress", "4.13-1", P, "half", progress(1000, 2000, 5000))
    vector("progress-unknown", "4.13-1", P, "nobody knows", progress(percent=0xFFFFFFFF))
    bad("progress-over", "1.2-2", P, "100.01 %", progress(percent=10001))
    bad("progress-reserved", "1.2-2", P, "reserved is 1", progress(reserved=1))
    bad("progress-short", "3.3-1", P, "20 bytes", Frame(PROGRESS, b"\0" * 20))


# One whole job, §20 ------------------------------------------------------------------------------

def whole_job():
    """Frames of both directions in the order of the document: (direction, frame or preamble)."""
    config, tail = b"name: web01\n", b"sluice" + b"\0" * 506
    disk = b"\0" * 65536 + tail
    hello = having(HELLO_BODY, features=["shm", "map", "checkpoint", "grease-5e1c"])
    hello["grease-0b"] = 7
    job = having(JOB_BODY, job="6f9e2a41", format="minimal", streams=[
        {"id": 1, "kind": "config", "name": "web01.conf", "role": "config", "size": len(config)},
        {"id": 2, "kind": "disk", "name": "root.raw", "role": "disk", "size": len(disk),
         "block_size": 512, "allocated": 512}])
    job["grease-c4"] = None
    return [
        ("H", PREAMBLE), ("H", Frame(HELLO, hello)), ("P", PREAMBLE),
        ("P", Frame(HELLO_ACK, {"version": 1, "features": [], "plugin": "minimal",
                                "plugin_version": "1"})),
        ("H", Frame(JOB, job)), ("P", Frame(JOB_ACK, {})),
        ("H", Frame(0xBA3A, b"\xd3\x0c\x55", 9, 0x4000)),
        ("H", Frame(OPEN, {}, 1)), ("H", data(0, len(config), masks=[1], inline=config)),
        ("P", release(4)),
        ("H", close(len(config), 2, tree_digest([config]))),
        ("H", Frame(OPEN, {}, 2)), ("H", zero(0, 65536, 1, stream=2)),
        ("H", data(65536, 512, masks=[1], inline=tail, stream=2)), ("P", release(8)),
        ("H", close(len(disk), 2, tree_digest([disk]), stream=2)),
        ("H", Frame(FINISH, {})),
        ("P", Frame(FINISHED, {"artefacts": [{"name": "web01.conf", "size": len(config)},
                                             {"name": "root.raw", "size": len(disk)}],
                               "stored": len(config) + len(tail)}))]


def job_listing():
    lines, seqs = [], {"H": 0, "P": 0}
    for side, item in whole_job():
        if isinstance(item, bytes):
            part = [hex_lines(item)[0] + " ; preamble"]
        else:
            part = frame_lines(item, seqs[side])
            seqs[side] += 1
        lines += [f"{side} {line}" for line in part]
    return lines


def tree_listing():
    chunks = [b"\0" * MIB, b"\xa5" * MIB, b"hello"]
    lines = [f"SHA-256 of chunk {i}   {hashlib.sha256(c).hexdigest()}" for i, c in enumerate(chunks)]
    return lines + [f"tree digest          {tree_digest(chunks).hex()}",
                    f"of an empty stream   {tree_digest([]).hex()}",
                    f"of `hello` alone     {tree_digest([b'hello']).hex()}"]


def listings():
    """What stands between ```LABEL and ``` in protocol.md."""
    error_frame = error(17, body=compact({"message": "disk full: make room", "errno": "ENOSPC"}))
    return {
        "hex preamble": [hex_lines(PREAMBLE)[0] + " ; \\x89 S L U CR LF ^Z LF"],
        "hex error": frame_lines(error_frame, 9, True),
        "hex data-slot": frame_lines(data(MIB, 131072, 3, [0xFFFF, 0x0001]), 5),
        "hex release": frame_lines(release(5), 9),
        "hex data-inline": frame_lines(data(65536, 6, masks=[1], request=4, inline=b"sluice"), 2),
        "digest zeros": ["SHA-256 of 1 MiB of zeros   " + hashlib.sha256(b"\0" * MIB).hexdigest()],
        "digest tree": tree_listing(),
        "hex job": job_listing(),
    }


def document():
    text = DOCUMENT.read_text()
    for label, lines in listings().items():
        pattern = re.compile(rf"(^```{label}\n).*?(^```$)", re.M | re.S)
        assert len(pattern.findall(text)) == 1, label
        text = pattern.sub(lambda match: match[1] + "\n".join(lines) + "\n" + match[2], text)
    return text


def outputs():
    for build in (framing_vectors, unknown_vectors, json_vectors, job_vectors, ending_vectors,
                  data_vectors, flow_vectors):
        build()
    files = {HERE / "v1" / name: text for name, (text, _) in VECTORS.items()}
    files[DOCUMENT] = document()
    return files


def main(arguments):
    files = outputs()
    if arguments[:1] == ["--corpus"]:
        folder = Path(arguments[1])
        folder.mkdir(parents=True, exist_ok=True)
        for name, (_, body) in VECTORS.items():
            (folder / name).write_bytes(body)
        # The fuzzer's entry takes what begins with a brace for a manifest and a receipt.
        for name, seed in (("manifest", MANIFEST_SEED), ("receipt", RECEIPT_SEED)):
            (folder / name).write_bytes(json.dumps(seed).encode())
        return 0
    stale = [path for path in (HERE / "v1").glob("*") if path not in files]
    stale += [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"out of date: {path.relative_to(HERE.parent.parent)}", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path in files:
            path.write_text(files[path])
        else:
            path.unlink()
    print(f"{len(VECTORS)} vectors, {len(stale)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
