#!/usr/bin/python3
"""A plugin that keeps all of protocol.md, so that a change of one line breaks one rule of it.

Format `good`: a directory with a file for each stream, and `index.json`, which has their names and
SHA-256. It writes, reads and verifies, inline and through the pool.
"""
import fcntl, hashlib, json, mmap, os, re, signal, struct, sys, unicodedata

PREAMBLE = b"\x89SLU\r\n\x1a\n"
HELLO, HELLO_ACK, JOB, JOB_ACK, FINISH, FINISHED, ABORT, ABORTED, ERROR = range(1, 10)
OPEN, DATA, ZERO, CLOSE, READ, RELEASE, CHECKPOINT = range(0x10, 0x17)
READ_DONE, EXTENTS = 0x19, 0x1A
KNOWN = set(range(1, 10)) | set(range(0x10, 0x1C)) | {0x8001, 0x8002}
STREAM = {OPEN, DATA, ZERO, CLOSE, READ, READ_DONE, EXTENTS, 0x1B}
ANY = {ERROR, 0x8001}
LIMITS = {kind: 262144 for kind in (*range(1, 10), OPEN)}
LIMITS |= {ZERO: 24, CLOSE: 48, READ: 16, RELEASE: 4096, CHECKPOINT: 8, 0x17: 4112, 0x18: 8200,
           READ_DONE: 8, EXTENTS: 98304, 0x1B: 8216, 0x8001: 8196, 0x8002: 24}
E_PROTOCOL, E_UNKNOWN_FRAME, E_VERSION, E_UNSUPPORTED, E_LIMIT, E_STATE = 1, 2, 3, 4, 5, 6
E_BAD_JOB, E_BAD_OPTION, E_IO, E_NO_SPACE, E_PERMISSION = 7, 8, 16, 17, 18
E_NOT_FOUND, E_CORRUPT, E_INTERNAL = 20, 21, 31
CLUSTER = 65536
BIG = 2 ** 53 - 1
INFO = {"manifest": 1, "name": "good", "version": "1", "executable": "good.py", "protocol": [1],
        "memory": 268435456, "profile": "python", "interpreter": "/usr/bin/python3",
        "formats": [
            {"name": "good", "modes": ["write", "read", "verify"], "output": ["directory"],
             "streams": ["disk", "config", "vmstate"],
             "options": [{"name": "colour", "type": "choice", "choices": ["red", "blue"]}]}]}


class Refusal(Exception):
    """code of §15, text for people"""


class HostGone(Exception):
    """the end of the input, or an ERROR of the host"""


class Aborted(Exception):
    """ABORT"""


def need(condition, code, text):
    if not condition:
        raise Refusal(code, text)


def take(count):
    data = b""
    while len(data) < count:
        piece = os.read(3, count - len(data))
        if not piece:
            raise HostGone
        data += piece
    return data


class Out:
    seq = 0
    started = False


def send(kind, payload=b"", stream=0):
    if isinstance(payload, dict):
        payload = json.dumps(payload, separators=(",", ":")).encode()
    data = struct.pack("<IHHII", len(payload), kind, 0, stream, Out.seq) + payload
    Out.seq += 1
    while data:
        try:
            data = data[os.write(4, data):]
        except BrokenPipeError:
            raise HostGone
    return Out.seq - 1


class In:
    seq = 0


def frame():
    """The next frame that this plugin knows."""
    while True:
        length, kind, flags, stream, seq = struct.unpack("<IHHII", take(16))
        need(length <= LIMITS.get(kind, 1114112), E_LIMIT, f"a payload of {length} bytes")
        need(kind in KNOWN or kind & 0x8000, E_UNKNOWN_FRAME, f"unknown frame type {kind:#06x}")
        need(seq == In.seq, E_PROTOCOL, f"frame {seq} in place of {In.seq}")
        In.seq = (In.seq + 1) & 0xFFFFFFFF
        if kind not in KNOWN:
            take(length)
            continue
        need(flags == 0 or kind == EXTENTS and flags == 1, E_PROTOCOL, "undefined flags")
        if kind in STREAM:
            need(1 <= stream <= 1024, E_PROTOCOL, f"stream {stream}")
        elif kind not in ANY:
            need(stream == 0, E_PROTOCOL, f"stream {stream}")
        payload = take(length)
        if kind == ABORT:
            raise Aborted
        if kind == ERROR:
            raise HostGone("ERROR")
        return kind, stream, seq, payload


def wait_for_end():
    """After FINISHED nothing comes but the end, and frames that mean nothing."""
    try:
        frame()
    except HostGone as gone:
        if not gone.args:
            return
    except Aborted:
        pass
    raise HostGone("not the end")


def unique(pairs):
    found = dict(pairs)
    need(len(found) == len(pairs), E_PROTOCOL, "a name occurs twice")
    need(not any("\0" in name for name in found), E_PROTOCOL, "U+0000")
    return found


def check_value(value, depth):
    need(depth <= 16, E_PROTOCOL, "nested too deep")
    if isinstance(value, str):
        need("\0" not in value, E_PROTOCOL, "U+0000")
    elif isinstance(value, dict):
        for member in value.values():
            check_value(member, depth + 1 if isinstance(member, (dict, list)) else depth)
    elif isinstance(value, list):
        for member in value:
            check_value(member, depth + 1 if isinstance(member, (dict, list)) else depth)


def parse(payload, known):
    try:
        value = json.loads(payload.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        raise Refusal(E_PROTOCOL, str(error))
    need(isinstance(value, dict), E_PROTOCOL, "not an object")
    check_value(value, 1)
    for name in value.get("require") or []:
        need(name in known, E_UNSUPPORTED, f"requires {name}")
    return value


def integer(value, low, high):
    need(type(value) is int and low <= value <= high, E_PROTOCOL, f"{value!r} is out of range")
    return value


def text(value):
    need(isinstance(value, str) and len(value.encode()) <= 4096, E_PROTOCOL, "not a text")
    return value


def name_of(value):
    text(value)
    need(1 <= len(value.encode()) <= 255, E_PROTOCOL, "a name of 1 to 255 bytes")
    need("/" not in value and value[0] != ".", E_PROTOCOL, "a name with / or a leading dot")
    need(not re.search("[\0-\x1f\x7f-\x9f]", value), E_PROTOCOL, "a control character")
    return value


class Session:
    """All that HELLO and JOB have said."""

    def greet(self):
        kind, _, _, payload = frame()
        need(kind == HELLO, E_STATE, "not HELLO")
        hello = parse(payload, {"versions", "features", "limits", "pool", "host"})
        versions = hello.get("versions")
        need(isinstance(versions, list) and 1 <= len(versions) <= 64, E_PROTOCOL, "versions")
        need(1 in versions, E_VERSION, "this plugin speaks version 1")
        limits, pool = hello.get("limits"), hello.get("pool")
        need(isinstance(limits, dict) and isinstance(pool, dict), E_PROTOCOL, "limits, pool")
        integer(limits.get("max_frame"), 1114112, 2 ** 32 - 1)
        window, inflight = limits.get("window"), limits.get("inflight")
        self.window = integer(16777216 if window is None else window, 262144, 2 ** 32)
        self.inflight = integer(64 if inflight is None else inflight, 8, 1024)
        self.slots = integer(pool.get("slots"), 4, 256)
        self.slot_size = integer(pool.get("slot_size"), 65536, 16777216)
        need(self.slot_size & (self.slot_size - 1) == 0, E_PROTOCOL, "not a power of two")
        self.features = [name for name in hello.get("features") or [] if name == "shm"]
        if "shm" in self.features and not self.is_sound():
            self.features = []
        send(HELLO_ACK, {"version": 1, "features": self.features, "plugin": INFO["name"],
                         "plugin_version": INFO["version"]})

    def is_sound(self):
        seals = fcntl.fcntl(5, 1034)
        return os.fstat(5).st_size == self.slots * self.slot_size and seals & 6 == 6

    def map(self, is_writable):
        if self.features:
            access = mmap.PROT_READ | (mmap.PROT_WRITE if is_writable else 0)
            self.pool = mmap.mmap(5, self.slots * self.slot_size, mmap.MAP_SHARED, access)

    def take_job(self):
        kind, _, _, payload = frame()
        need(kind == JOB, E_STATE, "not JOB")
        job = parse(payload, {"mode", "job", "format", "instant", "vm", "output", "options",
                              "streams", "machine", "level", "parent"})
        need(job.get("mode") in ("write", "read", "verify"), E_UNSUPPORTED, "mode")
        need(job.get("format") == "good", E_BAD_JOB, "format")
        output = job.get("output")
        need(isinstance(output, dict), E_PROTOCOL, "output")
        need(output.get("kind") == "directory", E_UNSUPPORTED, "this format is a directory")
        need(job["mode"] == "read" or not job.get("salvage"), E_PROTOCOL, "salvage")
        options = job.get("options")
        need(options is None or isinstance(options, dict), E_PROTOCOL, "options")
        for name, value in (options or {}).items():
            need(name == "colour", E_BAD_OPTION, f"no option {name}")
            need(value in ("red", "blue"), E_BAD_OPTION, "red or blue")
        memory = (job.get("machine") or {}).get("memory")
        need(memory is None or memory >= 1048576, E_PROTOCOL, "memory")
        level, parent = job.get("level") or "full", job.get("parent")
        need((level == "full") == (parent is None), E_PROTOCOL, "level and parent")
        self.mode = job["mode"]
        if self.mode == "write":
            self.take_streams(job.get("streams"))

    def take_streams(self, streams):
        need(isinstance(streams, list) and len(streams) <= 1024, E_PROTOCOL, "streams")
        self.streams, names = {}, set()
        for stream in streams:
            number = integer(stream.get("id"), 1, 1024)
            name = name_of(stream.get("name"))
            need(number not in self.streams, E_PROTOCOL, "an id twice")
            need(unicodedata.normalize("NFC", name) not in names, E_PROTOCOL, "a name twice")
            names.add(unicodedata.normalize("NFC", name))
            need(stream.get("kind") in ("disk", "config", "vmstate"), E_UNSUPPORTED, "kind")
            role = stream.get("role") or stream["kind"]
            need(re.fullmatch("[a-z0-9-]{1,32}", role), E_PROTOCOL, "role")
            need(not stream.get("incremental"), E_UNSUPPORTED, "increments")
            size = stream.get("size")
            if size is None:
                need(stream["kind"] == "vmstate", E_PROTOCOL, "no size")
            else:
                integer(size, 0, BIG)
            self.streams[number] = {"id": number, "kind": stream["kind"], "name": name,
                                    "role": role, "size": size}


class Writer:
    def __init__(self, session):
        self.session, self.made, self.done = session, [], []

    def run(self):
        session = self.session
        session.map(False)
        send(JOB_ACK, {})
        todo, active = dict(session.streams), None
        while True:
            kind, stream, seq, payload = frame()
            if kind == OPEN and active is None and stream in todo:
                parse(payload, set())
                active = todo.pop(stream)
                self.open(active)
            elif kind in (DATA, ZERO, CLOSE) and active is not None and stream == active["id"]:
                if kind == DATA:
                    self.data(active, payload, seq)
                elif kind == ZERO:
                    self.zero(active, payload)
                else:
                    self.close(active, payload)
                    active = None
            elif kind == FINISH and active is None and not todo:
                parse(payload, set())
                return self.finish()
            else:
                raise Refusal(E_STATE, f"frame {kind:#06x} is not allowed now")

    def open(self, stream):
        stream["file"] = f"{stream['id']}.data"
        self.fd = os.open(stream["file"], os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600, dir_fd=6)
        self.made.append(stream["file"])
        self.position, self.is_over = 0, False

    def advance(self, stream, offset, length):
        need(offset == self.position and not self.is_over, E_PROTOCOL, "does not continue")
        need(offset % CLUSTER == 0 and length > 0, E_PROTOCOL, "offset or length")
        end, size = offset + length, stream["size"]
        need(end <= (BIG if size is None else size), E_PROTOCOL, "beyond the end")
        need(length % CLUSTER == 0 or size is None or end == size, E_PROTOCOL, "ends in a cluster")
        self.is_over = length % CLUSTER != 0
        self.position = end

    def data(self, stream, payload, seq):
        need(len(payload) >= 32, E_PROTOCOL, "a short DATA")
        offset, length, where, nmask, slot, slot_off, request, reserved = struct.unpack_from(
            "<QIHHIIII", payload)
        start = 32 + (2 * nmask + 7) // 8 * 8
        need(where in (0, 1) and request == 0, E_PROTOCOL, "where or request")
        need(slot_off == 0 and reserved == 0, E_PROTOCOL, "a reserved field")
        need(nmask in (0, -(-length // CLUSTER)), E_PROTOCOL, "nmask")
        need(len(payload) == start + (0 if where else length), E_PROTOCOL, "a wrong length")
        masks = struct.unpack_from(f"<{nmask}H", payload, 32)
        need(not any(payload[32 + 2 * nmask:start]), E_PROTOCOL, "padding")
        if nmask:
            blocks = -(-(length - (nmask - 1) * CLUSTER) // 4096)
            need(masks[-1] >> blocks == 0, E_PROTOCOL, "a mask beyond the bytes")
        if where:
            need(self.session.features, E_STATE, "a slot without shm")
            need(slot < self.session.slots and length <= self.session.slot_size, E_PROTOCOL, "slot")
        else:
            need(slot == 0 and length <= 1110016, E_PROTOCOL, "an inline DATA with a slot")
        self.advance(stream, offset, length)
        begin = slot * self.session.slot_size
        view = memoryview(self.session.pool)[begin:begin + length] if where else (
            memoryview(payload)[start:])
        self.store(view, offset, masks)
        view.release()
        send(RELEASE, struct.pack("<I", seq))

    def store(self, view, offset, masks):
        for block in range(0, len(view), 4096):
            cluster, bit = divmod(block // 4096, 16)
            if masks and not masks[cluster] >> bit & 1:
                continue
            part, at = view[block:block + 4096], offset + block
            while part:
                count = os.pwrite(self.fd, part, at)
                part, at = part[count:], at + count

    def zero(self, stream, payload):
        need(len(payload) == 24, E_PROTOCOL, "a short ZERO")
        offset, length, kind, request = struct.unpack("<QQII", payload)
        need(kind <= 1 and request == 0, E_PROTOCOL, "a whole stream has nothing unchanged")
        need(length <= BIG - offset, E_PROTOCOL, "beyond all numbers")
        self.advance(stream, offset, length)

    def close(self, stream, payload):
        need(len(payload) >= 16, E_PROTOCOL, "a short CLOSE")
        length, algorithm, count, reserved = struct.unpack_from("<QHHI", payload)
        need(reserved == 0, E_PROTOCOL, "a reserved field")
        need(algorithm in (0, 1, 2), E_PROTOCOL, "an unknown algorithm")
        need(count == (32 if algorithm else 0), E_PROTOCOL, "the length of the digest")
        need(len(payload) == 16 + count, E_PROTOCOL, "a wrong length")
        need(length == self.position, E_PROTOCOL, "ends elsewhere")
        need(stream["size"] in (None, length), E_PROTOCOL, "ends too early")
        os.ftruncate(self.fd, length)
        os.fsync(self.fd)
        stream["size"] = length
        if algorithm == 2:
            stream["digest"] = {"alg": "tree-sha256-32k", "value": payload[16:].hex()}
        stream["sha256"] = digest_of(self.fd, length)
        os.close(self.fd)
        self.done.append(stream)

    def finish(self):
        index = json.dumps({"good": 1, "streams": self.done}).encode()
        index += b"\n" + hashlib.sha256(index).hexdigest().encode()
        fd = os.open("index.json", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=6)
        self.made.append("index.json")
        while index:
            index = index[os.write(fd, index):]
        os.fsync(fd)
        os.fsync(6)
        sizes = [os.stat(name, dir_fd=6).st_size for name in self.made]
        send(FINISHED, {"artefacts": [{"name": name, "size": size}
                                      for name, size in zip(self.made, sizes)],
                        "stored": sum(sizes)})
        wait_for_end()

    def clean(self):
        for name in self.made:
            os.unlink(name, dir_fd=6)


def digest_of(fd, length):
    digest, offset = hashlib.sha256(), 0
    if length > 1 << 30:
        return None
    while offset < length:
        piece = os.pread(fd, 1 << 20, offset)
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


class Reader:
    def __init__(self, session):
        self.session, self.lent, self.asked = session, {}, []
        self.is_good = True

    def run(self):
        session = self.session
        self.load()
        session.map(True)
        self.free = list(range(session.slots))
        members = ("id", "kind", "name", "role", "size", "digest")
        send(JOB_ACK, {"streams": [{name: stream[name] for name in members if name in stream}
                                   for stream in self.streams.values()]})
        while True:
            while not self.asked:
                if self.handle() == FINISH:
                    send(FINISHED, {"proven": self.is_good})
                    return wait_for_end()
            self.answer(*self.asked.pop(0))

    def load(self):
        try:
            fd = os.open("index.json", os.O_RDONLY, dir_fd=6)
            with os.fdopen(fd, "rb") as file:
                head, digest = file.read().rsplit(b"\n", 1)
            need(hashlib.sha256(head).hexdigest().encode() == digest, E_CORRUPT, "the index")
            self.streams = {stream["id"]: stream for stream in json.loads(head)["streams"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refusal(E_CORRUPT, f"the index: {error}")

    def handle(self):
        kind, stream, seq, payload = frame()
        if kind == RELEASE:
            need(len(payload) % 4 == 0 and payload, E_PROTOCOL, "a wrong length")
            for number in struct.unpack(f"<{len(payload) // 4}I", payload):
                need(number in self.lent, E_PROTOCOL, f"DATA {number} is not lent")
                slot, count = self.lent.pop(number)
                if slot is not None:
                    self.free.append(slot)
        elif kind == READ:
            need(len(payload) == 16, E_PROTOCOL, "a short READ")
            offset, length = struct.unpack("<QQ", payload)
            need(offset % CLUSTER == 0 and length > 0, E_PROTOCOL, "offset or length")
            self.asked.append((stream, seq, offset, length))
        else:
            need(kind == FINISH, E_STATE, f"frame {kind:#06x} is not allowed now")
        return kind

    def answer(self, number, seq, offset, length):
        status = 0
        try:
            need(number in self.streams, E_NOT_FOUND, f"no stream {number}")
            need((offset, length) == (0, 2 ** 64 - 1), E_UNSUPPORTED, "no ranges")
            self.stream(self.streams[number], seq)
        except Refusal as refusal:
            status, self.is_good = refusal.args[0], False
            send(ERROR, struct.pack("<IIII", status, 2, seq, 0) + words(refusal.args[1]), number)
        send(READ_DONE, struct.pack("<II", seq, status), number)

    def stream(self, stream, seq):
        try:
            fd = os.open(stream["file"], os.O_RDONLY, dir_fd=6)
        except OSError as error:
            raise Refusal(E_NOT_FOUND, str(error))
        size = stream["size"]
        need(os.fstat(fd).st_size == size, E_CORRUPT, "a wrong length")
        need(digest_of(fd, size) == stream["sha256"], E_CORRUPT, "a wrong digest")
        send(OPEN, {}, stream["id"])
        position = 0
        while position < size:
            position += self.piece(fd, stream["id"], seq, position, size)
        os.close(fd)
        digest = bytes.fromhex(stream["digest"]["value"]) if "digest" in stream else b""
        send(CLOSE, struct.pack("<QHHI", size, 2 if digest else 0, len(digest), 0) + digest,
             stream["id"])

    def piece(self, fd, number, seq, position, size):
        most = min(CLUSTER, self.session.slot_size)
        data = os.pread(fd, min(most, size - position), position)
        if not any(data):
            send(ZERO, struct.pack("<QQII", position, len(data), 1, seq), number)
            return len(data)
        slot = self.credit(len(data))
        where = 0 if slot is None else 1
        head = struct.pack("<QIHHIIII", position, len(data), where, 0, slot or 0, 0, seq, 0)
        if where:
            begin = slot * self.session.slot_size
            self.session.pool[begin:begin + len(data)] = data
        sent = send(DATA, head + (b"" if where else data), number)
        self.lent[sent] = (slot, len(data))
        return len(data)

    def credit(self, count):
        """A slot, or None inline, once it may be lent."""
        while True:
            if len(self.lent) < self.session.inflight:
                if not self.session.features:
                    if sum(c for _, c in self.lent.values()) + count <= self.session.window:
                        return None
                elif self.free:
                    return self.free.pop(0)
            self.handle()

    def clean(self):
        pass


def words(message):
    return json.dumps({"message": message}).encode()


def code_of(error):
    if isinstance(error, Refusal):
        return error.args
    if isinstance(error, OSError):
        codes = {28: E_NO_SPACE, 122: E_NO_SPACE, 27: E_NO_SPACE, 13: E_PERMISSION,
                 1: E_PERMISSION, 30: E_PERMISSION}
        return codes.get(error.errno, E_IO), str(error)
    return E_INTERNAL, f"{type(error).__name__}: {error}"


def main():
    work = None
    try:
        if take(8) != PREAMBLE:
            return 1
        os.write(4, PREAMBLE)
        session = Session()
        session.greet()
        session.take_job()
        work = Writer(session) if session.mode == "write" else Reader(session)
        work.run()
        return 0
    except Aborted:
        if work:
            work.clean()
        send(ABORTED, {})
    except HostGone:
        if work:
            work.clean()
    except Exception as error:
        code, message = code_of(error)
        if work:
            work.clean()
        send(ERROR, struct.pack("<IIII", code, 1, 0, 0) + words(message))
    return 1


if os.environ.get("SLUICE_PROTOCOL") == "info":
    print(json.dumps(INFO))
elif os.environ.get("SLUICE_PROTOCOL") != "1":
    print("good: a plugin of a Sluice host, not meant to be started by hand", file=sys.stderr)
    sys.exit(2)
else:
    sys.exit(main())
