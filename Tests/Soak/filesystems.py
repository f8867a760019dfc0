"""File systems to put archives on, each mounted for real on an image of its own or through FUSE."""

import ctypes
import os
import shutil
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
libc = ctypes.CDLL(None, use_errno=True)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class FileSystem:
    """A directory to work in, on a file system of `mib` MiB."""

    needs = ()
    loses_power = False

    def __init__(self, work, mib):
        self.image = f"{work}/{self.name}.image"
        self.top = f"{work}/{self.name}"
        self.mib = mib
        os.makedirs(self.top, exist_ok=True)

    @classmethod
    def missing(cls):
        """The tool that is not here, or None."""
        return next((tool for tool in cls.needs if not shutil.which(tool)), None)

    @property
    def free(self):
        status = os.statvfs(self.top)
        return status.f_bavail * status.f_frsize

    def make_image(self, *make):
        with open(self.image, "wb") as image:
            image.truncate(self.mib << 20)
        run(*make, self.image)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.top], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.top} is still in use")


class Ext4(FileSystem):
    name = "ext4"
    loses_power = True

    def mount(self):
        self.make_image("mkfs.ext4", "-q", "-F")
        self.attach()

    def attach(self):
        run("mount", "-o", "loop", self.image, self.top)

    def cut_power(self):
        """What is not on the disk now never will be."""
        descriptor = os.open(self.top, os.O_RDONLY)
        flags = struct.pack("I", NO_LOG_FLUSH)
        result = libc.ioctl(descriptor, ctypes.c_ulong(EXT4_IOC_SHUTDOWN), flags)
        os.close(descriptor)
        if result != 0:
            raise OSError(ctypes.get_errno(), "EXT4_IOC_SHUTDOWN")

    def restart(self):
        self.unmount()
        subprocess.run(["e2fsck", "-fy", self.image], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.attach()


class Tmpfs(FileSystem):
    name = "tmpfs"

    def mount(self):
        run("mount", "-t", "tmpfs", "-o", f"size={self.mib}m", "tmpfs", self.top)


class Bindfs(FileSystem):
    """FUSE over ext4: no RENAME_NOREPLACE, no O_TMPFILE, no leases."""

    name = "bindfs"
    needs = ("bindfs",)

    def __init__(self, work, mib):
        super().__init__(work, mib)
        self.below = Ext4(f"{work}/below", mib)

    def mount(self):
        self.below.mount()
        run("bindfs", self.below.top, self.top)

    def unmount(self):
        super().unmount()
        self.below.unmount()


class ExFAT(FileSystem):
    """FUSE: no owners, no links, no holes."""

    name = "exfat"
    needs = ("mkfs.exfat", "mount.exfat-fuse", "losetup")

    def mount(self):
        self.make_image("mkfs.exfat")
        self.device = subprocess.run(["losetup", "--find", "--show", self.image], check=True,
                                     capture_output=True, text=True).stdout.strip()
        run("mount.exfat-fuse", "-o", "umask=077", self.device, self.top)

    def unmount(self):
        super().unmount()
        run("losetup", "--detach", self.device)


ALL = (Ext4, Tmpfs, Bindfs, ExFAT)
