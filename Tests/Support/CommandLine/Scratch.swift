internal import CLinux
internal import Glibc
package import System

/// A private directory on a disk, where O_DIRECT works; gone with its owner.
package final class Scratch: Sendable {
  package let directory: String
  /// The directory, for calls relative to it.
  package let descriptor: OwnedDescriptor

  /// - Parameter owner: The user it belongs to; `nil` is the caller.
  package init(owner: UInt32? = nil) throws {
    var template = Array("/var/tmp/sluice-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SystemCallError(.mkdir, subject: "/var/tmp", code: errno)
    }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if let owner, chown(directory, owner, owner) != 0 {
      throw SystemCallError(.fchown, subject: directory, code: errno)
    }
    descriptor = try openFile(directory, flags: O_RDONLY | O_DIRECTORY)
  }

  deinit { removeTree(directory) }

  package func path(_ name: String) -> String { directory + "/" + name }

  /// Names in the directory, or in one below it, sorted; hidden ones too.
  package func names(_ name: String = ".") throws -> [String] {
    try listDirectory(path(name)).sorted()
  }

  package func status(_ name: String) throws -> FileStatus { try FileStatus(path: path(name)) }

  package func exists(_ name: String) -> Bool { (try? status(name)) != nil }

  /// The whole of a file, quickly in a debug build too.
  package func bytes(_ name: String) throws -> [UInt8] {
    let file = try openFile(path(name), flags: O_RDONLY)
    let size = Int(try FileStatus(descriptor: file.raw, subject: name).size)
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = try file.readAll(into: UnsafeMutableRawBufferPointer(buffer), at: 0, subject: name)
    }
  }

  package func text(_ name: String) throws -> String {
    String(decoding: try bytes(name), as: UTF8.self)
  }

  /// Makes a file of these bytes; what was there goes.
  package func create(_ name: String, _ bytes: [UInt8]) throws {
    let file = try openFile(path(name), flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: 0, subject: name) }
  }

  /// Writes bytes into a file, which is made if it is not there.
  package func write(_ name: String, _ bytes: [UInt8], at offset: Int64 = 0) throws {
    let file = try openFile(path(name), flags: O_WRONLY | O_CREAT, mode: 0o644)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: offset, subject: name) }
  }

  /// Makes a file of that length, all hole, with the given pieces of data in it.
  package func makeSparse(
    _ name: String, bytes: Int64, data: [(offset: Int64, count: Int)] = []
  ) throws {
    let file = try openFile(path(name), flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
    try check(clinux_ftruncate(file.raw, bytes), .ftruncate, name)
    for piece in data {
      let block = noise(piece.count, seed: UInt64(piece.offset))
      try block.withUnsafeBytes { try file.writeAll($0, at: piece.offset, subject: name) }
    }
  }

  /// Bytes of a file that are no holes, by its map; what the filesystem takes for itself is not
  /// among them.
  package func dataBytes(_ name: String) throws -> Int64 {
    let file = try openFile(path(name), flags: O_RDONLY)
    var (sum, place) = (Int64(0), clinux_seek_data(file.raw, 0))
    while place >= 0 {
      let end = try check(clinux_seek_hole(file.raw, place), .lseek, name)
      sum += Int64(end) - place
      place = clinux_seek_data(file.raw, Int64(end))
    }
    return sum
  }

  /// Changes one byte of a file.
  package func flip(_ name: String, at offset: Int64) throws {
    let file = try openFile(path(name), flags: O_RDWR)
    let byte = try readBytes(file.raw, at: offset, count: 1)
    try [byte[0] ^ 1].withUnsafeBytes { try file.writeAll($0, at: offset, subject: name) }
  }

  /// Runs a command of the shell in the directory; it must succeed.
  ///
  /// - Returns: What it wrote, errors too.
  @discardableResult
  package func shell(_ command: String, within seconds: Double = 60) async throws -> String {
    let program = try Program(["/bin/sh", "-c", "{ \(command)\n} 2>&1"], in: directory)
    let finding = try await program.finding(within: seconds)
    guard finding.status == 0 else {
      throw ShellFailure(command: command, output: finding.output)
    }
    return finding.output
  }
}

package struct ShellFailure: Error {
  package let command: String
  package let output: String
}

/// rm(1) knows trees that are deep and directories that are closed.
private func removeTree(_ path: String) { runAtOnce(["/bin/rm", "-rf", "--", path]) }

/// Runs a program to its end, for those who tidy up behind a test and cannot wait otherwise.
@discardableResult
package func runAtOnce(_ arguments: [String]) -> Int32 {
  var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for text in argv { free(text) } }
  var environment: [UnsafeMutablePointer<CChar>?] = [
    strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil,
  ]
  defer { free(environment[0]) }
  var pid: pid_t = 0
  guard clinux_spawn(arguments[0], &argv, &environment, [], [], 0, &pid) == 0 else { return -1 }
  var status: Int32 = 0
  waitpid(pid, &status, 0)
  return status
}
