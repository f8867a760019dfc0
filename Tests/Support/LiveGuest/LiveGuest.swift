internal import CLinux
package import CommandLine
internal import Glibc
internal import JSON
import Synchronization
import System

/// A running QEMU with the test guest in it; QEMU ends with its owner.
///
/// Sockets are `qmp` (for the program under test), `control` (for the test itself) and `agent`.
package final class LiveGuest: Sendable {
  package let setup: GuestSetup
  /// The images and sockets; the default place of fleecing files is beside the images.
  package let files: Scratch
  /// The test's own connection to QEMU.
  package let monitor: Monitor
  private let keys: OwnedDescriptor
  private let pid: Int32
  private let hasEnded = Mutex(false)

  package var qmp: String { files.path("qmp") }
  package var agent: String { files.path("agent") }
  /// The images of A and B.
  package var images: [String] {
    setup.images ?? ["a", "b"].map { files.path("\($0).\(setup.format.rawValue)") }
  }
  /// Everything the guest and its kernel have said so far.
  package var log: String { (try? files.text("serial")) ?? "" }
  /// QEMU's own process.
  package var process: Int32 {
    let text = (try? files.text("pid")) ?? ""
    return Int32(text.split(separator: "\n").first ?? "") ?? 0
  }

  /// Starts QEMU, and waits until the guest is ready and, if it writes, has written a record; one
  /// that comes from a stream runs on.
  ///
  /// - Parameter prepare: Commands of the shell, run in `files` after the images are made.
  package init(_ setup: GuestSetup, prepare: String = "true") async throws {
    // A QEMU that has ended is an error to be read, not a signal.
    clinux_ignore_sigpipe()
    try await GuestFiles.make()
    let files = try Scratch()
    try await Self.makeImages(setup, files)
    try await files.shell("mkfifo keys && \(prepare)")
    let emulator = setup.emulator.path ?? "qemu-system-x86_64"
    // Both directions: nobody waits for the other end, nor sees it go.
    keys = try openFile(files.path("keys"), flags: O_RDWR)
    pid = try Self.spawn(
      setup.commandLine(emulator, in: files.directory), setup, files, keys: keys.raw)
    self.setup = setup
    self.files = files
    do {
      monitor = try await Monitor(path: files.path("control"), within: 20)
    } catch {
      Self.end(pid)
      throw GuestFailure(what: "QEMU did not start: \(error)", log: try files.text("qemu.log"))
    }
    if setup.incoming != nil { try await waitUntilLoaded() }
    if setup.isStopped { return }
    if setup.incoming == nil { try await waitUntilReady() } else { try monitor.query("cont") }
  }

  deinit { kill() }

  /// Kills QEMU, as a crash would.
  package func kill() {
    let isFirst = hasEnded.withLock { ended in
      defer { ended = true }
      return !ended
    }
    if isFirst { Self.end(pid) }
  }

  /// Whether QEMU runs.
  package var isRunning: Bool { process > 0 && Glibc.kill(process, 0) == 0 }

  package func waitUntilReady() async throws {
    _ = try await wait(for: "= ready", within: 60)
    let isWriting = !setup.arguments.contains("hold") && !setup.arguments.contains("mode=check")
    if isWriting { _ = try await wait(for: "record ", within: 20) }
  }

  /// How often the guest has become ready so far.
  package var bootCount: Int { Self.boots(log) }

  private static func boots(_ log: String) -> Int {
    lines(log.utf8[...]).count { $0.hasPrefix("= ready") }
  }

  /// Waits until the guest has become ready so often, counted from its start.
  package func waitUntilReady(boots: Int) async throws {
    try await wait(within: 180, "boot \(boots)") { Self.boots($0) >= boots ? true : nil }
  }

  /// Runs a command of the guest's serial line (`writer.c`) and waits for its end.
  ///
  /// - Returns: The lines of its answer.
  @discardableResult
  package func run(_ command: String, within seconds: Double = 20) async throws -> [String] {
    let start = log.utf8.count
    let bytes = Array((command + "\n").utf8)
    try bytes.withUnsafeBytes { try writeWhole(keys.raw, $0) }
    let said = try await wait(within: seconds, "an answer to \(command)") { log in
      let lines = Self.lines(log.utf8.dropFirst(start))
      let end = lines.firstIndex { $0 == "= ok" || $0 == "= failed" }
      return end.map { Array(lines[...$0]) }
    }
    guard said.last == "= ok" else { throw GuestFailure(what: "\(command) failed", log: log) }
    return said.dropLast().filter { $0.hasPrefix("= ") }.map { String($0.dropFirst(2)) }
  }

  /// The newest record that is on both disks, and the number of I/O errors the guest has seen.
  package func status() async throws -> (record: Int, errors: Int) {
    let line = try await run("status").first ?? ""
    let words = line.split { $0 == " " || $0 == "=" }
    func number(_ name: String) -> Int {
      words.firstIndex { $0 == name }.flatMap { Int(words[$0 + 1]) } ?? -1
    }
    return (number("record"), number("errors"))
  }

  /// Waits until the guest has written records that it had not.
  ///
  /// - Returns: As ``status()``.
  @discardableResult
  package func progress(
    since record: Int, within seconds: Double = 10
  ) async throws -> (record: Int, errors: Int) {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while true {
      let now = try await status()
      if now.record > record { return now }
      guard MonotonicTime.now < deadline else {
        throw GuestFailure(what: "no record behind \(record) in \(seconds) s", log: log)
      }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Waits until the guest has said a text.
  @discardableResult
  package func wait(for text: String, within seconds: Double) async throws -> String {
    try await wait(within: seconds, text) { log in
      Self.lines(log.utf8[...]).first { $0.contains(text) }
    }
  }

  /// Waits for QEMU's own end.
  package func waitForEnd(within seconds: Double = 20) async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while isRunning {
      guard MonotonicTime.now < deadline else { throw GuestFailure(what: "QEMU runs on", log: log) }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  @discardableResult
  private func wait<Found>(
    within seconds: Double, _ what: String, _ find: (String) -> Found?
  ) async throws -> Found {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while true {
      if let found = find(log) { return found }
      if MonotonicTime.now > deadline {
        let errors = (try? files.text("qemu.log")) ?? ""
        throw GuestFailure(what: "waited \(seconds) s for: \(what)", log: log + errors)
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Whole lines; the last one only if it has ended.
  private static func lines(_ bytes: Substring.UTF8View) -> [String] {
    let end = bytes.lastIndex(of: 10) ?? bytes.startIndex
    return bytes[..<end].split { $0 == 10 || $0 == 13 }.map { String(decoding: $0, as: UTF8.self) }
  }
}
