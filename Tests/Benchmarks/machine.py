"""A running QEMU with the small guest of the live tests, for benchmarks.

The guest writes records of 4 KiB in turn to two disks, each with fdatasync, and keeps the time of
each (Tests/Support/guest/writer.c).
"""

import json
import os
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.realpath(HERE + "/../../.build") + "/guest"


class QMP:
    """One connection to a monitor; asks one thing at a time and keeps what happens meanwhile."""

    def __init__(self, path):
        self.events = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self._next()
        self("qmp_capabilities")

    def _next(self):
        line = self.lines.readline()
        if not line:
            raise RuntimeError("QEMU has ended")
        return json.loads(line)

    def __call__(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self._next()
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self.events.append(answer)

    def wait(self, is_it):
        """Waits for an event, and forgets those before it."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if is_it(event):
                    return event
            self.events.append(self._next())

    def wait_for_jobs(self, ids):
        """Waits until these jobs have concluded well, and dismisses them."""
        left = set(ids)
        while left:
            left.discard(self.wait(
                lambda e: e["event"] == "JOB_STATUS_CHANGE" and e["data"]["id"] in left
                and e["data"]["status"] == "concluded")["data"]["id"])
        for job in self("query-jobs"):
            if job["id"] in ids:
                if "error" in job:
                    raise RuntimeError(f"{job['id']}: {job['error']}")
                self("job-dismiss", id=job["id"])


class Machine:
    """The guest, with raw disks `disk0` and `disk1` on the nodes `node0` and `node1`."""

    def __init__(self, work, disks, emulator="qemu-system-x86_64", iothreads=False,
                 memory=256, words="mode=raw", more=()):
        subprocess.run([HERE + "/../Support/guest/build-guest", GUEST], check=True)
        self.qmp_path = f"{work}/qmp"
        self.log_path = f"{work}/serial"
        arguments = [
            emulator, "-L", "/usr/share/qemu", "-name", "benchmark", "-machine", "q35",
            "-accel", "tcg", "-m", str(memory), "-display", "none",
            "-nodefaults", "-no-user-config", "-kernel", GUEST + "/vmlinuz",
            "-initrd", GUEST + "/initrd",
            "-append", f"console=ttyS0 quiet panic=-1 no_timer_check {words}",
            "-name", "benchmark,debug-threads=on",
            "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
            "-qmp", f"unix:{work}/control,server=on,wait=off", *more]
        for number, disk in enumerate(disks):
            thread = f",iothread=io{number}" if iothreads else ""
            if iothreads:
                arguments += ["-object", f"iothread,id=io{number}"]
            arguments += [
                "-blockdev", f"driver=raw,node-name=node{number},file.driver=file,"
                f"file.filename={disk}",
                "-device", f"virtio-blk-pci,drive=node{number},id=disk{number},"
                f"werror=stop{thread}"]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=open(self.log_path, "w"),
            stderr=open(f"{work}/qemu.log", "w"))
        self.control = self._connect(f"{work}/control")
        self._wait("record ", 120)

    def _connect(self, path):
        for _ in range(200):
            if os.path.exists(path):
                break
            time.sleep(0.05)
        return QMP(path)

    def _log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def _wait(self, word, seconds, start=0):
        deadline = time.monotonic() + seconds
        while True:
            log = self._log()[start:]
            lines = [line for line in log.splitlines() if line.startswith(word)]
            if lines:
                return log
            if time.monotonic() > deadline:
                raise RuntimeError(f"the guest never said {word!r}:\n{self._log()}")
            time.sleep(0.01)

    def say(self, command):
        """Runs a command of the guest's serial line; the line of its answer."""
        start = len(self._log())
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        answer = self._wait("= ok", 60, start)
        return "\n".join(l[2:] for l in answer.splitlines() if l.startswith("= "))

    def latency(self):
        """Milliseconds of the writes since `reset`: count, p50, p99, max."""
        words = dict(word.split("=") for word in self.say("latency").split() if "=" in word)
        return {key: float(words[key]) for key in ("count", "p50", "p99", "max")}

    def require_no_errors(self):
        if "errors=0" not in self.say("status"):
            raise RuntimeError("the guest saw an I/O error:\n" + self._log())

    def cpu(self):
        """CPU seconds of QEMU so far, without its virtual processor: that is the guest's own."""
        process = f"/proc/{self.process.pid}"
        ticks = self._ticks(f"{process}/stat")
        for task in os.listdir(f"{process}/task"):
            with open(f"{process}/task/{task}/comm") as file:
                if file.read().startswith("CPU 0/TCG"):
                    ticks -= self._ticks(f"{process}/task/{task}/stat")
        return ticks / os.sysconf("SC_CLK_TCK")

    def _ticks(self, path):
        with open(path) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def push(self, targets):
        """QEMU's own backup: `blockdev-backup sync=full` of disk N to the node that the options
        `targets[N]` make; waits for its end."""
        control = self.control
        for number, options in targets.items():
            control("blockdev-add", **options, **{"node-name": f"target{number}"})
        control("transaction", actions=[
            {"type": "blockdev-backup", "data": {
                "job-id": f"push{number}", "device": f"node{number}", "target": f"target{number}",
                "sync": "full", "auto-dismiss": False}} for number in targets])
        control.wait_for_jobs([f"push{number}" for number in targets])
        for number in targets:
            control("blockdev-del", **{"node-name": f"target{number}"})

    def end(self):
        self.process.kill()
        self.process.wait()
