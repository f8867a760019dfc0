internal import CLinux
internal import Glibc
internal import System

/// ST_NOEXEC of statvfs(3), which the Glibc module hides.
private let noexecFlag: UInt = 8

/// Whether a file can be run by this process, and what is in the way.
package enum ProgramAccess: Sendable, Equatable {
  case runs
  case missing
  /// Its mode gives this user no right to execute it.
  case noPermission
  /// The mode would do, the file system is mounted noexec.
  case noexec

  package init(path: String) {
    if unsafe clinux_access(path, X_OK) == 0 {
      self = .runs
    } else if unsafe clinux_access(path, F_OK) != 0 {
      self = .missing
    } else {
      guard let file = try? openFile(path, flags: O_RDONLY), Self.isOnNoexec(file.raw) else {
        self = .noPermission
        return
      }
      self = .noexec
    }
  }

  /// Whether an open file is on a file system from which nothing is executed.
  static func isOnNoexec(_ file: Int32) -> Bool {
    var system = statvfs()
    guard unsafe fstatvfs(file, &system) == 0 else { return false }
    return system.f_flag & noexecFlag != 0
  }

  /// What is in the way, to follow the name of the file; empty if nothing is.
  package var complaint: String {
    switch self {
    case .runs: ""
    case .missing: "not found"
    case .noPermission: "cannot be executed: its mode forbids it"
    case .noexec: "cannot be executed: its file system is mounted noexec"
    }
  }

  /// What to do about it.
  package var advice: String {
    switch self {
    case .runs, .missing: "reinstall Sluice"
    case .noPermission: "set its mode to 755"
    case .noexec: "remount that file system with exec, or install Sluice elsewhere"
    }
  }
}
