internal import CLinux
internal import Glibc
internal import System

/// Follows a path as only root and the caller could have laid it.
///
/// A link that another user may have put there, the owner of a machine's QEMU for one, would let
/// that user choose a directory for a process with more rights than its own.
struct TrustedPath: ~Copyable {
  private static let linksMax = 40
  private static let targetBytesMax = 4096

  private var directory: OwnedDescriptor
  private var walked: [String] = []
  private var rest: [String]
  private var linkCount = 0

  /// - Parameter path: Absolute.
  private init(_ path: String) throws(SystemCallError) {
    directory = try openFile("/", flags: pathOnly | O_DIRECTORY)
    rest = Self.parts(path).reversed()
  }

  /// The directory, opened on the way, that holds the regular file at `path`.
  ///
  /// - Returns: `nil` if there is no such file, or a link on the way is not to be trusted.
  static func directory(ofFile path: String) -> FleecingDirectory? {
    guard path.hasPrefix("/"), let walk = try? TrustedPath(path) else { return nil }
    return try? walk.run()
  }

  private static func parts(_ path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }
  }

  private consuming func run() throws(SystemCallError) -> FleecingDirectory? {
    while let part = rest.popLast() {
      let status = try FileStatus(path: part, in: directory.raw)
      switch status.kind {
      case .link:
        guard try isTrusted(status) else { return nil }
        try follow(part)
      case .directory: try enter(part)
      case .regular where rest.isEmpty:
        return FleecingDirectory(directory, path: "/" + walked.joined(separator: "/"))
      default: return nil
      }
    }
    return nil
  }

  /// Whether a link is root's or the caller's, in a directory that is theirs and closed to others.
  private func isTrusted(_ link: FileStatus) throws(SystemCallError) -> Bool {
    let holder = try FileStatus(descriptor: directory.raw, subject: "a directory")
    let users = [0, geteuid()]
    let isClosed = holder.permissions & 0o022 == 0 || holder.permissions & 0o1000 != 0
    return users.contains(link.owner) && users.contains(holder.owner) && isClosed
  }

  private mutating func follow(_ link: String) throws(SystemCallError) {
    linkCount += 1
    guard linkCount <= Self.linksMax else {
      throw SystemCallError(.open, subject: link, code: ELOOP)
    }
    let target = try readLink(link, in: directory.raw)
    if target.hasPrefix("/") {
      directory = try openFile("/", flags: pathOnly | O_DIRECTORY)
      walked = []
    }
    rest += Self.parts(target).reversed()
  }

  private mutating func enter(_ part: String) throws(SystemCallError) {
    directory = try openFile(part, in: directory.raw, flags: pathOnly | O_DIRECTORY | O_NOFOLLOW)
    if part == ".." { _ = walked.popLast() } else { walked.append(part) }
  }

  private func readLink(_ name: String, in directory: Int32) throws(SystemCallError) -> String {
    var bytes = [CChar](repeating: 0, count: Self.targetBytesMax)
    let count = unsafe clinux_readlinkat(directory, name, &bytes, bytes.count)
    guard count >= 0, count < bytes.count else {
      throw SystemCallError(
        .open, subject: name, code: count < 0 ? Int32(-count) : ENAMETOOLONG)
    }
    return nameText(bytes.prefix(count).map { UInt8(bitPattern: $0) })
  }
}
