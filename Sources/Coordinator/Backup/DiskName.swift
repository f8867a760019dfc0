internal import BackupProtocol

/// The name of a disk in an archive.
enum DiskName {
  /// Longest in bytes: restored, it is a file `NAME.raw`.
  static let byteCountMax = Limits.nameBytesMax - ".raw".utf8.count
}
