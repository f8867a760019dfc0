#!/usr/bin/env python3
"""A hostile plugin in Python. Each attack has one goal; it is tried once per process.

attacks.py list | NAME VICTIM TCP UDP ADDRESS HOST HOSTNAME DIR

The exit status is 0 for a goal that was reached, 200 for one that this machine does not have, 255
for a mistake of this program, and otherwise the errno that stopped it.
"""
import ctypes, errno, fcntl, mmap, os, platform, resource, socket, subprocess, sys

NOT_REACHABLE = 200
OUTPUT, POOL = 6, 5
FOLDER = os.path.dirname(os.path.abspath(__file__))
C = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(C, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def syscall(number, *arguments):
    """By its number on x86-64, as injected code would."""
    if platform.machine() != "x86_64":
        sys.exit(NOT_REACHABLE)
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = C.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), number)
    return result


def connect(kind, address):
    with socket.socket(kind, socket.SOCK_STREAM) as client:
        client.connect(address)


def make_executable():
    memory = mmap.mmap(-1, 4096)
    place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    call("mprotect", ctypes.c_void_p(place), ctypes.c_size_t(4096), READ_EXEC)


def make_output():
    return os.open("made", os.O_CREAT | os.O_RDWR, 0o600, dir_fd=OUTPUT)


def map_memory(descriptor, protection):
    """By mmap(2) itself: the module would duplicate the descriptor first."""
    C.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_SHARED if descriptor >= 0 else mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    place = C.mmap(None, ctypes.c_size_t(4096), protection, flags, descriptor, ctypes.c_long(0))
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def may_mount():
    """Proves the right to mount, without doing it."""
    try:
        call("mount", b"none", b"/", b"sluice-none", 0, None)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def learn_host_name(target):
    if socket.gethostname() != target["hostname"]:
        raise OSError(errno.EACCES, "another name")


READ_EXEC, WRITE_EXEC = mmap.PROT_READ | mmap.PROT_EXEC, mmap.PROT_WRITE | mmap.PROT_EXEC

ATTACKS = {
    # Files.
    "read-shadow": lambda t: open("/etc/shadow").read(),
    "read-passwd": lambda t: open("/etc/passwd").read(),
    "read-secret": lambda t: open(t["outside"] + "/secret").read(),
    "list-outside": lambda t: os.listdir(t["outside"]),
    "list-root-home": lambda t: os.listdir("/root"),
    "list-local": lambda t: os.listdir("/usr/local"),
    "list-programs": lambda t: os.listdir("/usr/bin"),
    "list-processes": lambda t: os.listdir("/proc"),
    "climb-to-secret": lambda t: os.open("../secret", os.O_RDONLY, dir_fd=OUTPUT),
    "climb-to-passwd": lambda t: os.open("../" * 16 + "etc/passwd", os.O_RDONLY, dir_fd=OUTPUT),
    "open-device": lambda t: os.open("/dev/zero", os.O_RDONLY),
    "write-in-tmp": lambda t: open(f"/tmp/sluice-attack-{os.getpid()}", "w"),
    "write-in-folder": lambda t: open(FOLDER + "/made", "w"),
    "make-in-folder": lambda t: os.mkdir(f"{FOLDER}/made-{os.getpid()}"),
    "change-script": lambda t: open(__file__, "r+"),
    "change-script-by-force": lambda t: syscall(2, __file__.encode(), 2),
    "make-link": lambda t: os.symlink("/etc/passwd", "link", dir_fd=OUTPUT),
    "make-setuid": lambda t: os.fchmod(make_output(), 0o4755),
    "make-device": lambda t: os.mknod("device", 0o20600, os.makedev(1, 5), dir_fd=OUTPUT),
    "grow-past-limit": lambda t: os.ftruncate(make_output(), 2 << 40),
    # Processes.
    "fork": lambda t: os.fork() or os._exit(0),
    "run-program": lambda t: subprocess.run(["/bin/true"]),
    "become-program": lambda t: os.execv("/bin/true", ["true"]),
    "become-interpreter": lambda t: os.execv(sys.executable, ["python3", "-c", ""]),
    "signal-host": lambda t: os.kill(t["host"], 0),
    "signal-victim": lambda t: os.kill(t["victim"], 0),
    "seize-victim": lambda t: call("ptrace", 0x4206, t["victim"], None, None),
    "read-victim": lambda t: open(f"/proc/{t['victim']}/environ", "rb").read(),
    "raise-limit": lambda t: resource.setrlimit(
        resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    # The network.
    "connect-tcp": lambda t: connect(socket.AF_INET, ("127.0.0.1", t["tcp"])),
    "make-udp": lambda t: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "connect-unix": lambda t: connect(socket.AF_UNIX, t["outside"] + "/../socket"),
    "connect-abstract": lambda t: connect(
        socket.AF_UNIX, f"\0sluice-victim-{t['victim']}".ljust(108, "\0")),
    "make-netlink": lambda t: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    # Memory.
    "map-write-exec": lambda t: map_memory(-1, WRITE_EXEC),
    "make-executable": lambda t: make_executable(),
    "map-pool-as-code": lambda t: map_memory(POOL, READ_EXEC),
    "make-memory-file": lambda t: os.memfd_create("attack"),
    # The kernel.
    "make-namespace": lambda t: call("unshare", 0x10000000),
    "mount": lambda t: may_mount(),
    "change-root": lambda t: os.chroot("/"),
    "become-root": lambda t: os.setresuid(0, 0, 0),
    "set-up-ring": lambda t: syscall(425, 4, ctypes.addressof((ctypes.c_char * 120)())),
    "watch-files": lambda t: call("inotify_init1", 0),
    "find-keyring": lambda t: syscall(250, 0, -3 & 0xFFFFFFFF, 1),
    "resize-pipe": lambda t: fcntl.fcntl(4, 1031, 4096),
    "learn-host-name": learn_host_name,
}


def main():
    if sys.argv[1:] == ["list"]:
        print(*ATTACKS, sep="\n")
        return 0
    if len(sys.argv) != 9:
        return NOT_REACHABLE
    numbers = dict(zip(("victim", "tcp", "udp"), map(int, sys.argv[2:5])))
    target = dict(numbers, host=int(sys.argv[6]), hostname=sys.argv[7], outside=sys.argv[8])
    try:
        ATTACKS[sys.argv[1]](target)
        return 0
    except OSError as error:
        return error.errno or 255
    except Exception as mistake:
        print(repr(mistake), file=sys.stderr)
        return 255


if __name__ == "__main__":
    sys.exit(main())
