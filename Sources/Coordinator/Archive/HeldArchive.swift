internal import Glibc
internal import System

/// An archive that was looked at, and stays open until it was read.
final class HeldArchive: Sendable {
  let status: FileStatus
  private let file: OwnedDescriptor

  init(_ file: consuming OwnedDescriptor, _ status: FileStatus) {
    self.file = file
    self.status = status
  }

  /// A descriptor with a position of its own.
  func openAgain(isDirectory: Bool) throws(SystemCallError) -> OwnedDescriptor {
    try openFile(
      "/proc/self/fd/\(file.raw)", flags: isDirectory ? O_RDONLY | O_DIRECTORY : O_RDONLY)
  }
}
