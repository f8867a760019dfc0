package import ArchiveBytes
internal import BackupProtocol

/// A disk in a file of whatever format.
package protocol DiskReader: AnyObject {
  /// Bytes of the disk.
  var capacityBytes: UInt64 { get }

  /// Reads the disk, from its start to its end.
  ///
  /// - Throws: E_CORRUPT, E_UNSUPPORTED; what source and sink throw.
  func read(to sink: any ClusterSink) throws(ArchiveError)

  /// Reads a part of the disk, in any order.
  ///
  /// - Parameter range: Begins on a multiple of 64 KiB, and ends on one or with the disk.
  /// - Throws: E_UNSUPPORTED for a disk that only goes forward; E_CORRUPT; what source and sink
  ///   throw.
  func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError)
}

extension DiskReader {
  /// Most formats have to be read from the start.
  package func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    throw Self.goesForward
  }

  static var goesForward: ArchiveError {
    ArchiveError(.unsupported, "of a disk that is compressed as a whole no part can be read")
  }
}

extension VMDKStreamReader: DiskReader {
  package var capacityBytes: UInt64 { header.capacityBytes }
}

extension VMDKTableReader: DiskReader {
  package var capacityBytes: UInt64 { header.capacityBytes }
}

extension QCOW2Reader: DiskReader {
  package var capacityBytes: UInt64 { header.capacityBytes }
}

/// A disk that lies there byte for byte; clusters of zeros become holes.
@safe package final class FlatReader: DiskReader {
  package let capacityBytes: UInt64
  private let source: any ByteSource
  private let buffer: UnsafeMutableRawBufferPointer

  /// - Parameter source: Stands at the first byte; may have more than those of the disk.
  package init(_ source: any ByteSource, capacityBytes: UInt64) {
    self.source = source
    self.capacityBytes = capacityBytes
    unsafe buffer = .allocate(byteCount: ClusterAssembler.clusterBytes, alignment: 4096)
  }

  deinit { unsafe buffer.deallocate() }

  package func read(to sink: any ClusterSink) throws(ArchiveError) {
    try unsafe read(0..<capacityBytes, to: sink) { buffer, _ throws(ArchiveError) in
      try unsafe source.read(into: buffer)
    }
  }

  package func read(_ range: Range<UInt64>, to sink: any ClusterSink) throws(ArchiveError) {
    guard let source = source as? any RandomSource else { throw Self.goesForward }
    try unsafe read(range, to: sink) { buffer, offset throws(ArchiveError) in
      try unsafe source.read(into: buffer, at: offset)
    }
  }

  private func read(
    _ range: Range<UInt64>, to sink: any ClusterSink,
    _ fill: (UnsafeMutableRawBufferPointer, UInt64) throws(ArchiveError) -> Int
  ) throws(ArchiveError) {
    let assembler = ClusterAssembler(sink, range)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = unsafe Int(min(UInt64(buffer.count), range.upperBound - offset))
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      guard try unsafe fill(part, offset) == count else {
        throw .corrupt("the disk image is truncated")
      }
      let bytes = UnsafeRawBufferPointer(part)
      if unsafe !areZeros(bytes) { try unsafe assembler.put(bytes, at: offset) }
      offset += UInt64(count)
    }
    try assembler.finish()
  }
}
