"""Increments of a running QEMU, by dirty bitmap, beside QEMU's own and those of an NBD client."""

import os
import random
import statistics

from idle_machine import PIECE, IdleMachine, reader
from measuring import MIB, Measurement, clean, compare, make_stretches, orders, run, tell

#: A chain may have 64 archives.
CHAIN_MAX = 60


class LiveChain:
    """A machine with one disk, and a chain of archives of it in the format qcow2."""

    def __init__(self, options, work, data_mib):
        os.makedirs(work)
        self.options, self.work = options, work
        self.archives, self.number = [], 0
        self.random = random.Random(data_mib)
        self.disk = f"{work}/disk.raw"
        self.stretches = make_stretches(self.disk, options.gib << 10, data_mib)
        self.machine = IdleMachine(work, self.disk, options.emulator)
        self.machine.begin_bitmaps()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machine.end()
        clean(self.work)

    def begin(self):
        """A full backup, the first archive of a chain; without the chain before."""
        for archive in self.archives:
            clean(archive)
        self.archives = []
        self._backup("--level", "full")

    def dirty(self, mib):
        """Changes so much, in pieces of 64 KiB all over the data. Where a new chain is needed, it
        begins before."""
        if not self.archives or len(self.archives) >= CHAIN_MAX:
            self.begin()
        pieces = [start + place for start, length in self.stretches
                  for place in range(0, length, PIECE)]
        chosen = self.random.sample(pieces, min(mib * MIB // PIECE, len(pieces)))
        self.machine.dirty(sorted(chosen), self.number % 255 + 1)

    def increment(self):
        self._backup("--level", "incremental", "--parent", self.archives[-1])

    def _backup(self, *extra):
        self.number += 1
        archive = f"{self.work}/{self.number}"
        run([self.options.sluice, "backup", "--quiet", "--qmp", self.machine.qmp_path,
             "--to", f"qcow2={archive}", *extra])
        self.archives.append(archive)

    def measure(self, task):
        """Seconds of wall and CPU, QEMU's own included."""
        before = self.machine.cpu()
        with Measurement() as measured:
            task()
        measured.cpu += self.machine.cpu() - before
        return measured


def by_bitmap(options, work):
    """Part 1: what has changed, beside dd of as many bytes and beside the peers."""
    out, data = f"{work}/out", f"{work}/data"
    with open(data, "wb") as file:
        for _ in range(options.dirty_mib):
            file.write(os.urandom(MIB))
    with LiveChain(options, f"{work}/live", options.data_mib) as chain:
        contenders = {
            "sluice": chain.increment,
            "dd": lambda: run(["dd", f"if={data}", f"of={out}", "bs=1M", "oflag=direct",
                               "conv=fsync"]),
            "push": lambda: chain.machine.push(out),
        }
        if reader():
            contenders["pull"] = lambda: chain.machine.pull(out)
        else:
            print("     pull: skipped: Python's module nbd is missing (python3-libnbd)")
        results = {name: [] for name in contenders}
        for _, order in orders(contenders, options.rounds):
            chain.dirty(options.dirty_mib)
            for name in order:
                results[name].append(chain.measure(contenders[name]))
                clean(out)
    tell(results, options.dirty_mib * MIB)
    wall = {name: [r.wall for r in runs] for name, runs in results.items()}
    cpu = {name: [r.cpu for r in runs] for name, runs in results.items()}
    compare("wall - 0.5 s / dd oflag=direct", [w - 0.5 for w in wall["sluice"]], wall["dd"], 1.5)
    for name in ("push", "pull"):
        if name in results:
            compare(f"wall / {name}", wall["sluice"], wall[name])
            compare(f"CPU / {name}", cpu["sluice"], cpu[name])


def by_size(options, work):
    """Part 2: the same of a disk with twice the data."""
    sizes = (options.data_mib, 2 * options.data_mib)
    with LiveChain(options, f"{work}/less", sizes[0]) as less, \
            LiveChain(options, f"{work}/more", sizes[1]) as more:
        chains = {f"{mib / 1024:g} GiB of data": chain
                  for mib, chain in zip(sizes, (less, more))}
        results = {name: [] for name in chains}
        for _, order in orders(chains, options.rounds):
            for chain in chains.values():
                chain.dirty(options.dirty_mib)
            for name in order:
                results[name].append(chains[name].measure(chains[name].increment))
                clean("")
    tell(results, options.dirty_mib * MIB)
    small, large = ([r.wall for r in runs] for runs in results.values())
    compare("wall with twice the data / with less", large, small)
    low, high = (statistics.median(runs[1:]) for runs in (small, large))
    verdict = "ok  " if high <= low * 1.15 or high - low <= 0.1 else "MISS"
    print(f"{verdict} medians: {high - low:+.3f} s, {(high / low - 1) * 100:+.1f} %, "
          "wanted: within 15 % or 0.1 s")


def of_nothing(options, work):
    """Part 3: an increment in which nothing has changed."""
    out = f"{work}/out"
    with LiveChain(options, f"{work}/live", options.data_mib) as chain:
        chain.begin()
        chain.machine.push(out)
        clean(out)
        contenders = {"sluice": chain.increment, "push": lambda: chain.machine.push(out)}
        results = {name: [] for name in contenders}
        for _, order in orders(contenders, min(options.rounds, CHAIN_MAX)):
            for name in order:
                results[name].append(chain.measure(contenders[name]))
                clean(out)
    tell(results)
    seconds = [r.wall for r in results["sluice"][1:]]
    median = statistics.median(seconds)
    verdict = "ok  " if median <= 0.4 else "MISS"
    print(f"{verdict} wall: {median:.3f} s (min {min(seconds):.3f}, max {max(seconds):.3f}), "
          "wanted <= 0.4")
