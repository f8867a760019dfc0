internal import CLinux

/// The locks by which QEMUs tell each other how they use an image.
package enum ImageLock {
  /// Held by a QEMU that may write: byte 100 plus the number of the write permission.
  private static let writerOffset: Int64 = 101

  /// Whether a QEMU has the image open for writing; `false` where a file system has no such locks.
  ///
  /// - Parameter descriptor: Of the image, open for reading.
  package static func hasWriter(_ descriptor: Int32) -> Bool {
    clinux_is_byte_locked(descriptor, writerOffset) == 1
  }
}
