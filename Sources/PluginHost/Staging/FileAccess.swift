internal import CLinux
package import System

/// Who may use a file: what a file that takes the place of another keeps of it.
package struct FileAccess: Equatable, Sendable {
  package let owner: UInt32
  package let group: UInt32
  /// Without the bits that make a program of it.
  package let permissions: UInt32

  package init(of status: FileStatus) {
    owner = status.owner
    group = status.group
    permissions = status.permissions & 0o777
  }

  /// Gives a file as much of it as the caller may, and never more than that.
  ///
  /// An ordinary user gives no file away. Permissions of a group are not those of another.
  func give(to file: Int32, _ subject: String) throws(SystemCallError) {
    let unchanged = UInt32.max
    if clinux_fchown(file, owner, group) < 0 { _ = clinux_fchown(file, unchanged, group) }
    let now = try FileStatus(descriptor: file, subject: subject)
    let granted = now.group == group ? permissions : permissions & 0o707
    // Where there are no modes, those that the file has must do.
    _ = clinux_fchmod(file, granted)
  }
}

extension FileAccess: CustomStringConvertible {
  /// "owner 0:0, mode 0600".
  package var description: String {
    // The first digit stands for the leading zero of a mode of three.
    "owner \(owner):\(group), mode 0\(String(permissions | 0o1000, radix: 8).dropFirst())"
  }
}
