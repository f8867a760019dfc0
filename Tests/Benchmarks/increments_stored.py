"""Increments without a running QEMU: by comparison, in full, and restored out of a chain."""

import os
import random

from increments_live import LiveChain
from idle_machine import PIECE
from measuring import (
    MIB, Measurement, clean, compare, make_disk, make_stretches, orders, run, sync, tell)
from memory import peak_memory


class ImageFile:
    """An image of a machine that is off."""

    def __init__(self, options, path):
        self.sluice, self.path = options.sluice, path

    def backup(self, archive, *extra):
        run([self.sluice, "backup", "--quiet", "--vm-name", "benchmark",
             "--image", f"d={self.path},format=raw", "--to", archive, *extra])


def measured(contenders, rounds, out):
    """What each takes, in every round; `out` is what they make."""
    results = {name: [] for name in contenders}
    for _, order in orders(contenders, rounds):
        for name in order:
            with Measurement() as each:
                contenders[name]()
            results[name].append(each)
            clean(out)
    return results


def walls(results, name):
    return [each.wall for each in results[name]]


def by_comparison(options, work):
    """Part 4: an image file is compared with its parent."""
    image, full, out = ImageFile(options, f"{work}/image.raw"), f"{work}/full", f"{work}/out"
    stretches = make_stretches(image.path, options.gib << 10, options.data_mib)
    image.backup(f"qcow2={full}", "--level", "full")
    change(image.path, stretches, options.dirty_mib)
    run(["cat", image.path, f"{full}/d.qcow2"])
    contenders = {
        "sluice": lambda: image.backup(
            f"qcow2={out}", "--level", "incremental", "--parent", full),
        "verify": lambda: run([options.sluice, "verify", "--quiet", full]),
        "dd": lambda: read_stretches(image.path, stretches),
    }
    results = measured(contenders, options.rounds, out)
    tell(results, sum(length for _, length in stretches))
    theirs = [a + b for a, b in zip(walls(results, "verify"), walls(results, "dd"))]
    compare("wall / verify PARENT + dd", walls(results, "sluice"), theirs, 1.3)


def change(path, stretches, mib):
    """Writes over so much of the data, in pieces of 64 KiB."""
    pieces = [start + place for start, length in stretches for place in range(0, length, PIECE)]
    with open(path, "r+b") as image:
        for place in random.Random(1).sample(pieces, min(mib * MIB // PIECE, len(pieces))):
            image.seek(place)
            image.write(os.urandom(PIECE))
        os.fsync(image.fileno())


def read_stretches(path, stretches):
    """Only what is data: holes would take dd long, and us no time."""
    for start, length in stretches:
        run(["dd", f"if={path}", "of=/dev/null", "bs=1M", f"skip={start // MIB}",
             f"count={length // MIB}"])


def in_full(options, work):
    """Part 5: a full backup into qcow2, plain and compressed."""
    image, out, data = ImageFile(options, f"{work}/image.raw"), f"{work}/out", f"{work}/data"
    data_bytes = make_disk(image.path, options.full_mib)
    with open(image.path, "rb") as source, open(data, "wb") as dense:
        for start in range(0, options.full_mib, 10):
            source.seek(start * MIB)
            dense.write(source.read(min(7, options.full_mib - start) * MIB))
    contenders = {
        "qcow2": lambda: image.backup(f"qcow2={out}"),
        "raw": lambda: image.backup(f"raw={out}"),
        "qcow2, zstd": lambda: image.backup(
            f"qcow2={out}", "--option", "qcow2.compress=zstd"),
        "zstd -1 -T0": lambda: zstd(data, out),
    }
    results = measured(contenders, options.rounds, out)
    tell(results, data_bytes)
    compare("wall of qcow2 / raw", walls(results, "qcow2"), walls(results, "raw"), 1.15)
    compare("wall of qcow2, zstd / zstd -1 -T0", walls(results, "qcow2, zstd"),
            walls(results, "zstd -1 -T0"), 1 / 0.9)


def zstd(data, out):
    run(["zstd", "-q", "-1", "-T0", data, "-o", out])
    sync(out)


def of_a_chain(options, work):
    """Part 6: a disk out of a chain, beside the same out of its synthetic full backup."""
    out, whole = f"{work}/out", f"{work}/whole"
    with LiveChain(options, f"{work}/live", options.data_mib) as chain:
        for _ in range(options.chain - 1):
            chain.dirty(options.chain_mib)
            chain.increment()
        run([options.sluice, "convert", "--quiet", chain.archives[-1], "--to", f"qcow2={whole}"])
        restores = {name: [options.sluice, "restore", "--quiet", archive, "--to", out]
                    for name, archive in (("chain", chain.archives[-1]), ("synthetic full", whole))}
        contenders = {name: lambda command=command: run(command)
                      for name, command in restores.items()}
        results = measured(contenders, options.rounds, out)
        tell(results, options.data_mib * MIB)
        compare(f"wall of a chain of {options.chain} / synthetic full",
                walls(results, "chain"), walls(results, "synthetic full"), 1.3)
        for name, command in restores.items():
            ours, qemu = peak_memory(command)
            clean(out)
            print(f"     memory of {name} (PSS, shared memory once): {ours / MIB:.1f} MiB; "
                  f"QEMU beside it {qemu / MIB:.1f} MiB")
