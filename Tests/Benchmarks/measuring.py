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


def make_stretches(path, mib, data_mib):
    """A sparse image with random data in 16 stretches of equal length and distance.

    Returns their (offset, length), in bytes.
    """
    stretches = [(mib // 16 * number * MIB, data_mib // 16 * MIB) for number in range(16)]
    with open(path, "wb") as image:
        image.truncate(mib * MIB)
        for start, length in stretches:
            image.seek(start)
            for _ in range(length // MIB):
                image.write(os.urandom(MIB))
        os.fsync(image.fileno())
    return stretches


def pieces_of_usr():
    """The files of /usr without end, MiB by MiB."""
    rest = b""
    while True:
        for folder, _, names in os.walk("/usr"):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    rest += file.read(8 * MIB)
                while len(rest) >= MIB:
                    yield rest[:MIB]
                    rest = rest[MIB:]


def make_disk(path, mib):
    """Of every 10 MiB 6 are files, 1 is noise, the rest is a hole. Returns the bytes of data."""
    files = pieces_of_usr()
    with open(path, "wb") as image:
        image.truncate(mib * MIB)
        for start in range(0, mib, 10):
            image.seek(start * MIB)
            for place in range(min(7, mib - start)):
                image.write(next(files) if place < 6 else os.urandom(MIB))
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


def tell(results, data_bytes=None):
    """Prints what each contender took, and how fast that is for these bytes."""
    for name, runs in results.items():
        wall, cpu = (statistics.median(getattr(r, field) for r in runs[1:])
                     for field in ("wall", "cpu"))
        speed = f", {data_bytes / wall / MIB:.0f} MiB/s" if data_bytes else ""
        print(f"     {name}: {wall:.2f} s, {cpu:.2f} CPU-s{speed}")


def compare(name, mine, theirs, bar=None):
    """Prints the median of the ratios of each round, against its bar if there is one; the first
    round is a warm-up."""
    ratios = [a / b for a, b in zip(mine[1:], theirs[1:])]
    median = statistics.median(ratios)
    verdict = "    " if bar is None else "ok  " if median <= bar else "MISS"
    wanted = "" if bar is None else f", wanted <= {bar:.4g}"
    print(f"{verdict} {name}: {median:.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}){wanted}",
          flush=True)
    return {"name": name, "median": median, "min": min(ratios), "max": max(ratios), "bar": bar}
