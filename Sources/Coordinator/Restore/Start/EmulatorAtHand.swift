internal import CLinux
internal import Glibc
internal import JSON
internal import JobSupport
internal import MachineStart
internal import QEMUControl
internal import Requests
internal import System

/// Asks an installed QEMU what it can be: one without a machine, which nobody else can reach.
struct EmulatorAtHand {
  /// Seconds for all of it; QEMU takes a tenth of one.
  private static let secondsMax = 20.0
  /// Where distributions put it; the environment's `QEMU` goes before, as in the scripts.
  private static let directories = ["/usr/bin", "/usr/local/bin"]

  private let path: String

  /// - Parameter name: `qemu-system-x86_64`
  /// - Throws: `JobError` if there is none.
  init(_ name: String) throws(JobError) {
    let chosen = unsafe getenv("QEMU").map { unsafe nameText(cString: $0) }
    let wanted = chosen ?? name
    let candidates =
      wanted.contains("/") ? [wanted] : Self.directories.map { "\($0)/\(wanted)" }
    guard let path = candidates.first(where: { unsafe clinux_access($0, X_OK) == 0 }) else {
      throw JobError(
        .unavailable, "\(cleaned(wanted)) is not installed",
        hint: "install it, or name another one with the environment variable QEMU")
    }
    self.path = path
  }

  func abilities() async throws(JobError) -> EmulatorAbilities {
    let asking = "ask \(path) what it can be"
    let process: AskedProcess
    do throws(SystemCallError) { process = try AskedProcess(path) } catch {
      throw JobError(error, cannot: asking)
    }
    do throws(QMPError) {
      let client = try await process.connect(seconds: Self.secondsMax)
      defer { client.close() }
      return try await abilities(client)
    } catch {
      throw JobError(.unavailable, cannot: asking, "\(error)")
    }
  }

  private func abilities(_ client: QMPClient) async throws(QMPError) -> EmulatorAbilities {
    var abilities = EmulatorAbilities()
    let numbers = try await client.execute("query-version")["qemu"]
    abilities.version = ["major", "minor", "micro"]
      .map { numbers?[$0]?.integer.map(String.init) ?? "?" }.joined(separator: ".")
    for machine in try await client.execute("query-machines").array ?? [] {
      abilities.machines.formUnion(["name", "alias"].compactMap { machine[$0]?.string })
    }
    abilities.devices = try await Self.types("device", client)
    abilities.processors = try await Self.types("cpu", client)
    abilities.hasKVM = unsafe clinux_access("/dev/kvm", R_OK | W_OK) == 0
    abilities.availableBytes = Self.availableBytes
    return abilities
  }

  private static func types(
    _ kind: String, _ client: QMPClient
  ) async throws(QMPError) -> Set<String> {
    let list = try await client.execute(
      "qom-list-types", ["implements": .string(kind), "abstract": false])
    return Set((list.array ?? []).compactMap { $0["name"]?.string })
  }

  private static var availableBytes: Int64? {
    guard let bytes = try? readSmallFile("/proc/meminfo", limit: 1 << 16) else { return nil }
    let line = bytes.split(separator: 10).first { $0.starts(with: "MemAvailable:".utf8) }
    let words = String(decoding: line ?? [], as: UTF8.self).split(separator: " ")
    return words.count == 3 ? Int64(words[1]).map { $0 << 10 } : nil
  }
}

/// A QEMU without a machine; killed with its owner.
private struct AskedProcess: ~Copyable {
  private let pid: Int32
  private let socket: PrivateSocket

  init(_ path: String) throws(SystemCallError) {
    let socket = try PrivateSocket()
    let null = try openFile("/dev/null", flags: O_RDWR)
    let arguments = [
      path, "-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none",
      "-chardev", "socket,id=monitor,fd=3,server=on,wait=off",
      "-mon", "chardev=monitor,mode=control",
    ]
    let sources = [null.raw, null.raw, null.raw, socket.listeningDescriptor]
    var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
    var environment = unsafe [strdup("LC_ALL=C"), nil]
    defer { unsafe (argv + environment).forEach { unsafe free($0) } }
    var pid: pid_t = 0
    let result = unsafe clinux_spawn(path, &argv, &environment, sources, [0, 1, 2, 3], 4, &pid)
    try check(result, .spawn, path)
    socket.dropListener()
    self.socket = socket
    self.pid = pid
  }

  deinit {
    _ = Glibc.kill(pid, SIGKILL)
    var status: Int32 = 0
    _ = unsafe waitpid(pid, &status, 0)
  }

  func connect(seconds: Double) async throws(QMPError) -> QMPClient {
    let connected: OwnedDescriptor
    do throws(SystemCallError) { connected = try socket.connect() } catch { throw .system(error) }
    return try await QMPClient.begin(over: connected, greetingSeconds: seconds)
  }
}
