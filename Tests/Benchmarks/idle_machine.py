"""A QEMU without an operating system in it: a disk that changes only where a benchmark says so.

Beside it are the two ways in which other programs back up what a dirty bitmap records: QEMU pushes
into an image (as qmpbackup has it do), or a client pulls over NBD (as clients of libvirt do).
"""

import os
import subprocess
import sys
import time

from machine import HERE, QMP
from measuring import run, sync

NODE = "node0"
PIECE = 64 << 10
#: Each of the peers has a bitmap of its own, so that both find what we find.
BITMAPS = {"push": "peer-push", "pull": "peer-pull"}


class IdleMachine:
    """A raw image on the node `node0`, as the disk `disk0` of a machine that never runs."""

    def __init__(self, work, disk, emulator="qemu-system-x86_64"):
        self.work, self.disk = work, disk
        self.size = os.path.getsize(disk)
        self.qmp_path = f"{work}/qmp"
        self.process = subprocess.Popen(
            [emulator, "-L", "/usr/share/qemu", "-name", "benchmark", "-S", "-machine", "q35",
             "-accel", "tcg", "-m", "32", "-display", "none", "-nodefaults", "-no-user-config",
             "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
             "-qmp", f"unix:{work}/control,server=on,wait=off",
             "-blockdev", f"driver=raw,node-name={NODE},file.driver=file,file.filename={disk}",
             "-device", f"virtio-blk-pci,drive={NODE},id=disk0"],
            stdin=subprocess.DEVNULL, stdout=open(f"{work}/qemu.log", "w"),
            stderr=subprocess.STDOUT)
        while not os.path.exists(f"{work}/control"):
            if self.process.poll() is not None:
                raise RuntimeError("QEMU did not start: see qemu.log")
            time.sleep(0.01)
        self.control = QMP(f"{work}/control")

    def cpu(self):
        """CPU seconds of QEMU so far. The kernel numbers the clock of a process like this."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def dirty(self, places, pattern):
        """Writes 64 KiB at each place through the disk's device, as a guest would, and syncs."""
        for place in places:
            self.control("human-monitor-command", **{
                "command-line": "qemu-io -d /machine/peripheral/disk0/virtio-backend "
                                f'"write -P {pattern} {place} {PIECE}"'})
        # qemu-io tells the standard output what went wrong, and nobody else.
        if self.dirty_bytes() < len(places) * PIECE:
            raise RuntimeError(f"qemu-io failed: see {self.work}/qemu.log")
        sync(self.disk)

    def begin_bitmaps(self):
        for name in BITMAPS.values():
            self.control("block-dirty-bitmap-add", node=NODE, name=name)

    def dirty_bytes(self):
        """What the bitmap of the pushes records; without it, what any other does."""
        node = next(node for node in self.control("query-named-block-nodes", flat=True)
                    if node["node-name"] == NODE)
        counts = {each["name"]: each["count"] for each in node.get("dirty-bitmaps", [])}
        return counts.get(BITMAPS["push"], max(counts.values(), default=0))

    def push(self, path):
        """`blockdev-backup` of what its bitmap records into a new qcow2 image."""
        self._add_image("target", path)
        self.control("transaction", actions=[{"type": "blockdev-backup", "data": {
            "job-id": "push", "device": NODE, "target": "target", "sync": "bitmap",
            "bitmap": BITMAPS["push"], "bitmap-mode": "on-success", "auto-dismiss": False}}])
        self.control.wait_for_jobs(["push"])
        self.control("blockdev-del", **{"node-name": "target"})
        sync(path)

    def pull(self, path):
        """An NBD client reads what its bitmap records, out of a fleecing image."""
        scratch, server = f"{self.work}/scratch", f"{self.work}/nbd"
        self._add_image("scratch", scratch, backing=NODE)
        bitmap = {"node": NODE, "name": "peer-frozen"}
        self.control("transaction", actions=[
            {"type": "blockdev-backup", "data": {
                "job-id": "pull", "device": NODE, "target": "scratch", "sync": "none"}},
            {"type": "block-dirty-bitmap-add", "data": {**bitmap, "disabled": True}},
            {"type": "block-dirty-bitmap-merge", "data": {
                "node": NODE, "target": bitmap["name"], "bitmaps": [BITMAPS["pull"]]}},
            {"type": "block-dirty-bitmap-clear", "data": {"node": NODE, "name": BITMAPS["pull"]}}])
        self.control("nbd-server-start", addr={"type": "unix", "data": {"path": server}})
        self.control("block-export-add", type="nbd", id="e", name="d", bitmaps=[bitmap],
                     **{"node-name": "scratch"})
        run([*reader(), server, "d", bitmap["name"], path])
        self.control("nbd-server-stop")
        self.control("job-cancel", id="pull")
        self.control.wait(
            lambda e: e["event"] == "JOB_STATUS_CHANGE" and e["data"]["status"] == "null")
        self.control("block-dirty-bitmap-remove", **bitmap)
        self.control("blockdev-del", **{"node-name": "scratch"})
        os.unlink(scratch)

    def _add_image(self, node, path, **more):
        run(["qemu-img", "create", "-q", "-f", "qcow2", path, str(self.size)])
        self.control("blockdev-add", driver="qcow2", file={"driver": "file", "filename": path},
                     **{"node-name": node}, **more)

    def end(self):
        self.process.kill()
        self.process.wait()


def reader():
    """The command of the libnbd client; `None` without Python's module `nbd`.

    Distributions install it for their own Python only.
    """
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import nbd"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return [python, f"{HERE}/dirty-reader"]
    return None
