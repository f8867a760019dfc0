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
    (try? listDirectory(path)) ?? []
  }

  /// The whole of a file inside.
  package func contents(_ name: String) throws -> [UInt8] {
    let file = try openFile(name, in: descriptor.raw, flags: O_RDONLY)
    let size = try FileStatus(descriptor: file.raw, subject: name).size
    return try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
      count = try file.readAll(into: UnsafeMutableRawBufferPointer(buffer), at: 0, subject: name)
    }
  }

  /// Makes a file inside.
  package func create(_ name: String, _ bytes: [UInt8]) throws {
    let file = try openFile(
      name, in: descriptor.raw, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try bytes.withUnsafeBytes { try file.writeAll($0, at: 0, subject: name) }
  }
}

/// Compares without the cost of generic code in a debug build.
package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && (left.isEmpty || memcmp(left, right, left.count) == 0)
}
