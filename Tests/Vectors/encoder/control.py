"""Vectors of control payloads and of how a session ends."""

from .bodies import *
from .vector import bad, vector
from .wire import *


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
    hello("json-overlong-utf8", "1.3-2", "an overlong slash",
          text.replace(b"sluice", b"\xc0\xafxxxx"))
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
            ("inflight-under", {"max_frame": 1114112, "window": 262144, "inflight": 7},
             "E_PROTOCOL"),
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
        instant="2026-01-31T20:00:00Z", machine=MACHINE, require=["vm", "machine", "streams"],
        streams=[having(DISK, allocated=4096, incremental=False),
                 {"id": 2, "kind": "config", "name": "101.conf", "role": "proxmox-conf",
                  "size": 812},
                 {"id": 1024, "kind": "vmstate", "name": "vmstate", "size": None}])
    job("job-vmstate", "6.1-3", "the state of a machine, of an odd size", "ok",
        streams=[DISK, {"id": 2, "kind": "vmstate", "name": "vmstate", "size": 300077}])
    job("job-read", "4.3-1", "an archive is to be read", "ok", mode="read", streams=...)
    job("job-verify", "4.3-1", "and here to be checked; from a file", "ok", mode="verify",
        streams=..., output={"fd": 6, "kind": "file"})
    job("job-scratch", "2.1-6", "a file for what does not fit into memory", "ok", mode="read",
        streams=..., output={"fd": 6, "kind": "pipe"}, scratch={"fd": 8})
    job("job-salvage", "4.3-6", "what a damaged archive still holds is wanted", "ok", mode="read",
        streams=..., salvage=True)
    job("job-salvage-write", "4.3-6", "and what is written is not damaged", salvage=True)
    job("job-salvage-verify", "4.3-6", "nor is damage overlooked", mode="verify", streams=...,
        salvage=True)
    job("job-salvage-word", "1.3-5", "a word is no truth value", mode="read", streams=...,
        salvage="yes")
    for name, scratch in [("low", {"fd": 7}), ("high", {"fd": 16}), ("none", {}), ("list", [8])]:
        job(f"job-scratch-{name}", "1.3-5", "a scratch file is one of the channels 8 to 15",
            mode="read", streams=..., scratch=scratch)
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
            ("max", "n" * 255, "ok"), ("over", "n" * 256, "E_PROTOCOL"),
            ("empty", "", "E_PROTOCOL"),
            ("slash", "a/b", "E_PROTOCOL"), ("dot", ".hidden", "E_PROTOCOL"),
            ("dot-accent", ".\u0301x", "E_PROTOCOL"), ("dots", "..", "E_PROTOCOL"),
            ("escape", "a\u001b[2J", "E_PROTOCOL"), ("delete", "a\u007f", "E_PROTOCOL"),
            ("c1", "a\u009b2J", "E_PROTOCOL"), ("utf8", "диск-0 日本", "ok")]:
        streams(f"job-name-{name}", "1.4-1", "names reach files and terminals", {"name": text},
                expect=expect)
    vector("job-ack-write", "4.3-2", P, "nothing to say", Frame(JOB_ACK, {}))
    digest = {"alg": "tree-sha256-32k", "value": tree_digest([b"\0" * 65536]).hex()}
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


def parent_vectors():
    digest = {"alg": "tree-sha256-32k", "value": "00" * 32}
    known = PARENT["streams"]["d0"]

    def job(label, covers, comment, expect="E_PROTOCOL", parent=PARENT, level="incremental",
            incremental=True, canonical=True, **members):
        body = having(JOB_BODY, level=level, streams=[
            having(DISK, incremental=incremental, **members)])
        if parent is not ...:
            body["parent"] = parent
        vector(f"job-{label}", covers, TO_PLUGIN, comment, Frame(JOB, body), expect,
               canonical=canonical)

    job("increment", "6.4-1", "what has changed since another backup", "ok")
    job("increment-how", "4.3-1", "and how that was found out", "ok", method="bitmap",
        reason="the bitmap of j0")
    job("increment-method-unknown", "1.3-5", "by no method there is", method="guess")
    job("differential", "6.4-1", "since the newest full one", "ok", level="differential")
    job("increment-not-of-all", "6.4-1", "a disk that the parent does not have", "ok",
        incremental=False, name="d1")
    job("increment-level-unknown", "1.3-5", "a level that does not exist", level="partial")
    job("increment-full", "6.4-1", "a full backup has no parent", level="full", incremental=False)
    job("increment-no-parent", "6.4-1", "every other has one", parent=...)
    job("increment-of-another", "6.4-1", "the parent has no such disk", name="d1")
    job("increment-config", "6.4-1", "a configuration is whole", kind="config")
    for name, members, expect in [
            ("no-location", {"location": ...}, "ok"),
            ("location-absolute", {"location": "/mon"}, "E_PROTOCOL"),
            ("location-empty", {"location": ""}, "E_PROTOCOL"),
            ("location-escape", {"location": "../\u001b[2J"}, "E_PROTOCOL"),
            ("location-max", {"location": "m" * 4096}, "ok"),
            ("instant-none", {"instant": "2026-02-30T20:00:00Z"}, "E_PROTOCOL"),
            ("no-digest", {"streams": {"d0": having(known, digest=...)}}, "E_PROTOCOL"),
            ("name-slash", {"streams": {"d0": known, "a/b": known}}, "E_PROTOCOL")]:
        job(f"increment-{name}", "6.4-1", "what it must say of the parent", expect,
            parent=having(PARENT, **members))
    for name in ["job", "instant", "streams"]:
        job(f"increment-no-{name}", "1.3-5", "a member that is always there",
            parent=having(PARENT, **{name: ...}))
    job("increment-location-over", "1.3-5", "strings have 4096 bytes at most",
        parent=having(PARENT, location="m" * 4097))
    increment = having(digest, alg="increment-tree-sha256-32k")
    for name, members, expect in [
            ("increment", {"incremental": True, "digest": increment}, "ok"),
            ("increment-whole", {"incremental": True, "digest": digest}, "E_PROTOCOL"),
            ("whole-increment", {"digest": increment}, "E_PROTOCOL")]:
        vector(f"job-ack-{name}", "10.1-2", TO_HOST, "digests of increments are their own", Frame(
            JOB_ACK, {"streams": [having(DISK, **members)]}), expect)


def machine_vectors():
    def machine(name, comment, body, expect="E_PROTOCOL"):
        vector(f"job-machine-{name}", "4.3-5", TO_PLUGIN, comment, Frame(
            JOB, having(JOB_BODY, machine=body)), expect)

    def disk(name, comment, expect="E_PROTOCOL", **members):
        machine(name, comment, {"disks": [{"bus": "scsi", **members}]}, expect)

    machine("document", "as the document shows it", MACHINE, "ok")
    machine("empty", "nothing is known", {}, "ok")
    machine("unknown", "members of later times", {"gpus": [{"memory": 1}], "memory": None}, "ok")
    machine("list", "a list", [])
    machine("name-escape", "texts reach terminals", {"name": "a\u001b[2J"})
    machine("name-max", "255 bytes", {"name": "n" * 255}, "ok")
    machine("name-over", "256 bytes", {"name": "n" * 256})
    machine("uuid-upper", "digits are in lower case", {"uuid": MACHINE["uuid"].upper()})
    machine("memory-min", "1 MiB", {"memory": 1 << 20}, "ok")
    machine("memory-under", "one byte less", {"memory": (1 << 20) - 1})
    machine("memory-max", "2^53-1 bytes", {"memory": SIZE_MAX}, "ok")
    machine("memory-over", "2^53 bytes", {"memory": SIZE_MAX + 1})
    machine("processors-none", "a count is needed", {"processors": {"cores": 2}})
    machine("processors-zero", "no processor", {"processors": {"count": 0}})
    machine("processors-max", "8192", {"processors": {"count": 8192}}, "ok")
    machine("processors-over", "8193", {"processors": {"count": 8193}})
    machine("firmware-unknown", "another kind", {"firmware": {"kind": "coreboot"}})
    machine("controllers-max", "64", {"controllers": [{"bus": "sata"}] * 64}, "ok")
    machine("controllers-over", "65", {"controllers": [{"bus": "sata"}] * 65})
    machine("disks-max", "256", {"disks": [{"bus": "virtio"}] * 256}, "ok")
    machine("disks-over", "257", {"disks": [{"bus": "virtio"}] * 257})
    disk("bus-new", "a bus of later times", "ok", bus="cxl-9")
    disk("bus-upper", "names of buses are in lower case", bus="SCSI")
    disk("bus-none", "a bus is needed", bus=None)
    disk("slot-max", "65535", "ok", slot=65535)
    disk("slot-over", "65536", slot=65536)
    disk("slot-negative", "-1", slot=-1)
    disk("media-unknown", "a tape", media="tape")
    disk("boot-order-zero", "turns are counted from 1", boot_order=0)
    machine("mac-dashes", "colons", {"nics": [{"mac": "52-54-00-12-34-56"}]})
    machine("mac-upper", "digits are in lower case", {"nics": [{"mac": "52:54:00:12:34:AB"}]})
    machine("nics-over", "65", {"nics": [{}] * 65})
    machine("large", "disks with long names, more than 65536 bytes of them", {
        "disks": [{"name": "n" * 250, "bus": "scsi"}] * 256})
    vector("job-ack-machine", "4.3-2", TO_HOST, "an archive that tells of the machine", Frame(
        JOB_ACK, {"streams": [DISK], "job": {"machine": MACHINE}}))
    bad("job-ack-machine-bus", "4.3-5", TO_HOST, "and tells nonsense", Frame(
        JOB_ACK, {"streams": [DISK], "job": {"machine": {"disks": [{"bus": "a/b"}]}}}))


def ending_vectors():
    H, P = TO_PLUGIN, TO_HOST
    vector("finish", "6.3-1", H, "all is sent", Frame(FINISH, {}))
    vector("finished", "4.4-1", P, "two files", Frame(FINISHED, {
        "artefacts": [{"name": "d.raw", "size": 65536}, {"name": "c.conf", "size": 0}],
        "stored": 65536}))
    vector("finished-empty", "7.4-1", P, "read mode makes nothing", Frame(FINISHED, {}))
    vector("finished-proven", "4.4-3", P, "the archive's own digests were right", Frame(FINISHED, {
        "proven": True}))
    bad("finished-proven-word", "1.3-5", P, "a word in place of true", Frame(FINISHED, {
        "proven": "yes"}))
    for name, artefact in [("parent", {"name": "../x", "size": 1}), ("size", {"name": "x"}),
                           ("escape", {"name": "\u001b]0;x", "size": 1})]:
        bad(f"finished-artefact-{name}", "1.4-1", P, "names are checked", Frame(
            FINISHED, {"artefacts": [artefact]}))
    bad("finished-artefact-twice", "1.4-2", P, "one name twice", Frame(
        FINISHED, {"artefacts": [{"name": "x", "size": 1}] * 2}))
    bad("finished-stored", "4.4-4", P, "more than any file system takes for it", Frame(FINISHED, {
        "artefacts": [{"name": "x", "size": 1}], "stored": 2 * 1048576}))
    vector("finished-archive", "4.4-1", P, "a file or a pipe", Frame(FINISHED, {
        "artefacts": [{"name": "archive", "size": 65536}], "stored": 65536}))
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
