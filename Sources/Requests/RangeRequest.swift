/// What `sluice read` was asked to do.
package struct RangeRequest: Sendable {
  package let archive: ArchiveRequest
  /// The disk's name in the archive.
  package let disk: String
  /// Bytes from the start of the disk.
  package var offset: UInt64 = 0
  /// Bytes; `nil` is all that follows.
  package var length: UInt64?
  /// The file that is to be made; `nil` is standard output.
  package var output: String?

  package init(_ archive: ArchiveRequest, disk: String) {
    self.archive = archive
    self.disk = disk
  }

  /// Whether all of the disk is wanted.
  package var isWhole: Bool { offset == 0 && length == nil }

  /// What is wanted of a disk.
  ///
  /// - Throws: `RequestError` if not all of it is there.
  package func range(ofDisk size: UInt64) throws(RequestError) -> Range<UInt64> {
    guard offset < size, (length ?? 0) <= size - offset else {
      throw .beyondDisk(disk, size: size)
    }
    return offset..<(length.map { offset + $0 } ?? size)
  }
}
