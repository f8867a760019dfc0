import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

/// A QEMU that runs, without a guest: its processors never start. Gone with its owner.
final class Emulator: Sendable {
  /// The program under test: what `SLUICE_QEMU` names, else the installed one.
  static let program = getenv("SLUICE_QEMU").map { String(cString: $0) } ?? "qemu-system-x86_64"
  static let isThere = program.hasPrefix("/") ? access(program, X_OK) == 0 : Build.has(program)
  static let missing: Comment = "qemu-system-x86_64 is not there"

  let files: Scratch
  private let process: Program

  /// - Parameters:
  ///   - monitors: How many QMP sockets it has: `qmp0`, `qmp1`, …
  ///   - prepare: A shell script that makes the files it needs, run in its directory.
  init(
    _ arguments: [String] = [], monitors: Int = 1, prepare: String? = nil
  ) async throws {
    let files = try Scratch()
    self.files = files
    if let prepare { try await files.shell(prepare) }
    let sockets = (0..<monitors).flatMap { number in
      ["-qmp", "unix:\(files.path("qmp\(number)")),server=on,wait=off"]
    }
    let common = ["-nodefaults", "-display", "none", "-accel", "tcg", "-S", "-m", "64"]
    process = try Program([Self.program] + common + sockets + arguments, in: files.directory)
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while !files.exists("qmp\(monitors - 1)"), MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  deinit { send(SIGKILL) }

  func path(_ monitor: Int = 0) -> String { files.path("qmp\(monitor)") }

  /// Connects; the socket's name may be there a moment before anybody listens.
  func connect(_ monitor: Int = 0) async throws -> QMPClient {
    let deadline = MonotonicTime.now.advanced(bySeconds: 10)
    while true {
      do throws(QMPError) {
        return try await QMPClient.connect(path: path(monitor))
      } catch {
        guard case .cannotConnect = error, MonotonicTime.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }

  /// The process of QEMU.
  var pid: Int32 { process.process }

  func send(_ signal: Int32) { process.send(signal) }

  /// Waits until it has ended.
  func finding() async throws -> Finding { try await process.finding(within: 20) }
}

/// What an expression throws, for comparison.
func failure<Value>(_ body: () async throws(QMPError) -> Value) async -> QMPError? {
  do throws(QMPError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}
