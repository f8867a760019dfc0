internal import CLinux
internal import Glibc
internal import JSON
internal import System

/// Whose a staging place is: a small file in it says so, locked as long as its job lives.
///
/// Without a mark nothing is ours, whatever its name. Specified in protocol.md §14.1.
struct StagingMark: Equatable {
  static let fileName = "mark"
  private static let version: Int64 = 1
  private static let byteCountMax = 4096

  /// What a job says of itself.
  struct Process: Equatable {
    /// `/etc/machine-id`; empty where there is none.
    let machine: String
    /// Of the kernel, new with every start of the machine.
    let boot: String
    /// Number of the pid namespace, in which alone the process has its id.
    let space: Int64
    let id: Int64
    /// Clock ticks from the machine's start to the process's: ids are used again.
    let started: Int64
  }

  let job: String
  let process: Process
  /// Whether the file system could lock the mark. If not, only its process tells.
  let isLocked: Bool

  init(job: String, process: Process = .current, isLocked: Bool) {
    self.job = job
    self.process = process
    self.isLocked = isLocked
  }

  /// - Returns: `nil` if the bytes are no mark of a version that is known.
  init?(parsing bytes: [UInt8]) {
    guard let value = try? JSONValue(parsing: bytes),
      value["sluice_staging"] == .integer(Self.version), let job = value["job"]?.string,
      let machine = value["machine"]?.string,
      let boot = value["boot"]?.string, let space = value["pid_namespace"]?.integer,
      let id = value["pid"]?.integer, let started = value["started"]?.integer,
      let isLocked = value["locked"]?.bool
    else { return nil }
    self.job = job
    self.isLocked = isLocked
    process = Process(machine: machine, boot: boot, space: space, id: id, started: started)
  }

  var bytes: [UInt8] {
    let value: JSONValue = [
      "sluice_staging": .integer(Self.version), "job": .string(job),
      "machine": .string(process.machine), "boot": .string(process.boot),
      "pid_namespace": .integer(process.space), "pid": .integer(process.id),
      "started": .integer(process.started), "locked": .bool(isLocked),
    ]
    return value.serialised(.indented)
  }

  /// The mark in an open staging place.
  ///
  /// - Returns: `nil` if there is none.
  static func read(in place: Int32) -> StagingMark? {
    let flags = O_NOFOLLOW | O_NONBLOCK
    guard let status = try? FileStatus(path: fileName, in: place), status.kind == .regular,
      let bytes = try? readSmallFile(fileName, in: place, limit: byteCountMax, flags: flags)
    else { return nil }
    return StagingMark(parsing: bytes)
  }

  /// Whether the job was one of this machine and is over; the lock has to be free besides.
  var isOfDeadJob: Bool {
    let here = Process.current
    guard isOfThisMachine else { return false }
    if process.boot != here.boot { return true }
    // An id of another namespace says nothing here: then the lock alone does.
    guard process.space == here.space else { return isLocked }
    return !process.isRunning
  }

  var isOfThisMachine: Bool {
    let here = Process.current
    return here.machine.isEmpty
      ? process.machine.isEmpty && process.boot == here.boot : process.machine == here.machine
  }
}

extension StagingMark.Process {
  /// This process.
  static let current = StagingMark.Process(
    machine: word("/etc/machine-id"), boot: word("/proc/sys/kernel/random/boot_id"),
    space: pidNamespace(), id: Int64(getpid()), started: startTime("self") ?? 0)

  /// Whether the process lives, in the pid namespace that this one is in.
  var isRunning: Bool {
    // Without /proc nothing can be said: it is left alone.
    guard Self.startTime("self") != nil else { return true }
    return Self.startTime(String(id)) == started
  }

  private static func word(_ path: String) -> String {
    let bytes = (try? readSmallFile(path, limit: 256)) ?? []
    return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
  }

  private static func pidNamespace() -> Int64 {
    guard let file = try? openFile("/proc/self/ns/pid", flags: O_RDONLY),
      let status = try? FileStatus(descriptor: file.raw, subject: "pid namespace")
    else { return 0 }
    return Int64(clamping: status.inode)
  }

  /// The 22nd field of `/proc/PID/stat`, of which the second is a name of any letters in brackets.
  private static func startTime(_ process: String) -> Int64? {
    guard let bytes = try? readSmallFile("/proc/\(process)/stat", limit: 4096),
      let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = bytes[(bracket + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19 else { return nil }
    return Int64(String(decoding: fields[19], as: UTF8.self))
  }
}
