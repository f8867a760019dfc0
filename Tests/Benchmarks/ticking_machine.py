"""A machine with a ring of pages in its RAM and a clock that ticks on its second serial line.

The guest sends a byte every millisecond (Tests/Support/guest/ticks.h). Its own clocks stand still
while QEMU has stopped it; the arrivals of its ticks are timed here, by a clock that goes on.
"""

import socket
import threading
import time

from machine import Machine


class TickingMachine(Machine):
    """`memory` MiB, of which three fifths are the ring."""

    def __init__(self, work, disks, emulator, memory):
        super().__init__(
            work, disks, emulator, memory=memory, words=f"mode=raw ticks ram={memory * 3 // 5}",
            more=["-chardev", f"socket,id=ticks,path={work}/ticks,server=on,wait=off",
                  "-serial", "chardev:ticks"])
        self.gaps = []
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(f"{work}/ticks")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        last = time.monotonic()
        while True:
            try:
                if not self.line.recv(4096):
                    return
            except OSError:
                return
            now = time.monotonic()
            self.gaps.append((last, now))
            last = now

    def watch(self, work):
        """Does something; milliseconds of the longest gap meanwhile: between ticks as they came
        here, and between ticks by the guest's own clock."""
        self.say("reset")
        start = time.monotonic()
        work()
        time.sleep(0.2)
        longest = max((end - begin for begin, end in self.gaps if end > start), default=0)
        words = dict(word.split("=") for word in self.say("pause").split() if "=" in word)
        return longest * 1000, float(words["longest"]) / 1000

    def require_right_ram(self):
        self.require_no_errors()
        if "ram ok" not in self.say("verify-ram"):
            raise RuntimeError("the guest's RAM is not what it was:\n" + self._log())

    def resume(self):
        """QEMU refuses as long as it tidies up behind a migration."""
        for _ in range(200):
            try:
                return self.control("cont")
            except RuntimeError:
                time.sleep(0.01)
        return self.control("cont")
