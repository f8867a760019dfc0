internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import Pump
internal import System

/// A sparse file that a stream is restored into; blocks of zeros stay holes.
///
/// Written past the page cache where the filesystem allows: what is restored is rarely read at
/// once, and would push out what the guests use.
final class FileTarget: ReadTarget {
  private let name: String
  /// Closed when the stream is complete: FUSE keeps what is open, and with it the staging place.
  private var file: OwnedDescriptor?
  private var isDirect: Bool

  /// - Parameter file: Of the stream's length, and all zeros.
  init(_ file: consuming OwnedDescriptor, name: String) {
    self.name = name
    self.file = consume file
    isDirect = clinux_set_direct(self.file?.raw ?? -1, 1) == 0
  }

  /// Makes a new file of that size, all hole.
  ///
  /// - Parameter reserves: Takes room for all of it.
  convenience init(
    name: String, in directory: Int32, size: UInt64, reserves: Bool
  ) throws(LaneFailure) {
    do throws(SystemCallError) {
      let file = try openFile(
        name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try check(clinux_ftruncate(file.raw, Int64(size)), .ftruncate, name)
      if reserves && size > 0 {
        try check(clinux_reserve(file.raw, 0, Int64(size)), .fallocate, name)
      }
      self.init(file, name: name)
    } catch {
      throw .target("\(error)")
    }
  }

  func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    var end = 0
    while let run = masks.nextRun(from: end, byteCount: bytes.count) {
      try unsafe write(
        UnsafeRawBufferPointer(rebasing: bytes[run]), at: offset + UInt64(run.lowerBound))
      end = run.upperBound
    }
  }

  func finish() throws(LaneFailure) {
    do throws(SystemCallError) { try file?.sync(subject: name) } catch {
      throw .target("\(error)")
    }
    file = nil
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure) {
    // The last block of an odd size is not aligned: it goes through the page cache.
    if isDirect && bytes.count % Int(Block.bytes) != 0 {
      isDirect = false
      _ = clinux_set_direct(file?.raw ?? -1, 0)
    }
    do throws(SystemCallError) {
      try unsafe file?.writeAll(bytes, at: Int64(offset), subject: name)
    } catch {
      throw .target("\(error)")
    }
  }
}
