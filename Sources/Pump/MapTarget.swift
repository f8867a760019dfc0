package import BackupProtocol

/// Notes where a stream has data, for formats that must know it before the first byte.
package final class MapTarget: ReadTarget {
  private let size: UInt64
  private var extents: [Extent] = []

  /// - Parameter size: Bytes of the stream.
  package init(size: UInt64) { self.size = size }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    let end = offset + UInt64(bytes.count)
    extents.append(upTo: offset, .hole)
    for cluster in masks.indices {
      let clusterEnd = min(offset + UInt64(cluster + 1) * Cluster.bytes, end)
      extents.append(upTo: clusterEnd, masks[cluster].isEmpty ? .hole : .data)
    }
  }

  package func finish() { extents.append(upTo: size, .hole) }

  /// Ascending extents that cover the stream.
  package var map: [Extent] { extents }
}
