internal import CLinux
internal import Glibc
internal import System

/// Standard input and output as the ends of archives.
enum StandardStream {
  static let input: Int32 = 0
  static let output: Int32 = 1
  static let error: Int32 = 2

  /// Whether standard output is neither a pipe, a file nor a device: no plugin gets it.
  static var isForeign: Bool {
    guard let status = try? FileStatus(descriptor: output, subject: "standard output") else {
      return false
    }
    return status.kind == .socket || status.kind == .directory
  }

  /// Standard output for a plugin.
  ///
  /// A pipe is opened once more: it may have been made non-blocking, and that belongs to whoever
  /// holds its other openings. A file is shared, for the sake of its position.
  static func writingEnd() throws(SystemCallError) -> OwnedDescriptor {
    try end(output, flags: O_WRONLY, subject: "standard output")
  }

  /// Standard input for a plugin; a file is read from its start.
  static func readingEnd() throws(SystemCallError) -> OwnedDescriptor {
    try end(input, flags: O_RDONLY, subject: "standard input")
  }

  private static func end(
    _ number: Int32, flags: Int32, subject: String
  ) throws(SystemCallError) -> OwnedDescriptor {
    let kind = try FileStatus(descriptor: number, subject: subject).kind
    if kind == .regular && flags == O_RDONLY {
      return try openFile("/proc/self/fd/\(number)", flags: flags)
    }
    // Of a pipe that belongs to somebody else there can be no other opening.
    if kind == .pipe, let own = try? openFile("/proc/self/fd/\(number)", flags: flags | O_NONBLOCK)
    {
      try check(clinux_set_nonblocking(own.raw, 0), .setFlags, subject)
      return own
    }
    return OwnedDescriptor(adopting: try check(clinux_duplicate(number), .duplicate, subject))
  }
}
