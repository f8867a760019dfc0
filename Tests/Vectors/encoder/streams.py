"""Vectors of stream data, flow control and reports."""

from .bodies import *
from .vector import bad, vector
from .wire import *


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
    vector("close-increment", "10.1-2", H, "of an increment", close(0, 3, sha))
    bad("close-algorithm-unknown", "10.1-1", H, "algorithm 4", close(0, 4, sha))
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
    bad("read-whole-from-middle", "4.10-1", H, "2^64-1 bytes from 65536",
        read(65536, (1 << 64) - 1))
    bad("read-over", "4.10-1", H, "ends at 2^53", read(0, 1 << 53))
    bad("read-short", "3.3-1", H, "8 bytes", Frame(READ, b"\0" * 8, 1))
    vector("read-done", "4.10-2", P, "READ 4 is answered", read_done(4))
    vector("read-done-failed", "7.2-4", P, "E_CORRUPT", read_done(4, 21))
    bad("read-done-short", "3.3-1", P, "4 bytes", Frame(READ_DONE, b"\0" * 4, 1))
    bad("read-done-long", "3.2-1", P, "12 bytes", Frame(READ_DONE, b"\0" * 12, 1), "E_LIMIT")
    vector("damaged", "4.15-1", P, "a cluster that READ 4 asked for", damaged(65536, 65536))
    vector("damaged-tail", "4.15-1", P, "one byte at the end of a stream", damaged(65536, 1))
    vector("damaged-silent", "4.15-1", P, "no reason", damaged(0, 65536, text=b""))
    vector("damaged-not-utf8", "4.15-3", P, "shown with a replacement character", damaged(
        0, 65536, text=b"\xff"), canonical=False)
    vector("damaged-largest", "16-1", P, "2^53-1 bytes, for 8192 bytes of reasons", damaged(
        0, SIZE_MAX, text=b"d" * 8192))
    bad("damaged-text-over", "3.2-1", P, "8193 bytes of reasons", damaged(
        0, 65536, text=b"d" * 8193), "E_LIMIT")
    bad("damaged-over", "4.15-1", P, "ends at 2^53", damaged(0, SIZE_MAX + 1))
    bad("damaged-overflow", "4.15-1", P, "offset + length wraps around", damaged(
        65536, (1 << 64) - 65536))
    bad("damaged-length-zero", "4.15-1", P, "no bytes", damaged(0, 0))
    bad("damaged-offset-odd", "4.15-1", P, "begins in a cluster", damaged(512, 65536))
    bad("damaged-reserved", "1.2-2", P, "reserved is 1", damaged(0, 65536, reserved=1))
    bad("damaged-short", "3.3-1", P, "20 bytes", Frame(DAMAGED, b"\0" * 20, 1))
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
