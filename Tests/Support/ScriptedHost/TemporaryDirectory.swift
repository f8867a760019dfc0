internal import Glibc
package import System

/// A directory that goes away with its owner. On a disk, where O_DIRECT works.
package final class TemporaryDirectory {
  package let path: String
  package let descriptor: OwnedDescriptor

  package init() throws {
    var template = Array("/var/tmp/sluice-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SystemCallError(.mkdir, subject: "/var/tmp", code: errno)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    descriptor = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
  }

  deinit { _ = try? shell("rm -rf '\(path)'") }

  /// Names inside, sorted.
  package var names: [String] {
    var names: [String] = []
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The whole of a file inside.
  package func contents(_ name: String) throws -> [UInt8] {
    try readSmallFile(name, in: descriptor.raw, limit: 256 << 20)
  }

  /// Makes a file inside.
  package func create(_ name: String, _ bytes: [UInt8]) throws {
    let file = try openFile(
      name, in: descriptor.raw, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: 0, subject: name) }
  }
}
