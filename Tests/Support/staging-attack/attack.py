#!/usr/bin/env python3
"""Tries to get at files of a backup, as the first user of a rootless container would.

attack.py DIRECTORY ID

Started by root, which gives it a user namespace as newuidmap(1) does; in it, it is the host's user
ID. Until it is ended, it opens whatever it can for reading and writing: what lies in DIRECTORY, and
what processes have open. Prints a line "opened PATH" for each; keeps the descriptors, and writes to
them when it is told to end by a line on standard input.
"""

import ctypes
import os
import select
import sys
import time

CLONE_NEWUSER = 0x10000000


def become(identity):
    """Goes into a user namespace of an ordinary user's, whose id 1 is the host's `identity`."""
    ready, told = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os.setgroups([])
        os.setresgid(1000, 1000, 1000)
        os.setresuid(1000, 1000, 1000)
        if libc.prctl(4, 1, 0, 0, 0) != 0 or libc.unshare(CLONE_NEWUSER) != 0:
            sys.exit("no user namespace")
        os.write(ready[1], b"x")
        os.read(told[0], 1)
        os.setresgid(1, 1, 1)
        os.setresuid(1, 1, 1)
        return
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/{child}/{name}", "w") as file:
            file.write(f"0 1000 1\n1 {identity} 1\n")
    os.write(told[1], b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def places(directory):
    """Paths that may lead to files of a job."""
    for path, _, names in os.walk(directory):
        yield path
        for name in names:
            yield os.path.join(path, name)
    for process in filter(str.isdigit, os.listdir("/proc")):
        if int(process) == os.getpid():
            continue
        try:
            numbers = os.listdir(f"/proc/{process}/fd")
        except OSError:
            continue
        for number in numbers:
            yield f"/proc/{process}/fd/{number}"


def main():
    directory, identity = sys.argv[1], int(sys.argv[2])
    become(identity)
    opened = {}
    print("started", flush=True)
    while not select.select([0], [], [], 0.001)[0]:
        for path in places(directory):
            try:
                file = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            except OSError:
                continue
            identity = os.fstat(file)
            key = (identity.st_dev, identity.st_ino)
            if key in opened:
                os.close(file)
                continue
            opened[key] = file
            print("opened", path, flush=True)
    for file in opened.values():
        try:
            os.pwrite(file, b"forged", 0)
            print("wrote", file, flush=True)
        except OSError:
            pass


main()
