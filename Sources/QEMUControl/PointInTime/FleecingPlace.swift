internal import CLinux
internal import Glibc
internal import System

/// The default directory for the fleecing image of a disk.
package enum FleecingPlace {
  /// Beside the disk's image; below the state directory, which is created if needed, for block
  /// devices, disks without a file, and images behind a link that other users may have made.
  ///
  /// - Parameters:
  ///   - imageFile: `GuestBlockDevice.imageFile`.
  ///   - state: `StateDirectory.usual()`.
  package static func directory(
    imageFile: String?, state: String
  ) throws(ControlError) -> FleecingDirectory {
    // Where the file really is: a link to it may lie anywhere, but not be anybody's.
    if let imageFile, let directory = TrustedPath.directory(ofFile: imageFile) { return directory }
    let path: String
    do throws(SystemCallError) { path = try StateDirectory.made("\(state)/fleece") } catch {
      throw .system(error)
    }
    return try FleecingDirectory(path)
  }
}

/// Where Sluice keeps what has to outlive one run.
package enum StateDirectory {
  /// `/var/lib/sluice` for root, else `$XDG_STATE_HOME/sluice` or `~/.local/state/sluice`.
  package static func usual() -> String {
    if geteuid() == 0 { return "/var/lib/sluice" }
    if let directory = environment("XDG_STATE_HOME") { return directory + "/sluice" }
    return (environment("HOME") ?? shelter) + "/.local/state/sluice"
  }

  /// Where the state of a user without a home is. Anybody can make it beforehand.
  private static var shelter: String { "/tmp/sluice-\(geteuid())" }

  /// Whether nobody else can have put into a directory of state what is there.
  static func isTrusted(_ path: String) -> Bool {
    guard path.hasPrefix(shelter + "/") else { return true }
    guard let status = try? FileStatus(path: shelter) else { return false }
    return status.kind == .directory && status.owner == geteuid() && status.permissions & 0o077 == 0
  }

  private static func requireTrust(_ path: String) throws(SystemCallError) {
    if path.hasPrefix(shelter + "/") {
      _ = unsafe clinux_mkdirat(currentDirectory, shelter, 0o700)
    }
    guard isTrusted(path) else {
      throw SystemCallError(
        .open, subject: "\(shelter), which belongs to another user (set HOME or XDG_STATE_HOME)",
        code: EPERM)
    }
  }

  private static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe nameText(cString: value)
    return text.hasPrefix("/") ? text : nil
  }

  /// Makes a directory and those above it, for the caller alone; those that are there stay.
  static func made(_ path: String) throws(SystemCallError) -> String {
    try requireTrust(path)
    let result = unsafe clinux_mkdirat(currentDirectory, path, 0o700)
    switch -result {
    case 0, EEXIST: return path
    case ENOENT where path.count > 1:
      _ = try made(splitPath(path).directory)
      let again = unsafe clinux_mkdirat(currentDirectory, path, 0o700)
      if again != -EEXIST { try check(again, .mkdir, path) }
      return path
    case let code: throw SystemCallError(.mkdir, subject: path, code: code)
    }
  }
}
