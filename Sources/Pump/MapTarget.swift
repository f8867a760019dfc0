internal import BackupProtocol
package import BlockSource

/// Notes where a stream has data, for formats that must know it before the first byte.
package final class MapTarget: ReadTarget {
  private let size: UInt64
  private var extents: [Extent] = []

  /// - Parameter size: Bytes of the stream.
  package init(size: UInt64) { self.size = size }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<UInt16>, at offset: UInt64
  ) throws(LaneFailure) {
    let end = offset + UInt64(bytes.count)
    append(to: offset, .hole)
    for cluster in masks.indices {
      let clusterEnd = min(offset + UInt64(cluster + 1) * Limits.clusterBytes, end)
      append(to: clusterEnd, masks[cluster] == 0 ? .hole : .data)
    }
  }

  package func finish() { append(to: size, .hole) }

  /// Ascending extents that cover the stream.
  package var map: [Extent] { extents }

  private func append(to end: UInt64, _ kind: Extent.Kind) {
    let start = extents.last?.end ?? 0
    guard end > start else { return }
    if let last = extents.last, last.kind == kind {
      extents[extents.count - 1] = Extent(
        offset: last.offset, length: end - last.offset, kind: kind)
    } else {
      extents.append(Extent(offset: start, length: end - start, kind: kind))
    }
  }
}
