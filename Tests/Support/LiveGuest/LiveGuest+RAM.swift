internal import CommandLine
internal import Glibc
internal import JSON
import System

/// What a guest with the argument `ram=MiB` knows of its own memory.
extension LiveGuest {
  /// The guest compares each page of its ring, its counter and its disks; throws if they disagree.
  ///
  /// - Returns: The counter.
  @discardableResult
  package func verifyRAM() async throws -> Int {
    let line = try await run("verify-ram", within: 60).last ?? ""
    let word = line.split(separator: " ").first { $0.hasPrefix("counter=") }
    guard let counter = word.flatMap({ Int($0.dropFirst("counter=".count)) }) else {
      throw GuestFailure(what: "no counter in \(line)", log: log)
    }
    return counter
  }

  /// Capabilities and parameters of QEMU's migration: equal before and after a backup.
  package func migrationSettings() throws -> BlockState {
    let capabilities = try monitor.query("query-migrate-capabilities").array ?? []
    let parameters = try monitor.query("query-migrate-parameters").object?.members ?? []
    return BlockState(
      lines: capabilities.map { Self.text($0) }
        + parameters.map { "\($0.name) \(Self.text($0.value))" })
  }

  private static func text(_ value: JSONValue) -> String {
    String(decoding: value.serialised(), as: UTF8.self)
  }

  /// Whether QEMU still holds one of our files, with a name or without.
  package func openFiles(below directory: String) throws -> [String] {
    try listDirectory("/proc/\(process)/fd").compactMap { name in
      var buffer = [CChar](repeating: 0, count: 4096)
      let length = readlink("/proc/\(process)/fd/\(name)", &buffer, buffer.count)
      guard length > 0 else { return nil }
      let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return path.hasPrefix(directory + "/") ? path : nil
    }
  }

  /// Waits until a QEMU that was started with `-incoming` has taken all of it.
  func waitUntilLoaded(within seconds: Double = 60) async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    // QEMU waits on when nothing comes.
    if let stream = setup.incoming { _ = try FileStatus(path: stream) }
    while try runState == "inmigrate" {
      guard MonotonicTime.now < deadline else {
        throw GuestFailure(what: "the stream is not loaded", log: try files.text("qemu.log"))
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
