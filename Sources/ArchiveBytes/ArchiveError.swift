public import BackupProtocol

/// Why an archive cannot be read: for the host's program a code, for people a sentence.
public struct ArchiveError: Error, Equatable, Sendable {
  /// For the host's program.
  public var code: ErrorCode
  /// For people: lower case, cause then remedy.
  public var message: String
  /// The kernel's, positive, if a system call failed.
  public var errno: Int32?

  /// Makes a value of its parts.
  public init(_ code: ErrorCode, _ message: String, errno: Int32? = nil) {
    self.code = code
    self.message = message
    self.errno = errno
  }

  /// The archive is damaged, or was never whole.
  public static func corrupt(_ message: String) -> ArchiveError { ArchiveError(.corrupt, message) }
}
