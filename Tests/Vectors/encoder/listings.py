"""The hex and digest listings inside protocol.md."""

import hashlib

from .bodies import *
from .wire import *


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
    lines = [f"digest of chunk {i}    {chunk_digest(c).hex()}" for i, c in enumerate(chunks)]
    return lines + [f"tree digest          {tree_digest(chunks).hex()}",
                    f"of an empty stream   {tree_digest([]).hex()}",
                    f"of `hello` alone     {tree_digest([b'hello']).hex()}"]


def increment_listing():
    part = hashlib.sha256(b"\xa5" * LEAF).digest()
    chunks = [[UNCHANGED] * 32, [part] * 2 + [UNCHANGED] * 2 + [part] * 28, [UNCHANGED] * 2]
    digests = [hashlib.sha256(b"".join(leaves)).digest() for leaves in chunks]
    return [f"chunk 0, unchanged   {digests[0].hex()}",
            f"digest of chunk 1    {digests[1].hex()}",
            f"chunk 2, unchanged   {digests[2].hex()}",
            f"increment digest     {hashlib.sha256(b''.join(digests)).hexdigest()}"]


def listings():
    """What stands between ```LABEL and ``` in protocol.md."""
    error_frame = error(17, body=compact({"message": "disk full: make room", "errno": "ENOSPC"}))
    return {
        "hex preamble": [hex_lines(PREAMBLE)[0] + " ; \\x89 S L U CR LF ^Z LF"],
        "hex error": frame_lines(error_frame, 9, True),
        "hex data-slot": frame_lines(data(MIB, 131072, 3, [0xFFFF, 0x0001]), 5),
        "hex release": frame_lines(release(5), 9),
        "hex data-inline": frame_lines(data(65536, 6, masks=[1], request=4, inline=b"sluice"), 2),
        "digest zeros": [
            f"SHA-256 of 32 KiB of zeros       {hashlib.sha256(bytes(LEAF)).hexdigest()}",
            f"digest of a chunk of zeros       {chunk_digest(bytes(MIB)).hex()}"],
        "digest tree": tree_listing(),
        "digest increment": increment_listing(),
        "hex job": job_listing(),
    }
