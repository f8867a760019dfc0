internal import CLinux
internal import Glibc
internal import System

/// A directory for fleecing images, held open: images are created in it even if its path changes.
package final class FleecingDirectory: Sendable {
  /// For people.
  package let path: String
  private let directory: OwnedDescriptor

  /// - Parameter path: Given by the user, or a path that no other user can change.
  package convenience init(_ path: String) throws(ControlError) {
    do throws(SystemCallError) {
      self.init(try openFile(path, flags: pathOnly | O_DIRECTORY), path: path)
    } catch {
      throw .system(error)
    }
  }

  init(_ directory: consuming OwnedDescriptor, path: String) {
    self.directory = directory
    self.path = path
  }

  /// The number of its filesystem.
  package var device: UInt64 {
    get throws(ControlError) {
      do throws(SystemCallError) {
        return try FileStatus(descriptor: directory.raw, subject: path).device
      } catch {
        throw .system(error)
      }
    }
  }

  /// Bytes that are free for users without privileges: QEMU may be one.
  package func freeBytes() throws(ControlError) -> Int64 {
    var status = statvfs()
    guard unsafe fstatvfs(directory.raw, &status) == 0 else {
      throw .system(SystemCallError(.fstat, subject: path, code: errno))
    }
    return Int64(clamping: UInt64(status.f_bavail)).multipliedReportingOverflow(
      by: Int64(clamping: UInt64(status.f_frsize))
    ).partialValue
  }

  /// Makes an empty file without a name in it.
  func makeFile() throws(SystemCallError) -> OwnedDescriptor {
    do throws(SystemCallError) { return try openNamelessFile(in: directory.raw) } catch {
      throw SystemCallError(error.call, subject: path, code: error.code)
    }
  }
}
