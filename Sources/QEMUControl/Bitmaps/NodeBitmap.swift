internal import JSON

/// A dirty bitmap of a node (QEMU `qapi/block-core.json`, `BlockDirtyInfo`).
package struct NodeBitmap: Equatable, Sendable {
  package let name: String
  /// It notes every write.
  package let isRecording: Bool
  /// QEMU stores it in the image when it closes that.
  package let isPersistent: Bool
  /// QEMU did not close the image in order: nobody knows what the bitmap lacks.
  package let isInconsistent: Bool
  /// A job or an export uses it.
  package let isBusy: Bool
  /// Bytes that one bit stands for.
  package let granularity: Int64
  /// Bytes that it calls changed.
  package let dirtyBytes: Int64

  /// Bytes that one bit of a bitmap of ours stands for: a cluster of an archive.
  package static let ourGranularity: Int64 = 64 << 10
  /// Bytes of a name (QEMU `include/block/dirty-bitmap.h`, `BDRV_BITMAP_MAX_NAME_SIZE`).
  private static let nameBytesMax = 1023

  /// - Returns: `nil` for one without a name, which belongs to a running job.
  init?(_ value: JSONValue) throws(ControlError) {
    guard let name = value["name"]?.string else { return nil }
    guard name.utf8.count <= Self.nameBytesMax,
      let granularity = value["granularity"]?.integer, (1...(1 << 31)).contains(granularity),
      let dirty = value["count"]?.integer, (0...(1 << 54)).contains(dirty)
    else { throw .unexpected(command: "query-named-block-nodes", what: "a malformed bitmap") }
    self.name = name
    isRecording = value["recording"]?.bool ?? false
    isPersistent = value["persistent"]?.bool ?? false
    isInconsistent = value["inconsistent"]?.bool ?? false
    isBusy = value["busy"]?.bool ?? false
    self.granularity = granularity
    dirtyBytes = dirty
  }
}
