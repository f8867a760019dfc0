package import ArchiveBytes

/// A part of a source that has bytes at any place: a member of an archive.
package final class SourceWindow: RandomSource {
  private let source: any RandomSource
  private let start: UInt64
  package let byteCount: UInt64
  package private(set) var position: UInt64 = 0

  /// - Precondition: `start + byteCount` is a number.
  package init(_ source: any RandomSource, start: UInt64, byteCount: UInt64) {
    self.source = source
    self.start = start
    self.byteCount = byteCount
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try unsafe read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    guard offset < byteCount else { return 0 }
    let count = Int(min(UInt64(buffer.count), byteCount - offset))
    return try unsafe source.read(
      into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: start + offset)
  }

  package func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(UInt64(count), byteCount - position)
    position += done
    return Int(done)
  }
}
