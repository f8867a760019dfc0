internal import CLinux
internal import Glibc
package import System

/// Standard input and output as the ends of archives.
package enum StandardStream {
  package static let input: Int32 = 0
  package static let output: Int32 = 1
  package static let error: Int32 = 2

  /// Whether no plugin gets standard output itself: it could read from a socket, and cut or read
  /// what a file held before.
  package static var isKeptFromPlugins: Bool {
    switch kind {
    case .socket, .directory, .regular: true
    default: false
    }
  }

  private static var kind: FileStatus.Kind? {
    try? FileStatus(descriptor: output, subject: "standard output").kind
  }

  /// Where the next byte of a file at standard output goes; `nil` if it is not a file.
  package static var fileOffset: UInt64? {
    guard let status = try? FileStatus(descriptor: output, subject: "standard output"),
      status.kind == .regular
    else { return nil }
    let isAppending = fcntl(output, F_GETFL) & O_APPEND != 0
    return UInt64(exactly: isAppending ? status.size : Int64(lseek(output, 0, SEEK_CUR)))
  }

  /// Standard output for a plugin.
  ///
  /// A pipe is opened once more: it may have been made non-blocking, and that belongs to whoever
  /// holds its other openings.
  package static func writingEnd() throws(SystemCallError) -> OwnedDescriptor {
    try end(output, flags: O_WRONLY, subject: "standard output")
  }

  /// Standard input for a plugin; a file is read from its start.
  package static func readingEnd() throws(SystemCallError) -> OwnedDescriptor {
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
