/// What becomes of a disk's dirty bitmaps at the point in time.
package struct DiskBitmaps: Equatable, Sendable {
  /// The backup that the disk's changes are taken from.
  package struct Parent: Equatable, Sendable {
    /// Judged usable: it records, and goes on to.
    package let name: BitmapName
    /// The disk's size in that backup.
    package let bytes: UInt64

    package init(name: BitmapName, bytes: UInt64) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// Records from the point in time on.
  package let new: BitmapName
  /// `BitmapInventory.Node.keepsBitmaps`: else it ends with QEMU.
  package let isPersistent: Bool
  package let parent: Parent?
  /// Of no use to anybody once every archive of the job is published.
  package let superseded: [BitmapName]

  package init(
    new: BitmapName, isPersistent: Bool, parent: Parent? = nil, superseded: [BitmapName] = []
  ) {
    self.new = new
    self.isPersistent = isPersistent
    self.parent = parent
    self.superseded = superseded
  }
}
