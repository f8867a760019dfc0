internal import BackupProtocol
internal import CLinux
internal import Glibc
package import System

/// Why a plugin cannot go on; what it throws from any method the kit calls.
///
/// The kit tells it to the host in an ERROR frame, takes back what was written, and ends the
/// process with status 1. Specified in protocol.md §15.
public struct PluginError: Error, Equatable, Sendable {
  /// For the host's program: it decides from this whether trying again may help.
  public var code: ErrorCode
  /// For people: lower case, cause then remedy, without the plugin's name.
  public var message: String
  /// The kernel's errno behind it, positive; `nil` if there is none.
  public var errno: Int32?

  /// A failure of which the plugin says everything.
  public init(_ code: ErrorCode, _ message: String, errno: Int32? = nil) {
    self.code = code
    self.message = message
    self.errno = errno
  }

  /// A system call failed.
  ///
  /// The code follows from the errno: ENOSPC, EDQUOT and EFBIG mean E_NO_SPACE, EACCES, EPERM and
  /// EROFS mean E_PERMISSION, EEXIST E_EXISTS, ENOENT E_NOT_FOUND, all others E_IO.
  /// - Parameters:
  ///   - doing: What was attempted, as in "writing disk.raw".
  ///   - errno: The kernel's errno, positive.
  public init(_ doing: String, errno: Int32) {
    self.init(
      Self.code(errno: errno), "\(doing) failed: \(Self.words(errno: errno))", errno: errno)
  }

  package init(_ doing: String, _ error: SystemCallError) {
    self.init(doing, errno: error.code)
  }

  /// What is said of an archive that is not as its format says: E_CORRUPT.
  ///
  /// - Parameter what: As in "it has no end".
  public static func damaged(_ what: String) -> PluginError {
    PluginError(.corrupt, "the archive is damaged: \(what)")
  }

  /// The code that an errno stands for.
  public static func code(errno: Int32) -> ErrorCode {
    switch errno {
    case ENOSPC, EDQUOT, EFBIG: .noSpace
    case EACCES, EPERM, EROFS: .permission
    case EEXIST: .exists
    case ENOENT: .notFound
    default: .io
    }
  }

  private static func words(errno: Int32) -> String {
    switch errno {
    case ENOSPC: "the target is full; make room there or choose another place"
    case EDQUOT: "the quota of the target is used up; raise it or choose another place"
    case EFBIG: "the file would be larger than the target allows"
    case EROFS: "the target is read-only"
    default: errnoText(errno)
    }
  }
}

extension PluginError {
  /// The host broke the wire.
  init(_ error: WireError) {
    self.init(error.code, "the host broke the protocol: \(error)")
  }

  /// As it goes to the host.
  func frame(answers: UInt32 = 0, isStreamOnly: Bool = false) -> ErrorFrame {
    ErrorFrame(
      code: code, isFatal: !isStreamOnly, isStreamOnly: isStreamOnly, answers: answers,
      message: String(decoding: message.utf8.prefix(4096), as: UTF8.self),
      errnoName: errno.map { errnoName($0) })
  }
}
