internal import CLinux
internal import Glibc
internal import Pump
internal import System

/// A sparse file that a stream is restored into; blocks of zeros stay holes.
///
/// Written past the page cache where the filesystem allows: what is restored is rarely read at
/// once, and would push out what the guests use.
final class FileTarget: ReadTarget {
  private static let blockBytes = 4096
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
    _ bytes: UnsafeRawBufferPointer, masks: Span<UInt16>, at offset: UInt64
  ) throws(LaneFailure) {
    var block = 0
    let blocks = (bytes.count + Self.blockBytes - 1) / Self.blockBytes
    while block < blocks {
      guard hasData(block, masks) else {
        block += 1
        continue
      }
      let start = block
      while block < blocks && hasData(block, masks) { block += 1 }
      let range = (start * Self.blockBytes)..<min(block * Self.blockBytes, bytes.count)
      try unsafe write(
        UnsafeRawBufferPointer(rebasing: bytes[range]), at: offset + UInt64(range.lowerBound))
    }
  }

  func finish() throws(LaneFailure) {
    do throws(SystemCallError) { try file?.sync(subject: name) } catch {
      throw .target("\(error)")
    }
    file = nil
  }

  private func hasData(_ block: Int, _ masks: Span<UInt16>) -> Bool {
    masks[block / 16] & (1 << UInt16(block % 16)) != 0
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure) {
    // The last block of an odd size is not aligned: it goes through the page cache.
    if isDirect && bytes.count % Self.blockBytes != 0 {
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
