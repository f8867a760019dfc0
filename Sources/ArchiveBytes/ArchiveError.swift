package import BackupProtocol

/// Why an archive cannot be read: for the host's program a code, for people a sentence.
package struct ArchiveError: Error, Equatable, Sendable {
  package var code: ErrorCode
  package var message: String
  /// The kernel's, positive, if a system call failed.
  package var errno: Int32?

  package init(_ code: ErrorCode, _ message: String, errno: Int32? = nil) {
    self.code = code
    self.message = message
    self.errno = errno
  }

  package static func corrupt(_ message: String) -> ArchiveError { ArchiveError(.corrupt, message) }
}
