internal import CLinux
internal import Glibc
package import System

/// The file that QEMU writes RAM and device state into, as fast as it can: while a page is being
/// saved, the guest may wait for it, and must not depend on where the archive goes.
///
/// It has no name, so it is gone with its last user.
package final class VMStateSpool: Sendable {
  /// What a stream of QEMU's begins with (QEMU `migration/savevm.c`, QEMU_VM_FILE_MAGIC).
  private static let magic = Array("QEVM".utf8)

  package let directory: FleecingDirectory
  private let file: OwnedDescriptor

  /// Valid as long as this object.
  package var rawDescriptor: Int32 { file.raw }

  /// Another descriptor of it.
  package func duplicate() throws(SystemCallError) -> OwnedDescriptor { try file.duplicate() }

  /// Whether all the space it can need is its own.
  package let isReserved: Bool

  /// Makes the file, with room for all of the memory, where the filesystem can reserve it.
  ///
  /// - Parameter memoryBytes: ``VMStateChoice/memoryBytes``.
  /// - Throws: `fleecingSpace`, `system`.
  package init(in directory: FleecingDirectory, memoryBytes: Int64) throws(ControlError) {
    self.directory = directory
    let wanted = Self.wantedBytes(ofMemory: memoryBytes)
    let free = try directory.freeBytes()
    guard free >= wanted else {
      throw .fleecingSpace(directory: directory.path, freeBytes: free, wantedBytes: wanted)
    }
    do throws(SystemCallError) {
      file = try directory.makeFile()
      let result = clinux_reserve(file.raw, 0, wanted)
      isReserved = result != -EOPNOTSUPP
      if isReserved { try check(result, .fallocate, directory.path) }
    } catch {
      guard error.code == ENOSPC else { throw .system(error) }
      throw .fleecingSpace(directory: directory.path, freeBytes: free, wantedBytes: wanted)
    }
  }

  /// Bytes that memory can need: each page has a few bytes before it, and devices have state.
  package static func wantedBytes(ofMemory bytes: Int64) -> Int64 {
    bytes + bytes / 64 + (64 << 20)
  }

  /// What QEMU has written.
  package var byteCount: Int64 {
    (try? FileStatus(descriptor: file.raw, subject: directory.path).size) ?? 0
  }

  /// Whether it begins as a stream of QEMU's does.
  package var isStream: Bool {
    (try? readBytes(file.raw, at: 0, count: Self.magic.count)) == Self.magic
  }

  /// Gives room back that was not needed.
  package func trim() {
    let size = byteCount
    _ = clinux_ftruncate(file.raw, size + 1)
    _ = clinux_ftruncate(file.raw, size)
  }

  /// Frees its space, even if others have it open.
  package func empty() { _ = clinux_ftruncate(file.raw, 0) }
}
