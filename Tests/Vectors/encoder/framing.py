"""Vectors of preamble, headers and unknown types."""

from .bodies import *
from .vector import bad, vector
from .wire import *


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
                        ("extents", extents((0, 65536, 0), stream=0)),
                        ("damaged", damaged(0, 65536, stream=0))]:
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
    bad("unknown-after-last", "3.4-2", H, "0x001C is the first one not assigned", Frame(
        0x001C, b""), "E_UNKNOWN_FRAME")
    bad("unknown-critical-max", "3.4-2", H, "0x7FFF", Frame(0x7FFF), "E_UNKNOWN_FRAME")
