internal import BlockSource
internal import QEMUControl

extension PointInTime {
  /// What tells which parts of a disk have changed since its parent backup: shown by its NBD
  /// export, or stored in its spool.
  ///
  /// - Returns: `nil` if it has no parent: everything counts as changed.
  func changeRecord(_ number: Int) -> ChangeRecord? {
    disks[number].bitmaps?.parent.map {
      ChangeRecord(bitmap: mark.changes(number), parentBytes: $0.bytes)
    }
  }
}
