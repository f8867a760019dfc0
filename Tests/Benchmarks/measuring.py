"""What the benchmarks share: images, seconds of wall and CPU, ratios with their bars."""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import time

MIB = 1 << 20


def make_image(path, mib):
    """60 % data: of every 10 MiB the first 6 are random, the rest is a hole.

    Returns the bytes it takes.
    """
    with open(path, "wb") as image:
        image.truncate(mib * MIB)
        for start in range(0, mib, 10):
            image.seek(start * MIB)
            image.write(os.urandom(min(6, mib - start) * MIB))
        os.fsync(image.fileno())
    return os.stat(path).st_blocks * 512


def rounds(text):
    """The value of --rounds: one for warming up, and at least one that counts."""
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("at least 2: the first one is a warm-up")
    return number


class Measurement:
    """Wall and CPU seconds of a block, children included that were waited for."""

    def __enter__(self):
        self.usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self.start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = (after.ru_utime - self.usage.ru_utime) + (after.ru_stime - self.usage.ru_stime)


def run(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sync(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def clean(path):
    """Removes a file or a tree; what the file system does of it is not the next one's to pay."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)
    os.sync()
    time.sleep(1)


def orders(names, rounds):
    """Each round runs every contender once, forward and backward in turn."""
    for number in range(rounds):
        yield number, list(names) if number % 2 == 0 else list(reversed(names))


def compare(name, mine, theirs, bar):
    """Prints the median of the ratios of each round against its bar; the first is a warm-up."""
    ratios = [a / b for a, b in zip(mine[1:], theirs[1:])]
    median = statistics.median(ratios)
    verdict = "ok  " if median <= bar else "MISS"
    print(f"{verdict} {name}: {median:.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}), "
          f"wanted <= {bar}")
    return {"name": name, "median": median, "min": min(ratios), "max": max(ratios), "bar": bar}
