internal import BackupProtocol

/// The dirty bitmap that tells what has changed on a disk since its parent backup.
package struct ChangeRecord: Equatable, Sendable {
  /// Its name in QEMU.
  package let bitmap: String
  /// The disk's size in the parent backup.
  package let parentBytes: UInt64

  package init(bitmap: String, parentBytes: UInt64) {
    self.bitmap = bitmap
    self.parentBytes = parentBytes
  }

  /// The end of what can be unchanged on a disk of this size: whole clusters of both. A last
  /// cluster that is not whole is the same only if both disks end there.
  func unchangedEnd(size: UInt64) -> UInt64 {
    if size == parentBytes { return size }
    let shared = min(size, parentBytes)
    return shared - shared % Cluster.bytes
  }

  /// A map of a disk in which what has not changed is *unchanged*.
  ///
  /// - Parameters:
  ///   - allocation: Covers [0, size).
  ///   - changes: The same; *unchanged* is clean, anything else is dirty.
  /// - Returns: At most as many extents as both have together.
  func map(_ allocation: [Extent], _ changes: [Extent], size: UInt64) -> [Extent] {
    let unchangedEnd = unchangedEnd(size: size)
    var map: [Extent] = []
    var held = allocation.makeIterator()
    var extent = held.next()
    for change in changes {
      let cleanEnd = change.kind == .unchanged ? min(change.end, unchangedEnd) : change.offset
      map.append(upTo: cleanEnd, .unchanged)
      while let current = extent, (map.last?.end ?? 0) < change.end {
        map.append(upTo: min(current.end, change.end), current.kind)
        if current.end <= change.end { extent = held.next() } else { break }
      }
    }
    return map
  }
}
