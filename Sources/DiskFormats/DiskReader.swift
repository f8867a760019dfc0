package import ArchiveBytes

/// A disk in a file of whatever format.
package protocol DiskReader: AnyObject {
  /// Bytes of the disk.
  var capacityBytes: UInt64 { get }

  /// Reads the disk, from its start to its end.
  ///
  /// - Throws: E_CORRUPT, E_UNSUPPORTED; what source and sink throw.
  func read(to sink: any ClusterSink) throws(ArchiveError)
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
    let assembler = ClusterAssembler(sink, capacity: capacityBytes)
    var offset: UInt64 = 0
    while offset < capacityBytes {
      let count = unsafe Int(min(UInt64(buffer.count), capacityBytes - offset))
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      guard try unsafe source.read(into: part) == count else {
        throw .corrupt("the disk image is truncated")
      }
      let bytes = UnsafeRawBufferPointer(part)
      if unsafe !areZeros(bytes) { try unsafe assembler.put(bytes, at: offset) }
      offset += UInt64(count)
    }
    try assembler.finish()
  }
}
