internal import Glibc
package import System

/// A file without a name for a plugin that reads an archive and needs more room than its memory.
/// It goes away with the plugin. Specified in protocol.md §2.1.
package struct ScratchFile: ~Copyable {
  /// Its number in the plugin.
  package static let descriptor: Int32 = 8

  let file: OwnedDescriptor
  /// Bytes it may grow to: half of what is free. An archive decides how much of it is used, and
  /// must not fill the machine.
  let bytesMax: UInt64

  /// - Throws: What opening a file in `directory` throws.
  package init(in directory: String) throws(SystemCallError) {
    let file = try openNamelessFile(directory)
    bytesMax = try Self.freeBytes(file.raw, directory) / 2
    self.file = file
  }

  private static func freeBytes(
    _ descriptor: Int32, _ directory: String
  ) throws(SystemCallError) -> UInt64 {
    var status = statvfs()
    guard unsafe fstatvfs(descriptor, &status) == 0 else {
      throw SystemCallError(.fstat, subject: directory, code: errno)
    }
    let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return free.overflow ? UInt64(Int64.max) : free.partialValue
  }
}
