"""The memory of a command and of everything it starts."""

import os
import subprocess
import time


def descendants(pid):
    found = [pid]
    for entry in found:
        try:
            for task in os.listdir(f"/proc/{entry}/task"):
                with open(f"/proc/{entry}/task/{task}/children") as file:
                    found += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def proportional_memory(pid):
    """(PSS in bytes, is it QEMU) of a process."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        pss = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return pss << 10, b"qemu-storage-daemon" in file.read()


def peak_memory(command):
    """Runs a command of sluice. The largest PSS of coordinator, launchers and plugins (memory that
    they share counts once), and that of QEMU beside it, in bytes."""
    ours, qemus = 0, 0
    process = subprocess.Popen(command)
    while process.poll() is None:
        mine, qemu = 0, 0
        for pid in descendants(process.pid):
            try:
                pss, is_qemu = proportional_memory(pid)
            except (FileNotFoundError, ProcessLookupError, StopIteration, PermissionError):
                continue
            mine, qemu = (mine, qemu + pss) if is_qemu else (mine + pss, qemu)
        ours, qemus = max(ours, mine), max(qemus, qemu)
        time.sleep(0.02)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return ours, qemus
