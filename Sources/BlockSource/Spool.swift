/// A disk that a running machine's QEMU has copied into a qcow2 without a name.
package struct Spool: Sendable {
  /// The disk's name in the archive.
  package let name: String
  /// Bytes of the disk.
  package let size: UInt64
  /// Of the file, open for reading at least; stays open until the daemon has started.
  package let descriptor: Int32
  /// A bitmap that QEMU has stored in the file.
  package let changes: ChangeRecord?

  package init(name: String, size: UInt64, descriptor: Int32, changes: ChangeRecord? = nil) {
    self.name = name
    self.size = size
    self.descriptor = descriptor
    self.changes = changes
  }
}
