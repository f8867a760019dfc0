package import ArchiveBytes
internal import BackupProtocol

/// An archive on storage of which one piece cannot be read.
package final class BadSector: RandomSource {
  private let source: MemorySource
  private let bad: Range<UInt64>

  /// - Parameter start: Of the 4096 bytes that are lost.
  package init(_ source: MemorySource, at start: UInt64) {
    self.source = source
    bad = start..<(start + 4096)
  }

  package var position: UInt64 { source.position }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = try read(into: buffer, at: position)
    _ = try source.skip(count)
    return count
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    let wanted = offset..<(offset + UInt64(buffer.count))
    guard !bad.overlaps(wanted) else { throw ArchiveError(.io, "a sector cannot be read") }
    return try source.read(into: buffer, at: offset)
  }

  package func skip(_ count: Int) throws(ArchiveError) -> Int { try source.skip(count) }
}
