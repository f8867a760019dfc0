"""Control payloads, manifest and receipt that vectors start from."""

HELLO_BODY = {
    "versions": [1], "features": ["shm", "map", "checkpoint"],
    "limits": {"max_frame": 1114112, "window": 16777216, "inflight": 64},
    "pool": {"slots": 16, "slot_size": 1048576},
    "host": {"name": "sluice", "version": "1.0.0"}}
HELLO_ACK_BODY = {"version": 1, "features": ["shm"], "plugin": "raw", "plugin_version": "1.0.0"}
DISK = {"id": 1, "kind": "disk", "name": "d0", "role": "disk", "size": 65536, "block_size": 512}
JOB_BODY = {"mode": "write", "job": "j1", "format": "raw",
            "output": {"fd": 6, "kind": "directory"}, "options": {}, "streams": [DISK]}

PARENT = {"job": "j0", "instant": "2026-01-30T20:00:00Z", "location": "../mon",
          "streams": {"d0": {"size": 65536, "digest": {"alg": "tree-sha256-32k",
                                                       "value": "00" * 32}}}}

MACHINE = {
    "name": "db1", "uuid": "3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10", "architecture": "x86_64",
    "board": "q35", "system": "linux",
    "processors": {"count": 4, "sockets": 1, "cores": 2, "threads": 2, "model": "host"},
    "memory": 4294967296, "firmware": {"kind": "efi", "secure_boot": True},
    "controllers": [{"bus": "scsi", "index": 0, "model": "virtio-scsi"}],
    "disks": [{"name": "scsi0", "stream": "drive-scsi0", "bus": "scsi", "controller": 0, "slot": 0,
               "boot_order": 1},
              {"name": "ide2", "bus": "ide", "controller": 1, "slot": 0, "media": "cdrom"}],
    "nics": [{"model": "virtio", "mac": "52:54:00:12:34:56", "network": "vmbr0"}]}


MANIFEST_SEED = {
    "manifest": 1, "name": "raw", "version": "1.0.0", "vendor": "Sluice", "license": "Apache-2.0",
    "executable": "sluice-writer-raw", "protocol": [1], "needs": ["map", "size", "seek", "scratch"],
    "threads": 2, "memory": 1048576, "min_slots": 4, "profile": "python", "require": ["min_host"],
    "interpreter": "/usr/bin/python3", "min_host": "0.1.0",
    "formats": [{"name": "raw", "help": "h", "extensions": [".raw"], "receipt": "manifest.json",
                 "magic": [{"offset": 4, "hex": "00ff"}], "modes": ["write", "read", "verify"],
                 "output": ["file", "pipe", "directory"], "incremental": True,
                 "options": [{"name": "a", "type": "bool", "default": True, "help": "h"},
                             {"name": "b", "type": "integer", "min": 1, "max": 9, "default": 3},
                             {"name": "c", "type": "choice", "choices": ["x", "y"]},
                             {"name": "d", "type": "string"}]}]}
RECEIPT_SEED = {
    "sluice_receipt": 1, "job": "j1", "format": "raw", "instant": "2026-01-31T20:00:00Z",
    "vm": {"id": "101", "name": "db1", "uuid": ""}, "tools": ["sluice 1.0.0"],
    "level": "incremental", "parent": PARENT,
    "streams": [{"name": "d0", "kind": "disk", "role": "disk", "size": 5, "incremental": True,
                 "method": "bitmap", "reason": "r",
                 "digest": {"alg": "increment-tree-sha256-32k", "value": "00" * 32}},
                {"name": "c", "kind": "config", "role": "config", "size": 0,
                 "digest": {"alg": "sha256", "value": "ff" * 32}}]}
