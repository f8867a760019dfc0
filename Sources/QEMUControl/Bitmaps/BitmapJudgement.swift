/// Whether the bitmap of a parent backup tells all that has changed on a disk since.
package enum BitmapJudgement: Equatable, Sendable {
  case usable(NodeBitmap)
  case unusable(BitmapObstacle)
}

/// Why a disk's changes since a backup are not known from a bitmap; a sentence for people.
package enum BitmapObstacle: Equatable, Sendable, CustomStringConvertible {
  /// There is none of that backup at the disk's topmost node.
  case missing
  case notRecording
  case inconsistent
  case busy
  /// QEMU calls nothing changed when an image is resized.
  case otherSize(parentBytes: UInt64, bytes: UInt64)

  package var description: String {
    switch self {
    case .missing:
      """
      QEMU has no dirty bitmap of that backup for the disk: QEMU was restarted, the disk was \
      replaced, a snapshot was made, or a later increment took its place
      """
    case .notRecording: "the dirty bitmap of that backup was disabled"
    case .inconsistent:
      "the dirty bitmap of that backup is inconsistent: QEMU was killed or crashed"
    case .busy: "the dirty bitmap of that backup is in use by another job or export"
    case .otherSize(let parentBytes, let bytes):
      "the disk was resized: \(parentBytes) bytes then, \(bytes) bytes now"
    }
  }
}

extension BitmapInventory {
  /// Judges the bitmap of a parent backup.
  ///
  /// - Parameters:
  ///   - node: The topmost node of the disk's medium.
  ///   - parentBytes: The disk's size in the parent backup.
  package func judge(
    _ parent: BitmapName, on node: String, parentBytes: UInt64
  ) -> BitmapJudgement {
    guard let place = self[node], let bitmap = place.bitmap(parent.bitmap) else {
      return .unusable(.missing)
    }
    if bitmap.isInconsistent { return .unusable(.inconsistent) }
    if bitmap.isBusy { return .unusable(.busy) }
    if !bitmap.isRecording { return .unusable(.notRecording) }
    let bytes = UInt64(clamping: place.size)
    if bytes != parentBytes {
      return .unusable(.otherSize(parentBytes: parentBytes, bytes: bytes))
    }
    return .usable(bitmap)
  }

  /// Bitmaps of ours that a disk may have: each notes every write, and takes memory.
  package static let oursMax = 8

  /// The backups whose bitmaps leave no room for another one; empty if there is room.
  package func crowd(on node: String) -> [BitmapName] {
    let ours = self[node]?.ours.map(\.name) ?? []
    return ours.count < Self.oursMax ? [] : ours
  }
}
