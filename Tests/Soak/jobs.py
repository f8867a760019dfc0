"""The jobs that disasters befall, and what must be true of their results afterwards."""

import json
import os
import shutil
import subprocess

MIB = 1 << 20
RATE = "24M"
DISKS = ("a", "b")
# Formats whose archives are directories, and what they are called here.
DIRECTORIES = {"raw": "r", "qcow2": "q"}


class Scene:
    """Disks to back up and archives to read, on a file system that nothing befalls."""

    def __init__(self, sluice, work):
        self.sluice, self.work = sluice, work
        for disk in DISKS:
            with open(f"{work}/{disk}.raw", "wb") as image:
                image.truncate(12 * MIB)
                for start in range(0, 12, 3):
                    image.seek(start * MIB)
                    image.write(os.urandom(2 * MIB))
        self.old = os.urandom(MIB)
        self.call("backup", *self.images(), "--to", f"vma={work}/source.vma",
                  "--to", f"raw={work}/source")
        self.digests = self.digests_of(f"{work}/source.vma.sluice.json")

    def images(self):
        return [word for disk in DISKS
                for word in ("--image", f"{disk}={self.work}/{disk}.raw,format=raw")]

    def call(self, *words):
        return subprocess.run([self.sluice, *words], check=True, capture_output=True, text=True)

    def digests_of(self, receipt):
        with open(receipt) as file:
            streams = json.load(file)["streams"]
        return {stream["name"]: stream["digest"] for stream in streams}


class Job:
    """One command line, and the names it may make in `top`."""

    targets = ()

    def __init__(self, scene, top):
        self.scene, self.top = scene, top

    def path(self, name):
        return f"{self.top}/{name}"

    def prepare(self):
        """Removes what an earlier run has published, and nothing else."""
        os.makedirs(self.top, exist_ok=True)
        for name in self.targets:
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)

    def present(self):
        return [name for name in self.targets if os.path.exists(self.path(name))]


class Making(Job):
    """A job whose results are archives."""

    def faults(self):
        """What is wrong with what has a final name."""
        for name in self.present():
            if name.endswith(".sluice.json"):
                continue
            path = self.path(name)
            verified = subprocess.run([self.scene.sluice, "verify", path], capture_output=True,
                                      text=True)
            if verified.returncode != 0:
                yield f"{name} has its name and does not verify: {verified.stderr.strip()}"
                continue
            receipt = f"{path}/manifest.json" if os.path.isdir(path) else f"{path}.sluice.json"
            if self.scene.digests_of(receipt) != self.scene.digests:
                yield f"{name} verifies and holds something else"


class Backup(Making):
    def __init__(self, scene, top, *formats):
        super().__init__(scene, top)
        self.name = "backup to " + "+".join(formats)
        self.words = ["backup", *scene.images(), "--rate-limit", RATE]
        self.targets = []
        for form in formats:
            target = DIRECTORIES.get(form, f"x.{form}")
            self.words += ["--to", f"{form}={self.path(target)}"]
            self.targets += [target] if form in DIRECTORIES else [target, target + ".sluice.json"]


class Convert(Making):
    def __init__(self, scene, top, source, form):
        super().__init__(scene, top)
        self.name = f"convert {source} to {form}"
        target = DIRECTORIES.get(form, f"c.{form}")
        self.words = ["convert", f"{scene.work}/{source}", "--rate-limit", RATE,
                      "--to", f"{form}={self.path(target)}"]
        self.targets = [target] if form in DIRECTORIES else [target, target + ".sluice.json"]


class Restore(Job):
    """Disks into a directory, or each into an image of its own."""

    def __init__(self, scene, top, kind):
        super().__init__(scene, top)
        self.kind = kind
        self.name = f"restore to {kind}"
        self.words = ["restore", f"{scene.work}/source.vma"]
        if kind == "directory":
            self.words += ["--to", self.path("d")]
            self.targets = ["d"]
            return
        suffix = "qcow2" if kind == "qcow2" else "raw"
        self.targets = [f"{disk}.{suffix}" for disk in DISKS]
        for disk, target in zip(DISKS, self.targets):
            self.words += ["--disk", f"{disk}={self.path(target)}"]
        if kind == "old files":
            self.words.append("--force")

    def prepare(self):
        super().prepare()
        if self.kind == "old files":
            for name in self.targets:
                with open(self.path(name), "wb") as file:
                    file.write(self.scene.old)

    def faults(self):
        for name in self.present():
            files = [f"{name}/{disk}.raw" for disk in DISKS] if self.kind == "directory" else [name]
            for file in files:
                if self.is_wrong(file):
                    yield f"{file} has its name and is not its disk"

    def is_wrong(self, file):
        path = self.path(file)
        if not os.path.exists(path):
            return True
        if self.kind == "old files" and os.path.getsize(path) == len(self.scene.old):
            with open(path, "rb") as old:
                return old.read() != self.scene.old
        disk = os.path.basename(file)[0]
        form = "qcow2" if self.kind == "qcow2" else "raw"
        compared = subprocess.run(
            ["qemu-img", "compare", "-f", "raw", "-F", form, f"{self.scene.work}/{disk}.raw", path],
            capture_output=True)
        return compared.returncode != 0


def every_job(scene, top):
    """Each job has a directory of its own below `top`: what lies there is the job's."""
    kinds = [
        (Backup, "raw"), (Backup, "vma"), (Backup, "tar"), (Backup, "ova"), (Backup, "raw", "vma"),
        (Backup, "qcow2"), (Convert, "source", "qcow2"),
        (Restore, "directory"), (Restore, "raw"), (Restore, "qcow2"), (Restore, "old files"),
        (Convert, "source.vma", "tar"), (Convert, "source", "ova"), (Convert, "source.vma", "raw"),
    ]
    return [kind(scene, f"{top}/{number}", *words)
            for number, (kind, *words) in enumerate(kinds)]
